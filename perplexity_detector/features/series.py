"""Numbers from series that may be empty, short or constant: always finite, never a warning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

#: Below this, relative to the mean, a spread is rounding and a denominator is nothing.
NEGLIGIBLE = 1e-9
#: Tokens of a span, about two sentences (GPT-who's choice); a shorter text is one span.
SPAN_TOKENS = 50


def ratio(numerator: float, denominator: float) -> float:
    """The quotient; 0 where the denominator is (next to) nothing."""
    return float(numerator) / float(denominator) if abs(denominator) > NEGLIGIBLE else 0.0


def mean(values: np.ndarray) -> float:
    """Mean; 0 of no values."""
    return float(values.mean()) if values.size else 0.0


def variance(values: np.ndarray) -> float:
    """Population variance; 0 of no values."""
    return float(values.var()) if values.size else 0.0


def std(values: np.ndarray) -> float:
    """Population standard deviation; 0 of no values."""
    return float(values.std()) if values.size else 0.0


def quantiles(values: np.ndarray, probabilities: Sequence[float]) -> list[float]:
    """The quantiles at these probabilities, linearly interpolated; 0 of no values."""
    if not values.size:
        return [0.0] * len(probabilities)
    # as np.quantile, to the last bit, which takes several times as long over a short text
    ordered = np.sort(values)
    place = np.asarray(probabilities) * (values.size - 1)
    below = place.astype(np.intp)
    low, high = ordered[below], ordered[np.minimum(below + 1, values.size - 1)]
    share = place - below
    nearer_low, nearer_high = low + (high - low) * share, high - (high - low) * (1 - share)
    return [float(value) for value in np.where(share < 0.5, nearer_low, nearer_high)]


def standardised(values: np.ndarray) -> np.ndarray:
    """(x - mean) / standard deviation; all 0 for a constant series."""
    spread = std(values)
    centre = mean(values)
    if spread <= NEGLIGIBLE * max(1.0, abs(centre)):
        return np.zeros(values.shape)
    return np.asarray((values - centre) / spread)


def skewness(values: np.ndarray) -> float:
    """Mean of z^3 over the standardised series z; 0 for a constant one."""
    return mean(standardised(values) ** 3)


def excess_kurtosis(values: np.ndarray) -> float:
    """Mean of z^4, less the 3 of a normal distribution; 0 for a constant series."""
    z = standardised(values)
    return mean(z**4) - 3.0 if z.any() else 0.0


def autocorrelation(values: np.ndarray) -> float:
    """Correlation with the next value, sum z_t z_(t+1) / n, in [-1, 1]; 0 for a constant."""
    z = standardised(values)
    return ratio(float(z[:-1] @ z[1:]), z.size)


def shannon_entropy(weights: np.ndarray) -> float:
    """-sum p ln p, in nats, of weights that are scaled to sum to 1; 0 of no weight."""
    positive = weights[weights > 0]
    if not positive.size:
        return 0.0
    share = positive / positive.sum()
    return max(0.0, -float(share @ np.log(share)))


def moving_sums(values: np.ndarray, width: int) -> np.ndarray:
    """Sum of each run of `width` values, shape (n - width + 1,); empty if there is none."""
    if values.size < width:
        return np.zeros(0)
    return np.convolve(values, np.ones(width), "valid")


def per_hundred(count: float, total: int) -> float:
    """`count` per 100 of `total`; 0 of none."""
    return 100.0 * count / total if total else 0.0
