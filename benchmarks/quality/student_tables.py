"""Markdown tables of `results/students.json`."""

from __future__ import annotations

from typing import Any

from benchmarks.docs.markdown import table
from benchmarks.quality.protocol import HALVES
from benchmarks.quality.students import FAST, mean

_METRICS = {"auroc": "AUROC", "tpr_at_1": "TPR at 1 % FPR"}


def students(record: dict[str, Any]) -> str:
    """Size, speed and quality of each reader, and of `fast`."""
    readers = record["readers"]
    fast = readers[FAST]
    speeds = fast.get("texts_per_processor_second", {})
    rows = [
        [
            _name(name, reader),
            str(reader["blocks"]),
            str(reader["width"]),
            f"{reader['bytes'] / 1e6:.1f} MB",
            *(
                f"{reader['texts_per_processor_second'][precision] / of_fast:.1f}"
                for precision, of_fast in speeds.items()
            ),
            *(f"{mean(reader, half, metric):.3f}" for metric in _METRICS for half in HALVES),
        ]
        for name, reader in readers.items()
    ]
    times = "".join(f"| times `fast`, {precision} " for precision in speeds)
    quality = "".join(f"| {label}, {half} " for label in _METRICS.values() for half in HALVES)
    head = f"| reader | blocks | width | more in the wheel {times}{quality}|"
    learned = "; ".join(
        f"{one['width']} wide, {one['blocks']} blocks: {one['learned_tokens'] / 1e6:.1f} million"
        for one in readers.values()
        if "learned_tokens" in one
    )
    distilled = f"Tokens that students learned from: {learned}." if learned else ""
    return f"{table(head, rows)}\n\n{left_out(fast)} {distilled}".rstrip()


def left_out(reader: dict[str, Any]) -> str:
    """A sentence that counts the sources of each half that a reader was tested on."""
    halves = [one["half"] for one in reader["sources"].values()]
    counts = " and ".join(f"{halves.count(half)} of the {half} half" for half in HALVES)
    return f"Means over sources left out: {counts}."


def _name(name: str, reader: dict[str, Any]) -> str:
    if name == FAST:
        return "`fast`"
    if "learned_tokens" in reader:
        return "student"
    blocks = reader["blocks"]
    return f"first {blocks} block{'s' * (blocks > 1)}" if blocks else "embedding alone"
