"""Metrics of predictions, by split and by group, as plain values for JSON."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from perplexity_detector.evaluation import metrics

#: Columns to group an evaluation by, where the dataset has them.
GROUPS = ("source", "domain", "generator", "attack")


def measure(predictions: pd.DataFrame, fpr: float) -> dict[str, Any]:
    """Metrics by split, and by source within each split, for metrics.json.

    Args:
        predictions: columns split, generated, probability, flagged and, where known, source and
            prompt_id.
        fpr: the false-positive rate at which texts were flagged.

    Returns:
        `splits`: split -> metric -> [value, low, high]; `sources`: split -> source -> metric ->
        value (None where a source lacks a class); `fpr`.
    """
    splits: dict[str, Any] = {}
    sources: dict[str, Any] = {}
    for split, rows in predictions.groupby("split", sort=False):
        splits[str(split)] = compute_metrics(rows)
        if "source" in rows:
            sources[str(split)] = metrics_by_group(rows, "source")
    return {"fpr": fpr, "splits": splits, "sources": sources}


def compute_metrics(predictions: pd.DataFrame) -> dict[str, list[float | None]]:
    """All metrics of `evaluate`, and FPR and TPR at the threshold: [value, low, high] each."""
    labels = predictions["generated"].to_numpy()
    scores = predictions["probability"].to_numpy()
    groups = predictions["prompt_id"].tolist() if "prompt_id" in predictions else None
    estimates = metrics.evaluate(labels, scores, groups)
    flagged = predictions["flagged"].to_numpy(bool)
    estimates["fpr"] = metrics.proportion(flagged[labels == 0])
    estimates["tpr"] = metrics.proportion(flagged[labels == 1])
    return {name: [_plain(value) for value in estimate] for name, estimate in estimates.items()}


def metrics_by_group(predictions: pd.DataFrame, by: str) -> dict[str, dict[str, Any]]:
    """Metrics without intervals for each value of a column: value -> metric -> number."""
    # a single resample, since the intervals are dropped
    table = metrics.evaluate_by(
        predictions, by, score="probability", flagged="flagged", resamples=1
    )
    kept = [name for name in table.columns if not name.endswith(("_low", "_high"))]
    return {
        str(value): {name: _plain(row[name]) for name in kept}
        for value, row in table[kept].iterrows()
    }


def _plain(value: float) -> float | None:
    """A number for JSON; None for NaN and infinity."""
    return float(value) if math.isfinite(value) else None
