"""The markdown table of `results/learning_curve.json`."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.docs.markdown import percent, table
from benchmarks.quality.protocol import HALVES
from benchmarks.quality.tables import DETECTORS, NAMES, means, source_folds


def learning_curve(record: dict[str, Any]) -> str:
    """Means over the held-out sources of each half, by the number of training texts."""
    rows = []
    for half in HALVES:
        for name in DETECTORS:
            for size, of_size in record["sizes"].items():
                mean = means(of_size, name, half)
                figures = ("auroc", "auroc_lowest", "tpr_at_1", "tpr_at_5")
                shares = ("fpr_1", "fpr_1_highest", "fpr_5")
                rows.append(
                    [
                        half,
                        NAMES[name],
                        size,
                        *(f"{mean[figure]:.3f}" for figure in figures),
                        *(percent(mean[share]) for share in shares),
                        percent(without_verdict(of_size, name, half)),
                    ]
                )
    return table(
        "| half | detector | texts of each source and class | AUROC | lowest | TPR at 1 % FPR "
        "| at 5 % | human texts flagged at 1 % | highest | at 5 % | texts without a verdict |",
        rows,
    )


def without_verdict(record: dict[str, Any], name: str, half: str) -> float:
    """Mean share of a held-out source's texts of 50 words or more that are `uncertain`."""
    folds = source_folds(record, half)
    return float(np.mean([fold["without_verdict"][name]["all"]["share"] for fold in folds]))
