"""Phrase: how the text compares with others in one feature, in words."""

from __future__ import annotations

from typing import NamedTuple


class Number(NamedTuple):
    """How the value of a feature is written, for instance "perplexity 12" or "25 words".

    Attributes:
        spec: Python's format specification of the value.
        after: what follows the value, a unit.
        before: what precedes it, a name.
    """

    spec: str
    after: str = ""
    before: str = ""


PERCENT = Number(".0%")
PER_HUNDRED = Number(".1f", " per 100 words")
WORDS = Number(".0f", " words")
LETTERS = Number(".1f", " letters")


class Phrase(NamedTuple):
    """A comparison for a high and for a low value; "than ..." follows it in a reason.

    Attributes:
        high: for instance "Longer sentences".
        low: for instance "Shorter sentences".
        number: how the value is written; None where it would mean nothing to a reader.
    """

    high: str
    low: str
    number: Number | None = None


def more(what: str, number: Number | None = None) -> Phrase:
    """More or fewer of something that can be counted."""
    return Phrase(f"More {what}", f"Fewer {what}", number)


def use_of(what: str) -> Phrase:
    """More or less use of a word or of a kind of words."""
    return Phrase(f"More use of {what}", f"Less use of {what}", PER_HUNDRED)
