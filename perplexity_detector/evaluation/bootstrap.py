"""Bootstrap: how often each text is drawn, and the figures of texts that have such weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from perplexity_detector.errors import InputError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: The false-positive rates at which the true-positive rate is reported.
FALSE_POSITIVE_RATES = (0.01, 0.05)
#: Bins of the calibration error.
BINS = 15

#: The ends of an interval, as shares of the resamples below them.
TAILS = (0.025, 0.975)

_BLOCK = 64  # resamples held at once


class Estimate(NamedTuple):
    """A figure and the ends of its 95 % confidence interval."""

    value: float
    low: float
    high: float


def estimates_of(
    labels: Floats,
    scores: Floats,
    members: Integers | None,
    probabilities: bool,
    resamples: int,
    seed: int,
) -> dict[str, Estimate]:
    """Each figure with its percentile interval; see `metrics.evaluate`."""
    generator = np.random.default_rng(seed)
    units = len(labels) if members is None else members.max() + 1
    blocks = [
        _figures(labels, scores, _drawn_weights(labels, members, draws, generator), probabilities)
        for draws in np.diff([*range(0, resamples, _BLOCK), resamples])
        if units > 1  # one alone says nothing of how they vary
    ]
    once = np.ones((1, len(labels)))
    estimates = {}
    for name, (value,) in _figures(labels, scores, once, probabilities).items():
        drawn = np.concatenate([np.zeros(0), *(block[name] for block in blocks)])
        drawn = drawn[np.isfinite(drawn)]
        if name == "expected_calibration_error" and drawn.size:
            drawn = np.maximum(drawn - (drawn.mean() - value), 0)
        low, high = np.quantile(drawn, TAILS) if drawn.size else (np.nan, np.nan)
        estimates[name] = Estimate(float(value), float(low), float(high))
    return estimates


# --- draws ----------------------------------------------------------------------------------


def _drawn_weights(
    labels: Floats, members: Integers | None, draws: int, generator: np.random.Generator
) -> Floats:
    """How often each text is drawn, shape (draws, n)."""
    if members is not None:
        return _drawn_counts(members.max() + 1, draws, generator)[:, members]
    weights = np.zeros((draws, len(labels)))
    for value in np.unique(labels):
        texts = np.flatnonzero(labels == value)
        weights[:, texts] = _drawn_counts(len(texts), draws, generator)
    return weights


def _drawn_counts(units: int, draws: int, generator: np.random.Generator) -> Floats:
    counts = generator.multinomial(units, np.full(units, 1 / units), size=draws)
    return counts.astype(np.float64)


def group_numbers(groups: Sequence[object] | npt.ArrayLike, texts: int) -> Integers:
    """Number of the group of each text; a text without one is a group of its own."""
    names = pd.Series(np.asarray(groups, dtype=object))
    if len(names) != texts:
        raise InputError(f"There are {texts} texts and {len(names)} groups: give one a text.")
    members = np.array(pd.factorize(names)[0], dtype=np.int64)
    alone = (names.isna() | (names == "")).to_numpy()
    members[alone] = members.max() + 1 + np.arange(alone.sum())
    return np.array(pd.factorize(members)[0], dtype=np.int64)


# --- figures of weighted texts; weights have shape (draws, n), figures (draws,) -------------


def _figures(
    labels: Floats, scores: Floats, weights: Floats, probabilities: bool
) -> dict[str, Floats]:
    human, generated = masses(labels, scores, weights)
    figures = {"auroc": weighted_auroc(human, generated)}
    for fpr in FALSE_POSITIVE_RATES:
        name = f"tpr_at_{100 * fpr:.0f}_percent_fpr"
        figures[name] = weighted_tpr_at_fpr(human, generated, fpr)
    if probabilities:
        figures["brier"] = weights @ (labels - scores) ** 2 / weights.sum(axis=1)
        figures["expected_calibration_error"] = weighted_calibration_error(
            labels, scores, weights, BINS
        )
    return figures


def masses(labels: Floats, scores: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Weight of human and of generated texts at each distinct score, from low to high."""
    order = np.argsort(scores)
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf) > 0)
    weights = weights[:, order]
    generated = weights * labels[order]
    return (
        np.add.reduceat(weights - generated, starts, axis=1),
        np.add.reduceat(generated, starts, axis=1),
    )


def weighted_auroc(human: Floats, generated: Floats) -> Floats:
    """AUROC of each draw from its `masses`; NaN without a class."""
    below = human.cumsum(axis=1) - human / 2
    pairs = human.sum(axis=1) * generated.sum(axis=1)
    above = (generated * below).sum(axis=1)
    return np.where(pairs > 0, above / np.maximum(pairs, 1), np.nan)


def weighted_tpr_at_fpr(human: Floats, generated: Floats, fpr: float) -> Floats:
    """TPR at FPR of each draw from its `masses`; NaN without a class."""
    false_positives = human[:, ::-1].cumsum(axis=1)
    true_positives = generated[:, ::-1].cumsum(axis=1)
    humans, all_generated = false_positives[:, -1], true_positives[:, -1]
    within = false_positives <= allowed_false_positives(fpr, humans)[:, None]
    most = np.where(within, true_positives, 0).max(axis=1)
    return np.where((humans > 0) & (all_generated > 0), most / np.maximum(all_generated, 1), np.nan)


def allowed_false_positives(fpr: float, humans: Floats) -> Floats:
    """How many of the human texts may be false positives."""
    if not 0 <= fpr <= 1:
        raise InputError(f"A false-positive rate of {fpr} is not between 0 and 1.")
    return np.floor(fpr * humans + 1e-9)  # 0.07 * 100 is a little more than 7, others less


def weighted_calibration_error(
    labels: Floats, probabilities: Floats, weights: Floats, bins: int
) -> Floats:
    """Calibration error of each draw; the bins are those of the texts drawn once each."""
    if bins < 1:
        raise InputError(f"There cannot be {bins} bins: use 1 or more.")
    edges = np.quantile(probabilities, np.arange(1, bins) / bins)
    bin_of = np.searchsorted(edges, probabilities, side="right")
    membership = (bin_of[:, None] == np.arange(bins)).astype(np.float64)
    errors = np.abs((weights * (labels - probabilities)) @ membership)
    figure: Floats = errors.sum(axis=1) / weights.sum(axis=1)
    return figure
