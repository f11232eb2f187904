"""Which sentence each token of a text belongs to."""

from __future__ import annotations

import numpy as np

from perplexity_detector.text import sentence_spans


def sentence_of_token(text: str, offsets: np.ndarray) -> np.ndarray:
    """The sentence that each token ends in, int64 of shape (n,), never falling.

    Args:
        text: as it was tokenised.
        offsets: first and past-the-last character of each token, shape (n, 2).
    """
    spans = sentence_spans(text)
    if not spans or not len(offsets):
        return np.zeros(len(offsets), np.int64)
    # a GPT-2-style token carries its leading space, so its last character places it
    starts = np.array([start for start, _ in spans])
    place = np.searchsorted(starts, offsets[:, 1] - 1, side="right") - 1
    return np.maximum.accumulate(np.maximum(place, 0))
