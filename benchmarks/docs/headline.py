"""The table of headline results in README.md."""

from __future__ import annotations

from typing import Any

from benchmarks.docs.markdown import percent, table
from benchmarks.quality.tables import means
from benchmarks.speed.tables import machine_of

_METRICS = {
    "auroc": "AUROC",
    "tpr_at_1": "TPR at 1 % FPR",
    "tpr_at_5": "TPR at 5 % FPR",
}
_PRECISION = "float32"


def headline(curve: dict[str, Any], speed: dict[str, Any]) -> str:
    """Means over held-out sources and speed of both detectors.

    Args:
        curve: content of learning_curve.json, of which the largest number of training texts
            counts.
        speed: content of speed.json.
    """
    names = ("standard", "fast")
    largest = curve["sizes"][max(curve["sizes"], key=int)]
    mean = {name: means(largest, name) for name in names}
    essays = {
        one["detector"]: one["texts_per_second"]
        for one in speed["end_to_end"]
        if one["precision"] == _PRECISION
    }
    rows = [
        [label, *(f"{mean[name][metric]:.3f}" for name in names)]
        for metric, label in _METRICS.items()
    ]
    for figure, label in (("fpr_1", "mean"), ("fpr_1_highest", "highest source")):
        flagged = (percent(mean[name][figure]) for name in names)
        rows.append([f"human texts flagged at the 1 % threshold, {label}", *flagged])
    on = machine_of(speed, "end_to_end")
    where = f"{on['cores']} cores of {on['processor']}, {_PRECISION}"
    rows.append(
        [f"essays of 300 words a second ({where})", *(f"{essays[name]:.1f}" for name in names)]
    )
    return table("| on held-out sources | `standard` | `fast` |", rows)
