"""Plots of a trained detector; each function returns a matplotlib figure and uses no pyplot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, PercentFormatter
from sklearn.metrics import roc_curve

from perplexity_detector.evaluation.metrics import auroc

# Colours of Okabe & Ito (2008), distinct for colour-blind readers and in print.
_BLUE, _ORANGE, _VERMILLION = "#0072B2", "#E69F00", "#D55E00"
_FAINT = "#DDDDDD"
_SPLITS: dict[str, dict[str, Any]] = {
    "out-of-fold": {"color": _ORANGE, "linestyle": "--", "marker": "s"},
    "test": {"color": _BLUE, "linestyle": "-", "marker": "o"},
}
_CLASSES = {0: ("human", _BLUE), 1: ("generated", _VERMILLION)}
#: Bins of the histogram.
_BINS = 40
#: Points of the calibration curve, at most, and texts per point, at least.
_POINTS, _TEXTS_PER_POINT = 10, 10
_DPI = 150


def roc_plot(predictions: pd.DataFrame) -> Figure:
    """ROC curve of each split, in full and for small false-positive rates.

    Args:
        predictions: columns split (out-of-fold, test), generated (0 or 1) and probability.

    Returns:
        Two panels that share the true-positive rate, with a linear and a logarithmic (from
        0.1 %) false-positive rate. Splits that lack a class are not drawn.
    """
    figure = Figure(figsize=(9, 4.5), dpi=_DPI, layout=ConstrainedLayoutEngine(wspace=0.06))
    full, low_fpr = figure.subplots(1, 2, sharey=True)
    chance = np.geomspace(1e-4, 1, 200)
    for axes in (full, low_fpr):
        axes.plot(chance, chance, color=_FAINT, linewidth=1)
        axes.set_xlabel("false-positive rate")
        _tidy(axes)
    for split, rows in _rows_by_split(predictions):
        if rows["generated"].nunique() < 2:
            continue
        labels, scores = rows["generated"].to_numpy(), rows["probability"].to_numpy()
        rates = roc_curve(labels, scores)[:2]
        style = {"color": _SPLITS[split]["color"], "linestyle": _SPLITS[split]["linestyle"]}
        full.plot(*rates, label=f"{split}, AUROC {auroc(labels, scores):.3f}", **style)
        # a logarithmic axis has no 0: the curve enters from the left edge
        low_fpr.plot(np.maximum(rates[0], 1e-4), rates[1], **style)
    full.set_xlim(-0.01, 1)
    full.set_ylim(0, 1.01)
    full.set_ylabel("true-positive rate")
    full.xaxis.set_major_formatter(PercentFormatter(1))
    full.yaxis.set_major_formatter(PercentFormatter(1))
    low_fpr.set_xscale("log")
    low_fpr.set_xlim(1e-3, 1)
    low_fpr.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate * 100:g}%"))
    low_fpr.minorticks_off()
    if full.get_legend_handles_labels()[0]:
        full.legend(loc="lower right", frameon=False)
    return figure


def calibration_plot(predictions: pd.DataFrame) -> Figure:
    """Reliability diagram: how often texts of a given probability were generated.

    Classes have equal weight, since probabilities assume equal priors. Bins hold equally many
    texts (Nguyen & O'Connor 2015).

    Args:
        predictions: as in `roc_plot`.

    Returns:
        One panel; calibrated probabilities lie on the diagonal.
    """
    figure = Figure(figsize=(5, 5), dpi=_DPI, layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=_FAINT, linewidth=1)
    for split, rows in _rows_by_split(predictions):
        if rows["generated"].nunique() == 2:
            label = f"{split}, {len(rows):,} texts"
            axes.plot(*_reliability(rows).T, label=label, markersize=5, **_SPLITS[split])
    axes.set_aspect("equal")
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    axes.set_xlabel("mean probability of the texts in a bin")
    axes.set_ylabel("share generated, classes with equal weight")
    _tidy(axes)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper left", frameon=False)
    return figure


def score_histogram(predictions: pd.DataFrame) -> Figure:
    """Histogram of the probabilities of each class, one panel per split.

    Args:
        predictions: as in `roc_plot`.

    Returns:
        Panels one above the other; heights are shares of the texts of a class.
    """
    splits = list(_rows_by_split(predictions))
    n_panels = max(len(splits), 1)
    figure = Figure(figsize=(7, 0.8 + 1.7 * n_panels), dpi=_DPI, layout="constrained")
    panels = figure.subplots(n_panels, 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    edges = np.linspace(0, 1, _BINS + 1)
    for axes, (split, rows) in zip(panels, splits, strict=False):
        for value, (name, colour) in _CLASSES.items():
            scores = rows.loc[rows["generated"] == value, "probability"]
            if scores.empty:
                continue
            axes.hist(
                scores,
                edges,
                weights=np.full(len(scores), 1 / len(scores)),
                histtype="stepfilled",
                facecolor=(colour, 0.35),
                edgecolor=colour,
                label=f"{name}, {len(scores):,} texts",
            )
        axes.set_title(split, loc="left", fontsize="medium")
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.legend(loc="upper center", ncols=2, frameon=False)
        _tidy(axes)
    panels[0].set_xlim(0, 1)
    panels[-1].set_xlabel("probability of being generated")
    figure.supylabel("share of the class", fontsize="medium")
    return figure


def importance_plot(gains: Mapping[str, float], max_features: int = 25) -> Figure:
    """Features with the highest gain in the trees.

    Args:
        gains: feature -> reduction of the loss, summed over all its splits in all trees.
        max_features: how many features to show.

    Returns:
        Bars, the longest on top; lengths are shares of the gain of all features.
    """
    strongest = sorted(gains.items(), key=lambda gain: gain[1])[-max_features:]
    total = sum(gains.values()) or 1.0
    height = 0.9 + 0.24 * len(strongest)
    figure = Figure(figsize=(7, height), dpi=_DPI, layout="constrained")
    axes = figure.subplots()
    shares = [gain / total for _, gain in strongest]
    bars = axes.barh([name for name, _ in strongest], shares, height=0.7, color=_BLUE)
    axes.bar_label(bars, [f"{share:.1%}" for share in shares], padding=3, fontsize="small")
    title = f"{len(strongest)} of the {len(gains)} features used, by share of the total gain"
    axes.set_title(title if gains else "no feature was used", loc="left", fontsize="medium")
    # each bar has its number, so the axis needs none
    axes.xaxis.set_visible(False)
    axes.yaxis.set_visible(bool(gains))
    axes.margins(x=0.08, y=0.01)
    _tidy(axes)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(left=False)
    return figure


def _rows_by_split(predictions: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Rows of each split that has texts, in the order of `_SPLITS`."""
    for split in _SPLITS:
        rows = predictions[predictions["split"] == split]
        if len(rows):
            yield split, rows


def _reliability(rows: pd.DataFrame) -> np.ndarray:
    """Mean probability and share of generated texts in each bin, shape (bins, 2)."""
    labels, scores = rows["generated"].to_numpy(), rows["probability"].to_numpy()
    weights = 1.0 / np.bincount(labels)[labels]
    bins = max(1, min(_POINTS, len(labels) // _TEXTS_PER_POINT))
    edges = np.quantile(scores, np.linspace(0, 1, bins + 1)[1:-1])
    bin_of = np.searchsorted(edges, scores, side="right")
    points = []
    for one in np.unique(bin_of):  # equal probabilities share a bin, so some bins can be empty
        inside = bin_of == one
        points.append(np.average([scores[inside], labels[inside]], 1, weights[inside]))
    return np.array(points)


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
