"""Metrics of predictions by split and by group, as plain values for JSON."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from perplexity_detector.evaluation import metrics

#: Columns by which an evaluation is broken down, where the dataset has them.
GROUPS = ("source", "domain", "generator", "attack")


def measure(predictions: pd.DataFrame, fpr: float) -> dict[str, Any]:
    """Figures by split, and by source within each split, as plain values for metrics.json.

    Args:
        predictions: split, generated, probability, flagged and, where known, source, prompt_id.
        fpr: the false-positive rate for which texts were flagged.

    Returns:
        `splits`: split -> figure -> [value, low, high]; `sources`: split -> source -> figure ->
        value (null where a source lacks a class); `fpr`.
    """
    splits: dict[str, Any] = {}
    sources: dict[str, Any] = {}
    for split, part in predictions.groupby("split", sort=False):
        splits[str(split)] = compute_metrics(part)
        if "source" in part:
            sources[str(split)] = metrics_by_group(part, "source")
    return {"fpr": fpr, "splits": splits, "sources": sources}


def compute_metrics(part: pd.DataFrame) -> dict[str, list[float | None]]:
    """AUROC, TPR at FPR, Brier, ECE, and the real rates at the threshold, each with interval."""
    labels, scores = part["generated"].to_numpy(), part["probability"].to_numpy()
    groups = part["prompt_id"].tolist() if "prompt_id" in part else None
    estimates = metrics.evaluate(labels, scores, groups)
    flagged = part["flagged"].to_numpy(bool)
    estimates["fpr"] = metrics.proportion(flagged[labels == 0])
    estimates["tpr"] = metrics.proportion(flagged[labels == 1])
    return {name: [_plain(value) for value in estimate] for name, estimate in estimates.items()}


def metrics_by_group(part: pd.DataFrame, by: str) -> dict[str, dict[str, Any]]:
    """The same for each value of a column, without intervals."""
    # one resample: intervals of small groups are not kept
    table = metrics.evaluate_by(part, by, score="probability", flagged="flagged", resamples=1)
    kept = [name for name in table.columns if not name.endswith(("_low", "_high"))]
    return {
        str(value): {name: _plain(row[name]) for name in kept}
        for value, row in table[kept].iterrows()
    }


def _plain(value: float) -> float | None:
    """A number that json knows; None for what is not finite."""
    return float(value) if math.isfinite(value) else None
