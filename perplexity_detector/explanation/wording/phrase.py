"""Phrase: what a feature says of a text, in words that "than in ..." may follow."""

from __future__ import annotations

from typing import NamedTuple

#: How a value is written: a format of Python, and what follows it.
Number = tuple[str, str] | None
PERCENT: Number = (".0%", "")
PER_HUNDRED: Number = (".1f", " per 100 words")
WORDS: Number = (".0f", " words")
LETTERS: Number = (".1f", " letters")
WHOLE: Number = (".0f", "")
HUNDREDTHS: Number = (".2f", "")


class Phrase(NamedTuple):
    """What a text has if a feature is high, and if it is low.

    Attributes:
        high: for instance "longer sentences".
        low: for instance "shorter sentences".
        number: how the value is written; None where it would tell a reader nothing.
    """

    high: str
    low: str
    number: Number = None
