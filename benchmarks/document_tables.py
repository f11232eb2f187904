"""Markdown tables of `results/documents.json`."""

from __future__ import annotations

from typing import Any

from benchmarks.docs.markdown import percent, table

NAMES = {
    "txt": "plain text",
    "docx": "Word",
    "html": "HTML with navigation",
    "pdf1": "PDF, one column",
    "pdf2": "PDF, two columns",
}


def documents(record: dict[str, Any]) -> str:
    """What is recovered of each kind of file, as markdown."""
    detectors = [name for name in ("standard", "fast") if name in record["kinds"]["txt"]]
    head = "| file | words recovered in order, lowest | words added, highest |"
    for name in detectors:
        head += f" largest change of probability, `{name}` | verdicts changed, `{name}` |"
    lines = []
    for kind, found in record["kinds"].items():
        line = [NAMES[kind], percent(found["recovered_min"]), percent(found["added_max"])]
        for name in detectors:
            scored = found[name]
            line += [f"{scored['difference_max']:.4f}", str(scored["verdicts_changed"])]
        lines.append(line)
    return table(head, lines)


def pdf_packages(record: dict[str, Any]) -> str:
    """Reading order of two PDF packages, as markdown."""
    head = "| package | columns | words in order, lowest | mean | documents a second |"
    lines = [
        [f"`{package}`", kind[-1], percent(one["min"]), percent(one["mean"]), f"{one['rate']:.0f}"]
        for kind, packages in record["pdf_packages"].items()
        for package, one in packages.items()
    ]
    return table(head, lines)
