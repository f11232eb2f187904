"""Lines and paragraphs of a document -> its running text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from perplexity_detector.text import COMMON_WORDS

#: Headings under which sources are listed, at the end of a text.
_REFERENCES = re.compile(
    r"(?:\d+\.?\s+)?(?:list of )?(?:references?(?: list)?|bibliography|works? cited"
    r"|literature cited|sources(?: cited)?|cited sources|webography)\s*:?",
    re.I,
)
#: Headings that may follow such a list.
_AFTER_REFERENCES = re.compile(r"(?:appendix|appendices|annex)\b.{0,60}", re.I)
#: A list of sources begins after this share of the text.
_REFERENCES_FROM = 0.4
#: A text of which a larger share of lines ends with a hyphen was hyphenated by its producer;
#: others break lines only at the hyphens of compounds.
HYPHENATED = 0.07
#: What marks a heading in Markdown, which is no part of it.
_HEADING_MARKS = " \t#*_"
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_COMPOUND = re.compile(r"[^\W\d_]+-[^\W\d_]+")
_BROKEN_WORD = re.compile(r"([^\W\d_]+)[-\u2010\u00ad\u0002]$")
_BEGINS_WORD = re.compile(r"[^\W\d_]+")
_LINE_END_HYPHEN = re.compile(r"(?<=[^\W\d_])[-\u2010\u00ad]\n[ \t]*(?=[^\W\d_])")


class Vocabulary(NamedTuple):
    """What a text's own lines say about its hyphens.

    Attributes:
        words: those within its lines, in lower case, and the commonest of English.
        compounds: words with a hyphen within its lines, such as well-known.
        is_hyphenated: whether its producer broke words at the ends of lines: many lines end so.
    """

    words: set[str]
    compounds: set[str]
    is_hyphenated: bool

    def keeps_hyphen(self, first: str, second: str) -> bool:
        """Whether the halves at the end of a line and the beginning of the next are a compound."""
        if f"{first}-{second}" in self.compounds:
            return True
        if first + second in self.words:
            return False
        return not self.is_hyphenated or (first in self.words and second in self.words)


def vocabulary(lines: Sequence[str]) -> Vocabulary:
    """The words of a text; the halves of broken ones do not count."""
    words: set[str] = set(COMMON_WORDS)
    compounds: set[str] = set()
    broken = 0
    is_broken = False
    for line in lines:
        found = _WORD.findall(line)[1:] if is_broken else _WORD.findall(line)
        is_broken = bool(_BROKEN_WORD.search(line.rstrip()))
        broken += is_broken
        words.update(word.lower() for word in (found[:-1] if is_broken else found))
        compounds.update(compound.lower() for compound in _COMPOUND.findall(line))
    return Vocabulary(words, compounds, broken > HYPHENATED * len(lines))


def join_lines(lines: Sequence[str], vocabulary: Vocabulary) -> str:
    """Join the lines of a paragraph; a word that is broken at a line's end becomes whole.

    Args:
        lines: without line breaks.
        vocabulary: of the whole text.
    """
    joined = ""
    for line in lines:
        part = " ".join(line.split())
        broken = _BROKEN_WORD.search(joined[-80:])
        rest = _BEGINS_WORD.match(part)
        if not joined or not part:
            joined += part
        elif broken and rest:
            is_name = rest[0][0].isupper()  # such as Jean-Paul
            keeps = is_name or vocabulary.keeps_hyphen(broken[1].lower(), rest[0].lower())
            joined = joined[:-1] + ("-" if keeps else "") + part
        else:
            joined += " " + part
    return joined


def join_broken_words(text: str) -> str:
    """Make the words whole that a hyphen breaks at the end of a line; other lines stay."""
    if not _LINE_END_HYPHEN.search(text):
        return text
    words = vocabulary(text.split("\n"))
    lines: list[str] = []
    for line in text.split("\n"):
        if lines and _LINE_END_HYPHEN.search(f"{lines[-1]}\n{line}"):
            lines[-1] = join_lines([lines[-1], line], words)
        else:
            lines.append(line)
    return "\n".join(lines)


def without_references(paragraphs: Sequence[str]) -> tuple[list[str], int]:
    """The paragraphs without a list of sources at the end, and the number of its paragraphs."""
    total = sum(map(len, paragraphs))
    before = 0
    for start, paragraph in enumerate(paragraphs):
        heading = paragraph.strip(_HEADING_MARKS)
        if before >= _REFERENCES_FROM * total and _REFERENCES.fullmatch(heading):
            end = next(
                (
                    place
                    for place in range(start + 1, len(paragraphs))
                    if _AFTER_REFERENCES.fullmatch(paragraphs[place].strip(_HEADING_MARKS))
                ),
                len(paragraphs),
            )
            return [*paragraphs[:start], *paragraphs[end:]], end - start - 1
        before += len(paragraph)
    return list(paragraphs), 0
