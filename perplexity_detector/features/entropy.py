"""Family `entropy`: uncertainty of the language model before each token."""

from __future__ import annotations

import numpy as np

from perplexity_detector.features.document import Document
from perplexity_detector.features.family import Family
from perplexity_detector.features.series import mean, quantiles, ratio, std

LABELS = {
    "mean": "average uncertainty of the model before a token",
    "median": "doubt of the model about the next word",
    "quantile_5": "uncertainty of the model where it is surest",
    "std": "variation in the model's doubt",
    "excess": "surprise beyond what the model expects",
    "relative_surprisal": "surprise as a multiple of what the model expects",
}


def entropy_features(document: Document) -> dict[str, float]:
    """Entropy H_t = -sum p ln p of the model's predictions, and surprisal s_t relative to it.

    In nats unless another unit is given; all are 0 without tokens.

    - `mean`, `median`, `quantile_5`, `std`: of H, from 0 (Lavergne et al. 2008; Gehrmann et
      al. 2019).
    - `excess`: mean (s - H), any sign; about 0 for text sampled from the model itself, since
      H is the expectation of s.
    - `relative_surprisal`: sum s / sum H, from 0, without unit; about 1 for sampled text. The
      ratio of Binoculars (Hans et al. 2024) with one model in both roles.
    """
    entropy = document.statistics.entropy.astype(np.float64)
    surprisal = document.statistics.surprisal.astype(np.float64)
    lowest, median = quantiles(entropy, [0.05, 0.5])
    return {
        "mean": mean(entropy),
        "median": median,
        "quantile_5": lowest,
        "std": std(entropy),
        "excess": mean(surprisal - entropy),
        "relative_surprisal": ratio(surprisal.sum(), entropy.sum()),
    }


FAMILY = Family(
    name="entropy",
    version=1,
    labels=LABELS,
    compute=entropy_features,
    requires="statistics",
)
