"""Which sentence each token of a text belongs to.

Offsets are the first and past-the-last character of each token, integers of shape (n, 2). Spans
are the same of each sentence, as `text.sentence_spans` gives them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def last_start_before(starts: Sequence[int] | np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Index of the last sentence that starts at or before the last character of each token.

    Args:
        starts: first character of each sentence, rising.
        offsets: of the tokens, shape (n, 2).

    Returns:
        int64 of shape (n,); -1 for a token that ends before the first sentence starts.
    """
    # the last character, because a GPT-2-style token carries its leading space
    return np.searchsorted(np.asarray(starts, np.int64), offsets[:, 1] - 1, side="right") - 1


def sentence_of_token(spans: Sequence[tuple[int, int]], offsets: np.ndarray) -> np.ndarray:
    """The sentence of every token, int64 of shape (n,), never decreasing.

    Every token gets a sentence: one before the first sentence belongs to the first, and one in
    the space after a sentence to that sentence.

    Args:
        spans: of the sentences.
        offsets: of the tokens, shape (n, 2).
    """
    if not spans or not len(offsets):
        return np.zeros(len(offsets), np.int64)
    sentence = last_start_before([start for start, _ in spans], offsets)
    return np.maximum.accumulate(np.maximum(sentence, 0))


def tokens_by_sentence(spans: Sequence[tuple[int, int]], offsets: np.ndarray) -> list[np.ndarray]:
    """For each sentence in which a token ends, the indices of those tokens.

    Tokens that end outside every sentence, in the space between two, belong to none.

    Args:
        spans: of the sentences.
        offsets: of the tokens, shape (n, 2).
    """
    if not spans:
        return []
    starts, ends = np.array(spans).T
    sentence = last_start_before(starts, offsets)
    inside = np.flatnonzero((sentence >= 0) & (offsets[:, 1] - 1 < ends[sentence]))
    first_of_next = np.flatnonzero(np.diff(sentence[inside])) + 1
    return [tokens for tokens in np.split(inside, first_of_next) if tokens.size]
