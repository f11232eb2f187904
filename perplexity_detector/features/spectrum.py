"""Family `spectrum`: power spectrum of surprisal over the text."""

from __future__ import annotations

import numpy as np

from perplexity_detector.features.document import Document
from perplexity_detector.features.family import Family
from perplexity_detector.features.series import mean, ratio, standardised

#: Cycles per token between the bands: periods of 16 tokens (a clause) and of 4 (a phrase).
LOW_BELOW, HIGH_FROM = 1 / 16, 1 / 4
#: Lower bound of the power, relative to its mean, which keeps logarithms finite.
MIN_POWER = 1e-6

LABELS = {
    "low": "share of slow rhythms of surprise, over clauses and sentences",
    "middle": "share of medium rhythms of surprise, over phrases",
    "high": "share of fast rhythms of surprise, from token to token",
    "centroid": "average speed of the rhythms of surprise",
    "slope": "growth of the rhythms of surprise with their speed",
    "flatness": "absence of any dominant rhythm of surprise",
}


def spectrum_features(document: Document) -> dict[str, float]:
    """Power spectrum of the standardised surprisal (Xu et al. 2024, FourierGPT).

    P_k = |sum_t z_t exp(-2 pi i k t / n)|^2 with z_t = (s_t - mean) / sd, at the frequencies
    f_k = k / n, in cycles per token, k = 1 .. n // 2, divided by the mean P. See
    `power_spectrum`. All are 0 for fewer than two tokens or a constant series.

    - `low`, `middle`, `high`: share of the power at f < 1/16, 1/16 <= f < 1/4 and f >= 1/4, in
      [0, 1], together 1; about 1/8, 3/8 and 1/2 for noise. Below 17 tokens nothing is low.
    - `centroid`: sum f P / sum P, in cycles per token, in [0, 0.5]; about 0.25 for noise.
    - `slope`: of the least-squares line of ln P over ln f, without unit, any sign; about 0 for
      noise, negative where slow rhythms dominate.
    - `flatness`: geometric over arithmetic mean of P, in [0, 1]; 0 for a single frequency, about
      exp(-0.577) = 0.56 for noise of any length.
    """
    frequencies, power = power_spectrum(document.statistics.surprisal.astype(np.float64))
    if not power.any():
        return dict.fromkeys(LABELS, 0.0)
    share = power / power.sum()
    low = float(share[frequencies < LOW_BELOW].sum())
    high = float(share[frequencies >= HIGH_FROM].sum())
    log_power = np.log(np.maximum(power, MIN_POWER))
    log_frequency = np.log(frequencies)
    deviation = log_frequency - mean(log_frequency)
    return {
        "low": low,
        "middle": max(0.0, 1.0 - low - high),
        "high": high,
        "centroid": float(frequencies @ share),
        "slope": ratio(float(deviation @ log_power), float(deviation @ deviation)),
        "flatness": float(np.exp(mean(log_power))),
    }


def power_spectrum(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies in cycles per value, and the power of the standardised series at each.

    Args:
        values: shape (n,).

    Returns:
        Two arrays of shape (n // 2,): frequencies above 0, and power of mean 1 (all 0 for a
        constant series). The frequency 1/2 of an even n, which is its own mirror image, counts
        half, so that the power adds up to the variance as in Parseval's theorem.
    """
    z = standardised(values)
    if not z.any():
        return np.zeros(0), np.zeros(0)
    power = np.abs(np.fft.rfft(z)[1:]) ** 2
    if z.size % 2 == 0:
        power[-1] /= 2
    return np.fft.rfftfreq(z.size)[1:], power / power.mean()


FAMILY = Family(
    name="spectrum",
    version=1,
    labels=LABELS,
    compute=spectrum_features,
    requires="statistics",
)
