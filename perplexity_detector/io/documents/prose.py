"""Lines and paragraphs of a document -> its running text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

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
#: What marks a heading in Markdown, which is no part of it.
_HEADING_MARKS = " \t#*_"
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_BROKEN_WORD = re.compile(r"([^\W\d_]+)[-\u2010\u00ad\u0002]$")
_BEGINS_LOWER = re.compile(r"[^\W\d_]+")
_LINE_END_HYPHEN = re.compile(r"(?<=[^\W\d_])[-\u2010\u00ad]\n[ \t]*(?=[^\W\d_])")


def vocabulary(lines: Iterable[str]) -> set[str]:
    """The words of a text in lower case, and the commonest of English."""
    return {word.lower() for line in lines for word in _WORD.findall(line)} | COMMON_WORDS


def join_lines(lines: Sequence[str], words: Collection[str]) -> str:
    """Join the lines of a paragraph; a word that is broken at a line's end becomes whole.

    A hyphen at a line's end stays if both halves are words and the whole is none (well-known).

    Args:
        lines: without line breaks.
        words: the words of the text, from `vocabulary`.
    """
    joined = ""
    for line in lines:
        part = " ".join(line.split())
        broken = _BROKEN_WORD.search(joined)
        rest = _BEGINS_LOWER.match(part)
        if not joined or not part:
            joined += part
        elif broken and rest and rest[0][0].islower():
            first, second = broken[1].lower(), rest[0].lower()
            if first + second not in words and first in words and second in words:
                joined = joined[:-1] + "-" + part
            else:
                joined = joined[:-1] + part
        elif broken and rest:  # a name, such as Jean-Paul
            joined = joined[:-1] + "-" + part
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
