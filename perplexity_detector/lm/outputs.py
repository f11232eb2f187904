"""TokenIds and ModelOutput: the tokens of a text, and the result of a pass over it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from perplexity_detector.lm.pooling import PooledStates
from perplexity_detector.lm.token_statistics import TokenStatistics


class TokenIds(NamedTuple):
    """Tokens of a text, without statistics.

    Attributes:
        ids: in the model's vocabulary, int64 of shape (n,).
        offsets: first and past-the-last character of each token, int32 of shape (n, 2).
    """

    ids: np.ndarray
    offsets: np.ndarray

    @classmethod
    def empty(cls) -> TokenIds:
        """The tokens of an empty text."""
        return cls(np.zeros(0, np.int64), np.zeros((0, 2), np.int32))


class ModelOutput(NamedTuple):
    """Result of one pass over a text.

    Attributes:
        statistics: of every token; None if they were not requested.
        states: of every sentence; None if no layers were requested.
    """

    statistics: TokenStatistics | None
    states: PooledStates | None
