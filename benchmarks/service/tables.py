"""Markdown tables of `results/load.json` and `results/mixed.json`."""

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


def mixed(record: dict[str, Any]) -> str:
    """The service while clients use every route, with input good and bad."""
    on, answers = record["machine"], record["answers"]
    refused = sum(count for status, count in answers.items() if status.startswith("4"))
    first, last = (record[f"memory_{which}_quarter_mb"] for which in ("first", "last"))
    rows = [
        ["clients", f"{record['clients']}"],
        ["minutes", f"{record['seconds'] / 60:g}"],
        ["requests", f"{record['requests']:,}"],
        ["refused (4xx)", f"{refused:,}"],
        ["asked to come back (503)", f"{answers.get('503', 0):,}"],
        ["errors, no answer included", f"{record['errors']}"],
        ["median and 99th percentile of latency, good requests",
         f"{record['p50_ms'] / 1000:.1f} s and {record['p99_ms'] / 1000:.1f} s"],
        ["99th percentile, refused requests", f"{record['p99_ms_refused'] / 1000:.1f} s"],
        ["longest silence of the health check", f"{record['health_longest_ms'] / 1000:.2f} s"],
        ["memory, first and last quarter", f"{first:,.0f} MB and {last:,.0f} MB"],
        ["growth of memory", percent(last / first - 1)],
        ["peak memory", f"{record['memory_peak_mb']:,.0f} MB"],
    ]  # fmt: skip
    return table(f"| `{record['detector']}`, {on['cores']} cores of {on['processor']} | |", rows)
