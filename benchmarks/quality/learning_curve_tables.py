"""The markdown table of `results/learning_curve.json`, which `results/quality.json` completes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.docs.markdown import percent, table
from benchmarks.quality.learning_curve import TESTED_PER_GROUP
from benchmarks.quality.protocol import HALVES
from benchmarks.quality.tables import DETECTORS, NAMES, means, source_folds


def learning_curve(record: Mapping[str, Any], quality: Mapping[str, Any]) -> str:
    """Means over the held-out sources of each half, by the number of training texts.

    Args:
        record: content of learning_curve.json.
        quality: content of quality.json, the same folds with `TESTED_PER_GROUP` training texts.
    """
    sizes = {str(TESTED_PER_GROUP): quality, **record["sizes"]}
    rows = []
    for half in HALVES:
        for name in DETECTORS:
            for size in sorted(sizes, key=int):
                of_size = sizes[size]
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


def without_verdict(record: Mapping[str, Any], name: str, half: str) -> float:
    """Mean share of a held-out source's texts of 50 words or more that are `uncertain`."""
    folds = source_folds(record, half)
    return float(np.mean([fold["without_verdict"][name]["all"]["share"] for fold in folds]))
