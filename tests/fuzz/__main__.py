"""`python -m tests.fuzz TARGET`: run one target with atheris; a finding stops it, and is kept."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import atheris
import fire

#: For corpora and findings.
FOLDER = Path(".fuzz")
#: What stands in tables and artefacts, for libFuzzer to insert.
WORDS = (
    "id,text", '"', '""', "\r\n", "{", "}", "[]", "null", "true", "NaN", "-Infinity", "1e999", "-1",
    "99999999999", '"text":', "\\ud800", "&amp;", "&#62;", "> ", "```\n", "](",
)  # fmt: skip


def main(target: str, seconds: int = 600) -> None:
    """Fuzz a target.

    Args:
        target: canonicalise, datasets or artefacts.
        seconds: how long.
    """
    corpus = FOLDER / target
    corpus.mkdir(parents=True, exist_ok=True)
    with atheris.instrument_imports(include=["perplexity_detector", "csv", "json"]):
        from tests.fuzz.targets import TARGETS, seeds

        run = TARGETS[target]
        for number, content in enumerate(seeds(target)):
            (corpus / f"seed-{number}").write_bytes(content)
            run(content)  # imports what is imported when it is first needed
    words = FOLDER / "words.txt"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in WORDS))

    def run_and_keep(content: bytes) -> None:
        try:
            run(content)
        except BaseException:
            found = FOLDER / f"{target}-{hashlib.sha256(content).hexdigest()[:12]}"
            found.write_bytes(content)
            sys.stderr.write(f"found: {found}\n")
            raise

    options = [
        f"-max_total_time={seconds}", f"-artifact_prefix={FOLDER}/{target}-",
        "-max_len=16384", "-len_control=0", "-timeout=10", "-rss_limit_mb=2500",
        "-keep_seed=1", "-print_final_stats=1", f"-dict={words}",
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(corpus)], run_and_keep)
    atheris.Fuzz()


def _escaped(word: str) -> str:
    """A word in libFuzzer's notation."""
    return "".join(f"\\x{byte:02x}" for byte in word.encode())


if __name__ == "__main__":
    fire.Fire(main)
