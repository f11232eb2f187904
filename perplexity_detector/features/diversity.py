"""Family `diversity`: changes of surprisal from token to token, at several scales."""

from __future__ import annotations

import math

import numpy as np

from perplexity_detector.features.document import Document
from perplexity_detector.features.family import Family
from perplexity_detector.features.series import (
    SPAN_TOKENS,
    autocorrelation,
    excess_kurtosis,
    mean,
    moving_sums,
    ratio,
    shannon_entropy,
    skewness,
    standardised,
    std,
    variance,
)

#: Bins of the histograms of differences (DivEye).
DIFFERENCE_BINS = 20
#: Lastde: number of scales, values per vector, and bins of the cosine per token.
SCALES, EMBEDDING, BINS_PER_TOKEN = 15, 4, 8

LABELS = {
    "variance": "spread of surprise over the text",
    "skewness": "lopsidedness of surprise towards rare shocks",
    "kurtosis": "weight of extreme surprises",
    "autocorrelation": "carry-over of surprise from one token to the next",
    "difference_mean": "drift of surprise from start to end",
    "difference_variance": "size of the jumps in surprise between neighbours",
    "difference_skewness": "lopsidedness of the jumps in surprise",
    "difference_kurtosis": "weight of extreme jumps in surprise",
    "difference_entropy": "variety of the jumps in surprise",
    "second_difference_variance": "zigzag of surprise over three tokens",
    "second_difference_entropy": "variety of the zigzags of surprise",
    "second_difference_autocorrelation": "regularity of the zigzags of surprise",
    "uid_absolute_difference": "average jump in surprise between neighbours",
    "uid_squared_difference": "weight of the large jumps in surprise between neighbours",
    "uid_most_uniform": "unevenness of surprise in the most even passage",
    "uid_least_uniform": "unevenness of surprise in the least even passage",
    "multiscale_entropy_mean": "variety of short surprise patterns",
    "multiscale_entropy_std": "change in the variety of surprise patterns with scale",
    "lastde": "surprise relative to the change in pattern variety with scale",
}


def diversity_features(document: Document) -> dict[str, float]:
    """Variation of surprisal s_t; d_t = s_(t+1) - s_t, and dd_t = d_(t+1) - d_t.

    All are 0 where there are too few tokens or s is constant. Mean and standard deviation of
    s itself are in the family `perplexity`.

    DivEye (Basani and Chen 2025), the moments of s and of its differences:

    - `variance`: of s, in nats squared, from 0; also the UID variance of GPT-who.
    - `skewness`, `kurtosis`: mean z^3 and mean z^4 - 3 of the standardised s, without unit.
    - `autocorrelation`: sum z_t z_(t+1) / n, in [-1, 1].
    - `difference_mean`: of d, in nats; (s_n - s_1) / (n - 1), so it shrinks with length.
    - `difference_variance` (nats squared, from 0), `difference_skewness`,
      `difference_kurtosis`: of d.
    - `difference_entropy`: Shannon entropy of a histogram of d over ln(bins), in [0, 1]: 20
      bins over 3 standard deviations to either side, with values beyond in the outer ones.
      Unlike the paper's, these bins do not widen with the extremes of a longer text.
    - `second_difference_variance` (nats squared, from 0), `second_difference_entropy` (in
      [0, 1]), `second_difference_autocorrelation` (in [-1, 1]): the same for dd.

    GPT-who (Venkatraman et al. 2024), uniform information density:

    - `uid_absolute_difference`: mean |d|, in nats, from 0.
    - `uid_squared_difference`: mean d^2, in nats squared, from 0.
    - `uid_most_uniform`, `uid_least_uniform`: least and greatest variance of s among all spans
      of 50 tokens, in nats squared, from 0; a shorter text is one span.

    Lastde (Xu et al. 2025), see `multiscale_diversity_entropy`:

    - `multiscale_entropy_mean`, `multiscale_entropy_std`: over scales, in [0, 1].
    - `lastde`: mean s / `multiscale_entropy_std`, in nats, from 0: the paper's score with the
      opposite sign.
    """
    s = document.statistics.surprisal.astype(np.float64)
    d = np.diff(s)
    dd = np.diff(d)
    z, z_d, z_dd = map(standardised, (s, d, dd))
    spans = span_variances(s, SPAN_TOKENS)
    scales = multiscale_diversity_entropy(s)
    return {
        "variance": variance(s),
        "skewness": skewness(z),
        "kurtosis": excess_kurtosis(z),
        "autocorrelation": autocorrelation(z),
        "difference_mean": mean(d),
        "difference_variance": variance(d),
        "difference_skewness": skewness(z_d),
        "difference_kurtosis": excess_kurtosis(z_d),
        "difference_entropy": histogram_entropy(z_d),
        "second_difference_variance": variance(dd),
        "second_difference_entropy": histogram_entropy(z_dd),
        "second_difference_autocorrelation": autocorrelation(z_dd),
        "uid_absolute_difference": mean(np.abs(d)),
        "uid_squared_difference": mean(d**2),
        "uid_most_uniform": float(spans.min()) if spans.size else 0.0,
        "uid_least_uniform": float(spans.max()) if spans.size else 0.0,
        "multiscale_entropy_mean": mean(scales),
        "multiscale_entropy_std": std(scales),
        "lastde": ratio(mean(s), std(scales)),
    }


