"""What people's prose is like to the language model: the range of its surprisal along a text."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from perplexity_detector.errors import ArtefactError
from perplexity_detector.features.series import moving_sums
from perplexity_detector.lm.token_statistics import TokenStatistics

#: Tokens over which surprisal is averaged: about a clause.
WINDOW = 16
#: The ends of the range and its middle: 8 of 10 passages by people lie within.
SHARES = (0.1, 0.5, 0.9)


def surprisal_range(people: Iterable[TokenStatistics]) -> np.ndarray | None:
    """Quantiles, at `SHARES`, of surprisal averaged over every `WINDOW` tokens of texts by people.

    Args:
        people: statistics of texts by people; of those shorter than the window, none count.

    Returns:
        In nats, shape (3,); None where no text has so many tokens.
    """
    averages = [
        moving_sums(one.surprisal.astype(np.float64), WINDOW) / WINDOW
        for one in people
        if len(one) >= WINDOW
    ]
    return np.quantile(np.concatenate(averages), SHARES) if averages else None


@lru_cache(maxsize=1)
def shipped_range() -> tuple[str | None, np.ndarray | None]:
    """The language model that the shipped detector asks, and its range, for those without one."""
    from perplexity_detector.detectors.text_detector import TextDetector

    try:
        shipped = TextDetector.from_pretrained("standard")
    except ArtefactError:
        return None, None
    return shipped.language_model_, shipped.surprisal_range_
