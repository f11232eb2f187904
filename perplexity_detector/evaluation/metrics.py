"""Metrics of scores, with confidence intervals: AUROC, TPR at FPR, Brier score, calibration error.

`evaluate` computes all of them with bootstrap intervals, `evaluate_by` does so for each group. Each
metric is implemented once, for weighted texts: a resample is a set of weights, and the metric of
the texts themselves has weights of 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import binomtest

from perplexity_detector.errors import InputError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: Metric -> its name in tables; fpr and tpr are the observed rates at a given threshold.
METRIC_LABELS = {
    "auroc": "AUROC",
    "tpr_at_1_percent_fpr": "TPR at 1 % FPR",
    "tpr_at_5_percent_fpr": "TPR at 5 % FPR",
    "brier": "Brier",
    "expected_calibration_error": "ECE",
    "fpr": "FPR at threshold",
    "tpr": "TPR at threshold",
}
#: The false-positive rates at which the true-positive rate is reported.
FALSE_POSITIVE_RATES = (0.01, 0.05)
#: Bins of the calibration error.
BINS = 15
#: Quantiles of the resamples that bound a 95 % interval.
CI_QUANTILES = (0.025, 0.975)
_BLOCK = 64  # resamples held in memory at once


class Estimate(NamedTuple):
    """A metric's value and the bounds of its 95 % confidence interval."""

    value: float
    low: float
    high: float


# --- single metrics -------------------------------------------------------------------------------


