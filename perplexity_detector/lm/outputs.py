"""What is read of a text: its tokens, and what one pass of the language model leaves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from perplexity_detector.lm.pooling import PooledStates
from perplexity_detector.lm.token_statistics import TokenStatistics


class TokenIds(NamedTuple):
    """Tokens of a text, without what the language model says of them.

    Attributes:
        ids: in the model's vocabulary, int64 of shape (n,).
        offsets: first and past-the-last character of each, int32 of shape (n, 2).
    """

    ids: np.ndarray
    offsets: np.ndarray

    @classmethod
    def empty(cls) -> TokenIds:
        """The tokens of an empty text."""
        return cls(np.zeros(0, np.int64), np.zeros((0, 2), np.int32))


class ModelOutput(NamedTuple):
    """What one pass leaves of a text.

    Attributes:
        statistics: of every token, if they were asked for.
        states: of every sentence, if layers were asked for.
    """

    statistics: TokenStatistics | None
    states: PooledStates | None
