"""Family `curvature`: likelihood of the text relative to samples of the model."""

from __future__ import annotations

import numpy as np

from perplexity_detector.features.document import Document
from perplexity_detector.features.family import Family
from perplexity_detector.features.series import (
    NEGLIGIBLE,
    SPAN_TOKENS,
    moving_sums,
    quantiles,
    std,
)

LABELS = {
    "text": "evidence over the whole text that its words are the model's own choice",
    "per_token": "preference for the words the model itself would choose",
    "span_lowest": "preference for the model's words in the passage least like the model",
    "span_median": "preference for the model's words in the typical passage",
    "span_highest": "preference for the model's words in the passage most like the model",
    "span_std": "variation between passages in preference for the model's words",
    "sentence_std": "variation between sentences in preference for the model's words",
}


def curvature_features(document: Document) -> dict[str, float]:
    """Conditional probability curvature in its analytic form, Fast-DetectGPT (Bao et al. 2024).

    The surprisal s_t of a token drawn from the model has mean H_t and variance V_t, so the sum
    over tokens is measured in standard deviations. Without unit, any sign, positive where the
    text is likelier than a sample of the model; 0 without tokens or if sum V is 0.

    - `text`: sum (H - s) / sqrt(sum V), the paper's discrepancy; it grows with the square root
      of the number of tokens n.
    - `per_token`: mean (H - s) / sqrt(mean V) = `text` / sqrt(n), which does not grow.
    - `span_lowest`, `span_median`, `span_highest`, `span_std` (from 0): minimum, median,
      maximum and standard deviation of the per-token form over every span of 50 tokens. A
      shorter text is one span; the extremes widen slowly with the number of spans.
    - `sentence_std`: standard deviation of the per-token form over sentences, from 0.
    """
    statistics = document.statistics
    gain = statistics.entropy.astype(np.float64) - statistics.surprisal
    variance = statistics.variance.astype(np.float64)
    width = max(1, min(SPAN_TOKENS, gain.size))
    spans = discrepancy(moving_sums(gain, width), moving_sums(variance, width)) / np.sqrt(width)
    lowest, median, highest = quantiles(spans, [0.0, 0.5, 1.0])
    sentences = document.tokens_by_sentence
    by_sentence = discrepancy(
        np.array([gain[tokens].sum() for tokens in sentences]),
        np.array([variance[tokens].sum() for tokens in sentences]),
    ) / np.sqrt([tokens.size for tokens in sentences])
    text = float(discrepancy(gain.sum(keepdims=True), variance.sum(keepdims=True))[0])
    return {
        "text": text,
        "per_token": text / np.sqrt(max(1, gain.size)),
        "span_lowest": lowest,
        "span_median": median,
        "span_highest": highest,
        "span_std": std(spans),
        "sentence_std": std(by_sentence),
    }


def discrepancy(gains: np.ndarray, variances: np.ndarray) -> np.ndarray:
    """Sums of H - s over the root of sums of V; 0 where the sum of V is negligible."""
    scale = np.sqrt(np.where(variances > NEGLIGIBLE, variances, np.inf))
    return np.asarray(gains / scale)


FAMILY = Family(
    name="curvature",
    version=1,
    labels=LABELS,
    compute=curvature_features,
    requires="statistics",
)
