"""How good scores are: AUROC, TPR at FPR, Brier score, calibration error; their intervals."""

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

#: Figure -> what tables call it; fpr and tpr are the real rates at a given threshold.
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
#: The ends of an interval, as shares of the resamples below them.
CI_QUANTILES = (0.025, 0.975)
_BLOCK = 64  # resamples held at once


class Estimate(NamedTuple):
    """A figure and the ends of its 95 % confidence interval."""

    value: float
    low: float
    high: float


# --- single metrics -------------------------------------------------------------------------------


def auroc(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Area under the ROC curve: how often a generated text scores above a human one.

    Ties count half (the Mann-Whitney statistic over the number of pairs; Hanley & McNeil 1982).

    Args:
        labels: 0 for human and 1 for generated, shape (n,).
        scores: any finite numbers, higher for generated, shape (n,).

    Returns:
        A number in [0, 1]; 0.5 is chance.

    Raises:
        InputError: one class only, or values that are not labels or finite scores.
    """
    human, generated = _unweighted(labels, scores)
    return float(weighted_auroc(human, generated)[0])


def tpr_at_fpr(labels: npt.ArrayLike, scores: npt.ArrayLike, fpr: float) -> float:
    """Share of generated texts above the threshold of a false-positive rate.

    The threshold is `threshold_at_fpr` of the human texts, so a tie that would take the rate
    over `fpr` is left below it: a score that all texts share gives 0.

    Args:
        labels: 0 for human and 1 for generated, shape (n,).
        scores: any finite numbers, higher for generated, shape (n,).
        fpr: the false-positive rate that is allowed, in [0, 1].

    Returns:
        A number in [0, 1].

    Raises:
        InputError: as `auroc`; or `fpr` is not in [0, 1].
    """
    human, generated = _unweighted(labels, scores)
    return float(weighted_tpr_at_fpr(human, generated, fpr)[0])


def threshold_at_fpr(human_scores: npt.ArrayLike, fpr: float) -> float:
    """The lowest threshold that at most `fpr` of the human texts reach (score >= threshold).

    Of n scores, floor(fpr * n) may reach it: it lies just above the next one.

    Args:
        human_scores: scores of texts by people, shape (n,), n > 0.
        fpr: the false-positive rate that is allowed, in [0, 1].

    Returns:
        A threshold; -inf if every text may reach it.
    """
    scores = np.sort(_finite(human_scores))[::-1]
    allowed = int(allowed_false_positives(fpr, np.array(len(scores))))
    if allowed >= len(scores):
        return -np.inf
    return float(np.nextafter(scores[allowed], np.inf))


def brier(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> float:
    """Mean squared distance of probability and label, in [0, 1]; 0 is best (Brier 1950)."""
    labels, probabilities = _checked(labels, probabilities, as_probabilities=True)
    return float(np.mean((labels - probabilities) ** 2))


def expected_calibration_error(
    labels: npt.ArrayLike, probabilities: npt.ArrayLike, bins: int = BINS
) -> float:
    """How far the mean probability is from the share of generated texts, on average over bins.

    sum_b n_b / n * |share of generated in b - mean probability in b|, over bins of equal mass:
    their edges are quantiles of the probabilities, so equal probabilities share a bin and there
    can be fewer bins than asked for (Nguyen & O'Connor 2015; Nixon et al. 2019).

    Args:
        labels: 0 for human and 1 for generated, shape (n,).
        probabilities: in [0, 1], shape (n,).
        bins: how many bins at most.

    Returns:
        A number in [0, 1]; 0 is best. Noise within the bins keeps it above 0.
    """
    labels, probabilities = _checked(labels, probabilities, as_probabilities=True)
    weights = np.ones((1, len(labels)))
    return float(weighted_calibration_error(labels, probabilities, weights, bins)[0])


def proportion(flagged: npt.ArrayLike) -> Estimate:
    """Share of texts that were flagged, with its Clopper-Pearson interval.

    Of texts by people it is the false-positive rate, of generated ones the true-positive rate.

    Args:
        flagged: 0 or 1, shape (n,), n > 0.

    Returns:
        The share; the interval is exact for independent texts (Clopper & Pearson 1934).
    """
    flags = _finite(flagged)
    total = len(flags)
    reached = int(np.count_nonzero(flags))
    interval = binomtest(reached, total).proportion_ci(
        CI_QUANTILES[1] - CI_QUANTILES[0], method="exact"
    )
    return Estimate(reached / total, float(interval.low), float(interval.high))


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

    Percentile bootstrap (Efron 1979). With groups, whole groups are drawn (cluster bootstrap):
    texts on one prompt are not independent. Without, texts are drawn within each class.
    Resamples with one class are left out of the figures that need two. Drawing again adds
    noise, which a sum of absolute values takes for miscalibration: the interval of the
    calibration error is moved back by that bias. A perfect figure has an interval of no width.

    Args:
        labels: 0 for human and 1 for generated, shape (n,).
        scores: higher for generated, shape (n,).
        groups: the prompt, or other group, of each text, shape (n,).
        probabilities: whether scores are probabilities; if not, Brier score and calibration
            error are left out.
        resamples: how often to draw.
        seed: of the draws.

    Returns:
        Estimates named auroc, tpr_at_1_percent_fpr, tpr_at_5_percent_fpr, brier and
        expected_calibration_error. Ends of an interval are NaN where there is but one group.

    Raises:
        InputError: one class only, arrays of other lengths, values out of range.
    """
    labels, scores = _checked(labels, scores, as_probabilities=probabilities)
    _require_two_classes(labels)
    group_ids = None if groups is None else group_numbers(groups, len(labels))
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
        frame: one row a text.
        by: the column whose values part the texts.
        label: the column of labels.
        score: the column of scores.
        group: the column of groups that are drawn whole; None draws texts.
        flagged: a column of texts that reached their threshold; if given, the share of them is
            added, of each class.
        probabilities: as in `evaluate`.
        resamples: as in `evaluate`.
        seed: as in `evaluate`.

    Returns:
        A table indexed by the values of `by`, sorted, with the columns texts, human, generated,
        and each figure with figure_low and figure_high; then fpr and tpr likewise. What needs a
        class that the value does not have is NaN.

    Raises:
        InputError: a column is missing, or values are out of range.
    """
    missing = {by, label, score, group, flagged} - {None, *frame.columns}
    if missing:
        raise InputError(f"The table has no column {sorted(map(str, missing))[0]!r}.")
    table = {}
    for value, part in frame.groupby(by, sort=True, dropna=False):
        labels, scores = _checked(part[label], part[score], as_probabilities=probabilities)
        group_ids = None if group is None else group_numbers(part[group], len(part))
        estimates = bootstrap_metrics(labels, scores, group_ids, probabilities, resamples, seed)
        if flagged is not None:
            for name, actual in (("fpr", 0), ("tpr", 1)):
                found = part[flagged].to_numpy(bool)[labels == actual]
                nothing = Estimate(np.nan, np.nan, np.nan)
                estimates[name] = proportion(found) if found.size else nothing
        generated = int(labels.sum())
        table[value] = {
            "texts": len(labels),
            "human": len(labels) - generated,
            "generated": generated,
        } | _flat(estimates)
    return pd.DataFrame.from_dict(table, orient="index").rename_axis(by)


def _flat(estimates: dict[str, Estimate]) -> dict[str, float]:
    return {
        name + end: value
        for name, estimate in estimates.items()
        for end, value in zip(("", "_low", "_high"), estimate, strict=True)
    }


# --- bootstrap ------------------------------------------------------------------------------------


def bootstrap_metrics(
    labels: Floats,
    scores: Floats,
    group_ids: Integers | None,
    probabilities: bool,
    resamples: int,
    seed: int,
) -> dict[str, Estimate]:
    """Each figure with its percentile interval; see `metrics.evaluate`."""
    generator = np.random.default_rng(seed)
    units = len(labels) if group_ids is None else group_ids.max() + 1
    blocks = [
        _weighted_metrics(
            labels, scores, _drawn_weights(labels, group_ids, draws, generator), probabilities
        )
        for draws in np.diff([*range(0, resamples, _BLOCK), resamples])
        if units > 1  # one alone says nothing of how they vary
    ]
    once = np.ones((1, len(labels)))
    estimates = {}
    for name, (value,) in _weighted_metrics(labels, scores, once, probabilities).items():
        drawn = np.concatenate([np.zeros(0), *(block[name] for block in blocks)])
        drawn = drawn[np.isfinite(drawn)]
        if name == "expected_calibration_error" and drawn.size:
            drawn = np.maximum(drawn - (drawn.mean() - value), 0)
        low, high = np.quantile(drawn, CI_QUANTILES) if drawn.size else (np.nan, np.nan)
        estimates[name] = Estimate(float(value), float(low), float(high))
    return estimates


def _drawn_weights(
    labels: Floats, group_ids: Integers | None, draws: int, generator: np.random.Generator
) -> Floats:
    """How often each text is drawn, shape (draws, n)."""
    if group_ids is not None:
        return _drawn_counts(group_ids.max() + 1, draws, generator)[:, group_ids]
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
    group_ids = np.array(pd.factorize(names)[0], dtype=np.int64)
    alone = (names.isna() | (names == "")).to_numpy()
    group_ids[alone] = group_ids.max() + 1 + np.arange(alone.sum())
    return np.array(pd.factorize(group_ids)[0], dtype=np.int64)


# --- metrics of weighted texts: weights have shape (draws, n), metrics (draws,) -------------------


def _weighted_metrics(
    labels: Floats, scores: Floats, weights: Floats, probabilities: bool
) -> dict[str, Floats]:
    human, generated = weights_by_score(labels, scores, weights)
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


# --- checks ---------------------------------------------------------------------------------------


def _checked(
    labels: npt.ArrayLike, scores: npt.ArrayLike, as_probabilities: bool = False
) -> tuple[Floats, Floats]:
    labels, scores = _finite(labels), _finite(scores)
    if len(labels) != len(scores):
        raise InputError(f"There are {len(labels)} labels and {len(scores)} scores: give as many.")
    if not np.isin(labels, (0, 1)).all():
        raise InputError("A label is not 0 (human) or 1 (generated).")
    if as_probabilities and not ((scores >= 0) & (scores <= 1)).all():
        raise InputError("A probability is not between 0 and 1; give scores without Brier score.")
    return labels, scores


def _finite(values: npt.ArrayLike) -> Floats:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("A label or score is not a number.") from None
    if array.ndim != 1 or not array.size or not np.isfinite(array).all():
        raise InputError("Labels and scores are lists of one or more finite numbers.")
    return array


def _unweighted(labels: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[Floats, Floats]:
    labels, scores = _checked(labels, scores)
    _require_two_classes(labels)
    return weights_by_score(labels, scores, np.ones((1, len(labels))))


def _require_two_classes(labels: Floats) -> None:
    if labels.min() == labels.max():
        raise InputError(
            f"All {len(labels)} texts are labelled {labels[0]:.0f}: "
            "the figures need texts by people and by models."
        )
