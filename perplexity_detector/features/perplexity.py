"""Family `perplexity`: surprisal and perplexity of tokens and sentences."""

from __future__ import annotations

import math

import numpy as np

from perplexity_detector.features.document import Document
from perplexity_detector.features.family import Family
from perplexity_detector.features.series import mean, quantiles, std

#: In nats; keeps the exponential of odd text finite. A uniform guess among 50,000 tokens is 10.8.
MAX_MEAN_SURPRISAL = 20.0

LABELS = {
    "mean": "average surprise per token",
    "median": "surprise at the typical word",
    "quantile_5": "surprise of the most predictable tokens",
    "quantile_25": "surprise at the easier words",
    "quantile_75": "surprise of the fairly unusual tokens",
    "quantile_95": "surprise of the most unusual tokens",
    "std": "variation in surprise from token to token",
    "text": "perplexity of the whole text",
    "sentence_mean": "average perplexity of the sentences",
    "sentence_median": "surprise in the typical sentence",
    "sentence_quantile_10": "perplexity of the most predictable sentences",
    "sentence_quantile_90": "perplexity of the most unusual sentences",
    "bits_per_character": "surprise per character",
}


def sentence_surprisals(document: Document) -> np.ndarray:
    """Mean surprisal of each sentence that has tokens, in nats, float64."""
    surprisal = document.statistics.surprisal.astype(np.float64)
    return np.array([surprisal[tokens].mean() for tokens in document.tokens_by_sentence])


def perplexities(mean_surprisals: np.ndarray) -> np.ndarray:
    """exp of mean surprisals, which are first capped at `MAX_MEAN_SURPRISAL`."""
    return np.asarray(np.exp(np.minimum(mean_surprisals, MAX_MEAN_SURPRISAL)))


def perplexity_features(document: Document) -> dict[str, float]:
    """Surprisal s_t = -ln p(x_t | x_<t) over tokens and sentences.

    In nats unless another unit is given; all from 0, and 0 without tokens.

    - `mean`, `median`, `std`: of s.
    - `quantile_5`, `quantile_25`, `quantile_75`, `quantile_95`: of s.
    - `text`: exp(mean s), from 1 (Jelinek et al. 1977).
    - `sentence_mean`, `sentence_median`, `sentence_quantile_10`, `sentence_quantile_90`: of
      exp(mean s) per sentence, from 1. Its standard deviation is in the family `burstiness`.
    - `bits_per_character`: sum s / (ln 2 * characters), in bits; comparable between tokenizers.

    Perplexities are at most exp(20) (`MAX_MEAN_SURPRISAL`).
    """
    surprisal = document.statistics.surprisal.astype(np.float64)
    q5, q25, median, q75, q95 = quantiles(surprisal, [0.05, 0.25, 0.5, 0.75, 0.95])
    by_sentence = perplexities(sentence_surprisals(document))
    s10, s50, s90 = quantiles(by_sentence, [0.1, 0.5, 0.9])
    average = mean(surprisal)
    return {
        "mean": average,
        "median": median,
        "quantile_5": q5,
        "quantile_25": q25,
        "quantile_75": q75,
        "quantile_95": q95,
        "std": std(surprisal),
        "text": math.exp(min(average, MAX_MEAN_SURPRISAL)) if surprisal.size else 0.0,
        "sentence_mean": mean(by_sentence),
        "sentence_median": s50,
        "sentence_quantile_10": s10,
        "sentence_quantile_90": s90,
        "bits_per_character": float(surprisal.sum()) / (math.log(2) * max(1, len(document.text))),
    }


FAMILY = Family(
    name="perplexity",
    version=1,
    labels=LABELS,
    compute=perplexity_features,
    requires="statistics",
)
