"""What is read from one document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: The note on a PDF whose pages are pictures.
SCAN = "a scan: no text to read"


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


class UnreadableError(Exception):
    """A document cannot be read; the message is a phrase that says why."""


def describe(left_out: Mapping[str, int]) -> str:
    """What was left out, as a phrase: "2 comments, 1 table"."""
    return ", ".join(
        f"{count} {name if count != 1 else singular(name)}" for name, count in left_out.items()
    )


def singular(name: str) -> str:
    """The singular of a name in `left_out`: "deleted passages" -> "deleted passage"."""
    return name.removesuffix("s")
