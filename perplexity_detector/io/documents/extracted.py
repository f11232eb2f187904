"""What is read from one document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from perplexity_detector.flags import Flag, counted

#: The note on a PDF whose pages are pictures.
SCAN = "a scan: no text to read"
#: What is left out because its writer made it invisible -> the name of its flag, and what it is.
_FLAGS = {
    "hidden passages": ("hidden_text", "hidden text"),
    "white passages": ("white_text", "white text"),
}


@dataclass(frozen=True)
class ExtractedText:
    """The running text of a document.

    Attributes:
        text: paragraphs, with a blank line between two.
        note: `SCAN` if the document has pages but no text; otherwise empty.
        left_out: what was left out and how often, such as {"hidden passages": 1}.
    """

    text: str
    note: str = ""
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def flags(self) -> tuple[Flag, ...]:
        """See `flags_of`."""
        return flags_of(self.left_out)


class UnreadableError(Exception):
    """A document cannot be read; the message is a phrase that says why."""


def describe(left_out: Mapping[str, int]) -> str:
    """What was left out, as a phrase: "2 comments, 1 table"."""
    return ", ".join(
        f"{count} {name if count != 1 else singular(name)}" for name, count in left_out.items()
    )


def flags_of(left_out: Mapping[str, int]) -> tuple[Flag, ...]:
    """Flags of what was left out because its writer made it invisible; they have no positions.

    Example:
        >>> flags_of({"comments": 2, "hidden passages": 1})[0].sentence
        '1 passage of hidden text'
    """
    return tuple(
        Flag(name, left_out[passages], (), f"{counted(left_out[passages], 'passage')} of {kind}")
        for passages, (name, kind) in _FLAGS.items()
        if left_out.get(passages)
    )


def singular(name: str) -> str:
    """The singular of a name in `left_out`: "deleted passages" -> "deleted passage"."""
    return name.removesuffix("s")
