"""Markdown tables of `results/load.json`."""

from __future__ import annotations

from typing import Any

from benchmarks.docs.markdown import percent, table


def load(record: dict[str, Any]) -> str:
    """The service under load, compared with the command on the same essays."""
    on, alone = record["machine"], sum(record["predict_texts_per_second"]) / 2
    memory = [record[f"memory_{which}_quarter_mb"] for which in ("first", "last")]
    rows = [
        ["clients", f"{record['clients']}"],
        ["mean words of an essay", f"{record['words']:.0f}"],
        ["texts a second", f"{record['texts_per_second']:.2f}"],
        ["relative to `predict` on a file", percent(record["texts_per_second"] / alone)],
        ["median latency", f"{record['p50_ms'] / 1000:.1f} s"],
        ["99th percentile of latency", f"{record['p99_ms'] / 1000:.1f} s"],
        ["errors", f"{record['errors']}"],
        ["memory, first and last quarter", " and ".join(f"{one:,.0f} MB" for one in memory)],
    ]
    return table(f"| `{record['detector']}`, {on['cores']} cores of {on['processor']} | |", rows)
