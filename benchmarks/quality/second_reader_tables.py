"""Markdown table of `results/second_reader.json`."""

from __future__ import annotations

from typing import Any

from benchmarks.docs.markdown import table
from benchmarks.quality.protocol import HALVES
from benchmarks.quality.second_reader import BLOCKS, DETECTORS, means
from benchmarks.quality.student_tables import left_out

_METRICS = {"auroc": "AUROC", "tpr_at_1": "TPR at 1 % FPR", "tpr_at_5": "at 5 %"}
#: Shares of the adaptation whose means with detectors are shown.
_SHOWN = (0.5, 1.0)


def second_reader(record: dict[str, Any]) -> str:
    """Detectors, adapted readers at several shares of the adaptation, and means of both."""
    shown = [
        reader
        for reader in record["readers"].values()
        if "detector" not in reader or reader.get("share", 1.0) in _SHOWN
    ]
    head = "| reader | blocks run "
    head += "".join(f"| {label}, {half} " for half in HALVES for label in _METRICS.values()) + "|"
    rows = []
    for reader in shown:
        by_half = [means(reader, half) for half in HALVES]
        figures = [f"{found[metric]:.3f}" for found in by_half for metric in _METRICS]
        rows.append([_name(reader), str(reader["blocks"]), *figures])
    return f"{table(head, rows)}\n\n{left_out(shown[0])}"


def _name(reader: dict[str, Any]) -> str:
    detector = reader.get("detector", "")
    named = f"`{detector}`" if DETECTORS.get(detector) != BLOCKS else f"first {BLOCKS} blocks"
    if "share" not in reader:
        return named
    own = f"blocks {reader['frozen'] + 1} to {BLOCKS} adapted, {reader['share']:.0%} of it"
    return f"{own}, and {named}" if detector else own
