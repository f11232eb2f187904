"""Windows over long texts, and batches of windows of similar length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Window(NamedTuple):
    """A range of tokens of a text that is read at once.

    The model reads BOS and tokens start..end-2, and predicts start..end-1. Tokens from
    `first_scored` on are scored.

    Attributes:
        text: index of the text.
        start: first token.
        first_scored: first token that is scored.
        end: one past the last token.
    """

    text: int
    start: int
    first_scored: int
    end: int


def windows_of(text: int, length: int, window: int) -> Iterator[Window]:
    """Windows of at most `window` tokens that score each of `length` tokens exactly once.

    Every window but the first starts half a window before the tokens it scores.
    """
    first_scored = 0
    while first_scored < length:
        start = max(0, first_scored - (window + 1) // 2)
        end = min(length, start + window)
        yield Window(text, start, first_scored, end)
        first_scored = end


def batches_of(windows: list[Window], batch_tokens: int) -> Iterator[list[Window]]:
    """Batches of similar windows, of at most `batch_tokens` padded tokens, longest first."""
    batch: list[Window] = []
    width = 0
    for window in sorted(windows, key=lambda w: w.start - w.end):
        width = width or window.end - window.start
        if batch and (len(batch) + 1) * width > batch_tokens:
            yield batch
            batch, width = [], window.end - window.start
        batch.append(window)
    if batch:
        yield batch
