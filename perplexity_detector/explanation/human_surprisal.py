"""The range of surprisal in human texts, for comparison with one text."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from perplexity_detector.classifier import persistence
from perplexity_detector.errors import ArtefactError
from perplexity_detector.features.series import moving_sums
from perplexity_detector.io import tensors
from perplexity_detector.io.artefact_folder import PRETRAINED
from perplexity_detector.lm.token_statistics import TokenStatistics

#: Tokens over which surprisal is averaged: about a clause.
WINDOW = 16
#: Lower end, median and upper end: 80 % of the averages in human texts lie within.
QUANTILES = (0.1, 0.5, 0.9)
#: Group and name of the range among a detector's arrays.
GROUP, NAME = "human", "surprisal_range"


def surprisal_range(human: Iterable[TokenStatistics]) -> np.ndarray | None:
    """Quantiles, at `QUANTILES`, of surprisal averaged over every `WINDOW` tokens of human texts.

    Args:
        human: statistics of human texts; those shorter than `WINDOW` tokens are ignored.

    Returns:
        In nats, shape (3,); None if every text is shorter.
    """
    averages = [
        moving_sums(one.surprisal.astype(np.float64), WINDOW) / WINDOW
        for one in human
        if len(one) >= WINDOW
    ]
    return np.quantile(np.concatenate(averages), QUANTILES) if averages else None


@lru_cache(maxsize=1)
def reference_range() -> tuple[str | None, np.ndarray | None]:
    """Language model and surprisal range of the shipped detector, for those without a range."""
    try:
        _, config, files = persistence.read(PRETRAINED / "standard")
    except ArtefactError:
        return None, None
    arrays = tensors.from_bytes(files[persistence.ARRAYS_FILE])
    return config["language_model"], arrays[GROUP].get(NAME)