def span_variances(values: np.ndarray, width: int) -> np.ndarray:
    """Population variance of every span of `width` values; of all values if there are fewer."""
    if not values.size:
        return np.zeros(0)
    width = min(width, values.size)
    centred = values - values.mean()  # avoids cancellation in the difference below
    means = moving_sums(centred, width) / width
    return np.asarray(np.maximum(0.0, moving_sums(centred**2, width) / width - means**2))


def histogram_entropy(z: np.ndarray) -> float:
    """Entropy of a histogram of `standardised` values in 20 bins over [-3, 3], in [0, 1].

    Divided by its maximum for n values, ln(min(n, 20)).
    """
    if z.size < 2:
        return 0.0
    position = (z + 3) / 6 * DIFFERENCE_BINS
    counts = np.bincount(np.clip(position, 0, DIFFERENCE_BINS - 1).astype(int))
    return shannon_entropy(counts) / math.log(min(z.size, DIFFERENCE_BINS))


def multiscale_diversity_entropy(values: np.ndarray) -> np.ndarray:
    """Variety of short patterns in a non-negative series, at each scale (Xu et al. 2025).

    At scale k the series is its moving average over k values. Each run of 4 averages is a
    vector. The result is the Shannon entropy of a histogram, with 8 n bins over [-1, 1], of the
    cosines of consecutive vectors; these are the paper's settings for Lastde++. The paper divides
    by ln(bins), which m cosines cannot reach, so longer texts score higher; here the entropy is
    divided by ln(m).

    Args:
        values: shape (n,).

    Returns:
        One entropy in [0, 1] for each of the scales 1 to 15 that has two cosines or more.
    """
    bins = BINS_PER_TOKEN * values.size
    entropies = []
    for scale in range(1, SCALES + 1):
        cosines = consecutive_cosines(moving_sums(values, scale), EMBEDDING)
        if cosines.size < 2:
            break
        bin_of = np.minimum((cosines + 1) / 2 * bins, bins - 1).astype(int)
        counts = np.bincount(bin_of)
        entropies.append(shannon_entropy(counts) / math.log(cosines.size))
    return np.array(entropies)


def consecutive_cosines(values: np.ndarray, width: int) -> np.ndarray:
    """Cosine of each run of `width` values with the next run, one value later, in [-1, 1].

    Shape (n - width,); 0 where all values of a run are 0.
    """
    norms = np.sqrt(moving_sums(values**2, width))
    products = moving_sums(values[:-1] * values[1:], width)
    lengths = norms[:-1] * norms[1:]
    cosines = np.divide(products, lengths, out=np.zeros(products.shape), where=lengths > 0)
    return np.asarray(np.minimum(np.maximum(cosines, -1.0), 1.0))  # np.clip takes twice as long


FAMILY = Family(
    name="diversity",
    version=1,
    labels=LABELS,
    compute=diversity_features,
    requires="statistics",
)
