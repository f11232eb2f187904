"""Write perplexity_detector/confusables.json from Unicode's confusables.txt.

`perplexity_detector.text` reads the result to repair words in which look-alike letters of other
scripts stand for Latin ones. Run this only to move to another Unicode version:

    python scripts/make_confusables.py confusables.txt

Unicode publishes the file at https://www.unicode.org/Public/security/15.0.0/confusables.txt (put
another version in place of 15.0.0) under the Unicode License, and ICU ships a copy of it in
source/data/unidata/. Which letters are assigned depends on Python's own Unicode version too, so
use a Python that is not older than the file (`unicodedata.unidata_version`).
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from pathlib import Path

import fire

OUTPUT = Path(__file__).parent.parent / "perplexity_detector" / "confusables.json"
SOURCE = "https://www.unicode.org/Public/security/{version}/confusables.txt"

#: Greek letters that formulas and names join to Latin ones as themselves: σ_H, ρgh, Tif1γ.
SYMBOLS = frozenset("γινρσυ")


def latin_letter(character: str, prototype: str) -> str | None:
    """The ASCII letter that a character imitates; None if it stays as it is.

    Kept are letters of other left-to-right scripts whose prototype is one ASCII letter. Latin
    letters (dotless i, long s, small capitals) belong in Latin words. What NFKC changes
    (mathematical and full-width letters, ligatures) never reaches the table. Letters that run
    from right to left do not sit inside a Latin word as look-alikes would.
    """
    if len(character) != 1 or not re.fullmatch("[A-Za-z]", prototype) or character.isascii():
        return None
    if (
        unicodedata.category(character)[0] != "L"
        or unicodedata.name(character).startswith("LATIN ")
        or unicodedata.normalize("NFKC", character) != character
        or unicodedata.bidirectional(character) != "L"
        or character in SYMBOLS
    ):
        return None
    # Unicode has one prototype, l, for l, I, 1 and |; a capital imitates the capital
    return "I" if prototype == "l" and unicodedata.category(character) == "Lu" else prototype


def read_confusables(text: str) -> dict[str, str]:
    """Character -> its prototype, both as strings, from the lines of confusables.txt."""
    prototypes = {}
    for line in text.splitlines():
        fields = line.partition("#")[0].split(";")
        if len(fields) == 3:
            source, prototype = (
                "".join(chr(int(code, 16)) for code in field.split()) for field in fields[:2]
            )
            prototypes[source] = prototype
    return prototypes


def make_table(content: bytes) -> dict[str, object]:
    """What the data file holds: its origin, and for each Latin letter its look-alikes in order."""
    text = content.decode("utf-8-sig")
    version = re.search(r"^# Version: (\S+)", text, re.M)
    copyright_notice = re.search("^# (©.*)", text, re.M)
    if version is None or copyright_notice is None:
        raise SystemExit("This is not Unicode's confusables.txt: its header names no version.")
    look_alikes: dict[str, list[str]] = {}
    for character, prototype in read_confusables(text).items():
        if letter := latin_letter(character, prototype):
            look_alikes.setdefault(letter, []).append(character)
    return {
        "unicode": version[1],
        "source": SOURCE.format(version=version[1]),
        "sha256": hashlib.sha256(content).hexdigest(),
        "copyright": copyright_notice[1],
        "licence": "https://www.unicode.org/license.txt",
        "look_alikes": {
            letter: "".join(sorted(found)) for letter, found in sorted(look_alikes.items())
        },
    }


def main(confusables: str) -> None:
    """Write the table from Unicode's confusables.txt, a file on this machine."""
    table = make_table(Path(confusables).read_bytes())
    OUTPUT.write_text(
        json.dumps(table, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n"
    )


if __name__ == "__main__":
    fire.Fire(main)