def auroc(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Area under the ROC curve: probability that a generated text scores above a human one.

    Ties count half (the Mann-Whitney statistic over the number of pairs; Hanley & McNeil 1982).

    Args:
        labels: 0 for human and 1 for generated, shape (n,).
        scores: any finite numbers, higher for generated, shape (n,).

    Returns:
        A number in [0, 1]; 0.5 is chance.

    Raises:
        InputError: there is one class only, a label is not 0 or 1, or a score is not finite.
    """
    human, generated = _unweighted(labels, scores)
    return float(weighted_auroc(human, generated)[0])


def tpr_at_fpr(labels: npt.ArrayLike, scores: npt.ArrayLike, fpr: float) -> float:
    """Share of generated texts above the threshold of a false-positive rate.

    The threshold is `threshold_at_fpr` of the human texts. Tied scores that would push the rate
    above `fpr` stay below the threshold: if all texts share a score, the result is 0.

    Args:
        labels: 0 for human and 1 for generated, shape (n,).
        scores: any finite numbers, higher for generated, shape (n,).
        fpr: the highest allowed false-positive rate, in [0, 1].

    Returns:
        A number in [0, 1].

    Raises:
        InputError: as in `auroc`, or `fpr` is not in [0, 1].
    """
    human, generated = _unweighted(labels, scores)
    return float(weighted_tpr_at_fpr(human, generated, fpr)[0])


def threshold_at_fpr(human_scores: npt.ArrayLike, fpr: float) -> float:
    """The lowest threshold that at most `fpr` of the human texts reach (score >= threshold).

    Of n scores, floor(fpr * n) may reach it, so it lies just above the next one.

    Args:
        human_scores: scores of human texts, shape (n,), n > 0.
        fpr: the highest allowed false-positive rate, in [0, 1].

    Returns:
        A threshold; -inf if every text may reach it.
    """
    scores = np.sort(_finite(human_scores))[::-1]
    allowed = int(allowed_false_positives(fpr, np.array(len(scores))))
    if allowed >= len(scores):
        return -np.inf
    return float(np.nextafter(scores[allowed], np.inf))


def brier(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> float:
    """Mean squared difference of probability and label, in [0, 1]; 0 is best (Brier 1950)."""
    labels, probabilities = _checked(labels, probabilities, as_probabilities=True)
    return float(np.mean((labels - probabilities) ** 2))


def expected_calibration_error(
    labels: npt.ArrayLike, probabilities: npt.ArrayLike, bins: int = BINS
) -> float:
    """Mean distance between the mean probability and the share of generated texts over bins.

    sum_b n_b / n * |share of generated in b - mean probability in b|, over bins of equal mass.
    Bin edges are quantiles of the probabilities, so equal probabilities share a bin and there
    can be fewer than `bins` (Nguyen & O'Connor 2015; Nixon et al. 2019).

    Args:
        labels: 0 for human and 1 for generated, shape (n,).
        probabilities: in [0, 1], shape (n,).
        bins: number of bins, at most.

    Returns:
        A number in [0, 1]; 0 is best. Noise within the bins keeps it above 0.
    """
    labels, probabilities = _checked(labels, probabilities, as_probabilities=True)
    weights = np.ones((1, len(labels)))
    return float(weighted_calibration_error(labels, probabilities, weights, bins)[0])


def proportion(flagged: npt.ArrayLike) -> Estimate:
    """Share of flagged texts, with its Clopper-Pearson interval.

    Over human texts this is the false-positive rate, over generated ones the true-positive rate.

    Args:
        flagged: 0 or 1, shape (n,), n > 0.

    Returns:
        The share, with an interval that is exact for independent texts (Clopper & Pearson 1934).
    """
    flags = _finite(flagged)
    n_flagged = int(np.count_nonzero(flags))
    confidence = CI_QUANTILES[1] - CI_QUANTILES[0]
    interval = binomtest(n_flagged, len(flags)).proportion_ci(confidence, method="exact")
    return Estimate(n_flagged / len(flags), float(interval.low), float(interval.high))


# --- all metrics, with intervals ------------------------------------------------------------------


def evaluate(
    labels: npt.ArrayLike,
    scores: npt.ArrayLike,
    groups: Sequence[object] | npt.ArrayLike | None = None,
    *,
    probabilities: bool = True,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """AUROC, TPR at 1 and 5 % FPR, Brier score and calibration error, with 95 % intervals.

    Percentile bootstrap (Efron 1979). With groups, whole groups are drawn (cluster bootstrap),
    since texts on one prompt are not independent. Without groups, texts are drawn within each
    class. Metrics that need two classes ignore resamples with one. Resampling adds noise, which
    raises the calibration error, a sum of absolute values; its interval is shifted back by that
    bias. A perfect metric has an interval of width 0.

    Args:
        labels: 0 for human and 1 for generated, shape (n,).
        scores: higher for generated, shape (n,).
        groups: prompt or other group of each text, shape (n,).
        probabilities: whether scores are probabilities; otherwise there is no Brier score and no
            calibration error.
        resamples: number of bootstrap resamples.
        seed: seed of the resampling.

    Returns:
        Estimates named auroc, tpr_at_1_percent_fpr, tpr_at_5_percent_fpr, brier and
        expected_calibration_error. Bounds are NaN if there is only one group.

    Raises:
        InputError: there is one class only, lengths differ, or values are out of range.
    """
    labels, scores = _checked(labels, scores, as_probabilities=probabilities)
    _require_two_classes(labels)
    group_ids = None if groups is None else encode_groups(groups, len(labels))
    return bootstrap_metrics(labels, scores, group_ids, probabilities, resamples, seed)


def evaluate_by(
    frame: pd.DataFrame,
    by: str,
    *,
    label: str = "generated",
    score: str = "score",
    group: str | None = None,
    flagged: str | None = None,
    probabilities: bool = True,
    resamples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """`evaluate` for each value of a column, such as source, domain, generator or attack.

    Args:
        frame: one row per text.
        by: column to group by.
        label: column of labels.
        score: column of scores.
        group: column of groups to resample whole; None resamples texts.
        flagged: column of flags: which texts reached their threshold; if given, the result has
            their share in each class.
        probabilities: as in `evaluate`.
        resamples: as in `evaluate`.
        seed: as in `evaluate`.

    Returns:
        A table indexed by the sorted values of `by`. Columns are texts, human and generated
        (counts); each metric with metric_low and metric_high; then fpr and tpr likewise. A
        metric is NaN if the group lacks a class that it needs.

    Raises:
        InputError: a column is missing, or values are out of range.
    """
    missing = {by, label, score, group, flagged} - {None, *frame.columns}
    if missing:
        raise InputError(f"The table has no column {sorted(map(str, missing))[0]!r}.")
    table = {}
    for value, rows in frame.groupby(by, sort=True, dropna=False):
        labels, scores = _checked(rows[label], rows[score], as_probabilities=probabilities)
        group_ids = None if group is None else encode_groups(rows[group], len(rows))
        estimates = bootstrap_metrics(labels, scores, group_ids, probabilities, resamples, seed)
        if flagged is not None:
            flags = rows[flagged].to_numpy(bool)
            estimates["fpr"] = _proportion_or_nan(flags[labels == 0])
            estimates["tpr"] = _proportion_or_nan(flags[labels == 1])
        n_generated = int(labels.sum())
        row: dict[str, float] = {
            "texts": len(labels),
            "human": len(labels) - n_generated,
            "generated": n_generated,
        }
        for name, estimate in estimates.items():
            row[name] = estimate.value
            row[f"{name}_low"] = estimate.low
            row[f"{name}_high"] = estimate.high
        table[value] = row
    return pd.DataFrame.from_dict(table, orient="index").rename_axis(by)


def _proportion_or_nan(flags: npt.NDArray[np.bool_]) -> Estimate:
    return proportion(flags) if flags.size else Estimate(np.nan, np.nan, np.nan)


# --- bootstrap ------------------------------------------------------------------------------------


def bootstrap_metrics(
    labels: Floats,
    scores: Floats,
    group_ids: Integers | None,
    probabilities: bool,
    resamples: int,
    seed: int,
) -> dict[str, Estimate]:
    """Each metric with its percentile interval; see `evaluate`."""
    generator = np.random.default_rng(seed)
    n_units = len(labels) if group_ids is None else group_ids.max() + 1
    blocks = []
    if n_units > 1:  # a single group shows no variation
        for draws in np.diff([*range(0, resamples, _BLOCK), resamples]):
            weights = _resampling_weights(labels, group_ids, draws, generator)
            blocks.append(_weighted_metrics(labels, scores, weights, probabilities))
    unit_weights = np.ones((1, len(labels)))
    estimates = {}
    for name, (value,) in _weighted_metrics(labels, scores, unit_weights, probabilities).items():
        resampled = np.concatenate([np.zeros(0), *(block[name] for block in blocks)])
        resampled = resampled[np.isfinite(resampled)]
        if name == "expected_calibration_error" and resampled.size:
            bias = resampled.mean() - value
            resampled = np.maximum(resampled - bias, 0)
        low, high = np.quantile(resampled, CI_QUANTILES) if resampled.size else (np.nan, np.nan)
        estimates[name] = Estimate(float(value), float(low), float(high))
    return estimates


def _resampling_weights(
    labels: Floats, group_ids: Integers | None, draws: int, generator: np.random.Generator
) -> Floats:
    """How often each text is drawn in each resample, shape (draws, n)."""
    if group_ids is not None:
        return _resampling_counts(group_ids.max() + 1, draws, generator)[:, group_ids]
    weights = np.zeros((draws, len(labels)))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        weights[:, members] = _resampling_counts(len(members), draws, generator)
    return weights


def _resampling_counts(n_units: int, draws: int, generator: np.random.Generator) -> Floats:
    """How often each of n units is drawn when n are drawn with replacement, (draws, n)."""
    counts = generator.multinomial(n_units, np.full(n_units, 1 / n_units), size=draws)
    return counts.astype(np.float64)


def encode_groups(groups: Sequence[object] | npt.ArrayLike, texts: int) -> Integers:
    """Integer of each text's group, shape (texts,); a text without one is its own group."""
    names = pd.Series(np.asarray(groups, dtype=object))
    if len(names) != texts:
        raise InputError(f"There are {texts} texts and {len(names)} groups: give one per text.")
    group_ids = np.array(pd.factorize(names)[0], dtype=np.int64)
    without_group = (names.isna() | (names == "")).to_numpy()
    group_ids[without_group] = group_ids.max() + 1 + np.arange(without_group.sum())
    return np.array(pd.factorize(group_ids)[0], dtype=np.int64)


# --- metrics of weighted texts: weights have shape (draws, n), metrics (draws,) -------------------


def _weighted_metrics(
    labels: Floats, scores: Floats, weights: Floats, probabilities: bool
) -> dict[str, Floats]:
    human, generated = weights_by_score(labels, scores, weights)
    metrics = {"auroc": weighted_auroc(human, generated)}
    for fpr in FALSE_POSITIVE_RATES:
        name = f"tpr_at_{100 * fpr:.0f}_percent_fpr"
        metrics[name] = weighted_tpr_at_fpr(human, generated, fpr)
    if probabilities:
        metrics["brier"] = weights @ (labels - scores) ** 2 / weights.sum(axis=1)
        metrics["expected_calibration_error"] = weighted_calibration_error(
            labels, scores, weights, BINS
        )
    return metrics


def weights_by_score(labels: Floats, scores: Floats, weights: Floats) -> tuple[Floats, Floats]:
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
    """AUROC of each draw from its `weights_by_score`; NaN without a class."""
    below = human.cumsum(axis=1) - human / 2
    pairs = human.sum(axis=1) * generated.sum(axis=1)
    above = (generated * below).sum(axis=1)
    return np.where(pairs > 0, above / np.maximum(pairs, 1), np.nan)


def weighted_tpr_at_fpr(human: Floats, generated: Floats, fpr: float) -> Floats:
    """TPR at FPR of each draw from its `weights_by_score`; NaN without a class."""
    false_positives = human[:, ::-1].cumsum(axis=1)
    true_positives = generated[:, ::-1].cumsum(axis=1)
    n_human, n_generated = false_positives[:, -1], true_positives[:, -1]
    within = false_positives <= allowed_false_positives(fpr, n_human)[:, None]
    found = np.where(within, true_positives, 0).max(axis=1)
    both_classes = (n_human > 0) & (n_generated > 0)
    return np.where(both_classes, found / np.maximum(n_generated, 1), np.nan)


def allowed_false_positives(fpr: float, n_human: Floats) -> Floats:
    """How many of the human texts may be false positives."""
    if not 0 <= fpr <= 1:
        raise InputError(f"A false-positive rate of {fpr} is not between 0 and 1.", "fpr")
    return np.floor(fpr * n_human + 1e-9)  # products such as 0.29 * 100 round to just below


def weighted_calibration_error(
    labels: Floats, probabilities: Floats, weights: Floats, bins: int
) -> Floats:
    """Calibration error of each draw, with the bins of the texts themselves."""
    if bins < 1:
        raise InputError(f"The number of bins is {bins}: it has to be 1 or more.", "bins")
    edges = np.quantile(probabilities, np.arange(1, bins) / bins)
    bin_of = np.searchsorted(edges, probabilities, side="right")
    membership = (bin_of[:, None] == np.arange(bins)).astype(np.float64)
    errors = np.abs((weights * (labels - probabilities)) @ membership)
    return np.asarray(errors.sum(axis=1) / weights.sum(axis=1))


# --- checks ---------------------------------------------------------------------------------------


def _checked(
    labels: npt.ArrayLike, scores: npt.ArrayLike, as_probabilities: bool = False
) -> tuple[Floats, Floats]:
    labels, scores = _finite(labels), _finite(scores)
    if len(labels) != len(scores):
        raise InputError(f"There are {len(labels)} labels and {len(scores)} scores.")
    if not np.isin(labels, (0, 1)).all():
        raise InputError("A label is not 0 (human) or 1 (generated).")
    if as_probabilities and not ((scores >= 0) & (scores <= 1)).all():
        raise InputError(
            "A probability is not between 0 and 1",
            "probabilities",
            "if these are scores, set {probabilities}=False",
        )
    return labels, scores


def _finite(values: npt.ArrayLike) -> Floats:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("A label or score is not a number.") from None
    if array.ndim != 1 or not array.size or not np.isfinite(array).all():
        raise InputError("Labels and scores have to be lists of one or more finite numbers.")
    return array


def _unweighted(labels: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[Floats, Floats]:
    labels, scores = _checked(labels, scores)
    _require_two_classes(labels)
    return weights_by_score(labels, scores, np.ones((1, len(labels))))


def _require_two_classes(labels: Floats) -> None:
    if labels.min() == labels.max():
        raise InputError(
            f"All {len(labels)} texts are labelled {labels[0]:.0f}: "
            "metrics need human and generated texts."
        )
