"""Some sentences of a document as a document, with what was read of them where they stood."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from perplexity_detector.features.family import Document
from perplexity_detector.lm.outputs import Tokens
from perplexity_detector.lm.pooling import PooledStates
from perplexity_detector.lm.token_statistics import TokenStatistics


def excerpt(document: Document, chosen: np.ndarray) -> Document:
    """The document that the chosen sentences make, without reading anything anew.

    Statistics and hidden states are those of the one reading, so they know what stood before.

    Args:
        document: read by any extractor.
        chosen: whether each sentence of its text is kept, bool of shape (sentences,).
    """
    if not len(chosen):
        return document
    text, statistics = document.text, document.statistics
    starts = [0, *(start for start, _ in document.sentence_spans[1:])]
    lengths = np.diff([*starts, len(text)])
    kept = [
        text[start : start + length]
        for start, length, keep in zip(starts, lengths, chosen, strict=True)
        if keep
    ]
    joined = "".join(kept).rstrip()
    # a sentence moves left by all that stood before it and is gone
    gone = np.where(chosen, 0, lengths)
    shifts = np.cumsum(gone) - gone

    def moved(offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # a GPT-2-style token carries its leading space, so its last character places it
        sentence = np.searchsorted(starts[1:], offsets[:, 1] - 1, side="right")
        there = offsets - shifts[sentence, None].astype(offsets.dtype)
        # a token of nothing but the space after the last sentence is gone with it
        keep = chosen[sentence] & (there[:, 0] < len(joined))
        return keep, np.clip(there[keep], 0, len(joined))

    keep, offsets = moved(statistics.offsets)
    keep_lowered, lowered = moved(document.tokens.offsets)
    return Document(
        joined,
        TokenStatistics(
            statistics.surprisal[keep],
            statistics.rank[keep],
            statistics.entropy[keep],
            statistics.variance[keep],
            offsets,
        ),
        Tokens(document.tokens.ids[keep_lowered], lowered),
        _some(document.states, chosen),
    )


def _some(states: PooledStates, chosen: np.ndarray) -> PooledStates:
    # only a last sentence of a single token has no state
    kept = np.flatnonzero(chosen[: len(states.tokens)])
    return replace(states, means=states.means[:, kept], tokens=states.tokens[kept])
