"""Flag: something odd in a text as it was given, such as letters of another alphabet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

#: Between the sentences of several flags where they stand in one cell.
SEPARATOR = "; "


@dataclass(frozen=True)
class Flag:
    """Something odd in a text as it was given, which a person should look at.

    A flag does not say who wrote the text, and never changes its probability.

    Attributes:
        name: the kind of flag, such as `look_alike_letters`.
        count: how often it was found.
        positions: start and end of the places in characters of the text as it was given, in
            order; fewer than `count` where there are very many, and none for what was left out
            of that text, such as the hidden text of a document.
        sentence: what was found, such as "14 Cyrillic letters inside Latin words".

    Example:
        >>> Flag("hidden_text", 1, (), "1 passage of hidden text").sentence
        '1 passage of hidden text'
    """

    name: str
    count: int
    positions: tuple[tuple[int, int], ...]
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "positions": [list(span) for span in self.positions]}


def join_sentences(flags: Iterable[Flag]) -> str:
    """The sentences of a text's flags in one cell; empty without flags."""
    return SEPARATOR.join(flag.sentence for flag in flags)


def counted(count: int, noun: str) -> str:
    """A number and its noun.

    Example:
        >>> counted(1, "letter"), counted(1400, "letter")
        ('1 letter', '1,400 letters')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
