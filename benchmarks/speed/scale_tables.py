"""Tables of what scale and training cost, from the json of their benchmarks."""

from __future__ import annotations

from typing import Any

from benchmarks.docs.markdown import table

_READERS = {
    "fast": "`fast`",
    "tiny": "a tiny random model",
    "characters": "the same, one text",
}


def scale(record: dict[str, Any]) -> str:
    """Time and memory of `predict` by number and length of texts."""
    rows = [
        [
            _READERS[part],
            f"{one['texts']:,}",
            f"{one['tokens']:,}",
            f"{one['seconds']:,.1f}",
            f"{one['texts_per_second']:,.1f}",
            f"{one['microseconds_per_token']:,.0f}",
            f"{one['peak_memory_mb']:,.0f}",
        ]
        for part in _READERS
        for one in record.get(part, ())
    ]
    heads = "| read by | texts | tokens | s, beyond starting | texts/s | µs a token | peak MB |"
    return table(heads, rows)


def training_cost(record: dict[str, Any]) -> str:
    """What reading for a training takes, the first time and the second, and the trees."""
    read = record["extraction"]
    lines = [
        ("read anew", f"{read['texts_per_second']:.2f} texts/s"),
        (
            f"20,000 texts of at most {read['words_at_most']} words, projected from "
            f"{read['texts']}",
            f"{read['projected_hours_for_20000_texts']:.1f} hours",
        ),
        (
            "after a kill half-way, kept and read",
            f"{read['texts_kept_after_kill']} and {read['texts_read_after_kill']}",
        ),
        ("on disk", f"{read['bytes_per_text'] / 1000:.0f} kB a text"),
    ]
    if cached := record.get("cache"):
        lines += [
            (
                f"looked up, {cached['texts']:,} texts",
                f"{cached['milliseconds_per_text']:.1f} ms a text",
            ),
            (
                "20,000 texts looked up, projected",
                f"{cached['projected_minutes_for_20000_texts']:.1f} minutes",
            ),
        ]
    if grown := record.get("trees"):
        what = f"{grown['trees']} trees, {grown['texts']:,} texts, {grown['features']} features"
        lines += [
            (f"{what}, one core", f"{grown['seconds_one_core']:.1f} s"),
            ("the same, all cores", f"{grown['seconds_all_cores']:.1f} s"),
        ]
    return table("| training | |", [list(line) for line in lines])
