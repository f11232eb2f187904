"""Markdown tables of `results/gpu.json`."""

from __future__ import annotations

from typing import Any

from benchmarks.docs.markdown import percent, table


def gpu(record: dict[str, Any]) -> str:
    """Speed of reading on a card, and how busy it is."""
    models = {"GPT-2's shape": record["reading_gpt2_shape"], "smollm2": record["reading_smollm2"]}
    rows = []
    for model, reading in models.items():
        for way in ("eager", "compiled"):
            if way in reading:
                one = reading[way]
                rates = [f"{one[f'{whose}tokens_per_second']:,.0f}" for whose in ("", "naive_")]
                share = percent(one["share_of_matrix_rate"])
                rows.append([f"{model}, {way}", *rates, f"{one['times_naive']:.1f}", share])
    busy, on = record["overlap"], record["machine"]
    return (
        f"{on['card']}, torch {on['torch']}; {float(record['matrix_rate']) / 1e12:,.0f} TFLOP/s in "
        "matrix products of bfloat16.\n\n"
        + table("| | tokens/s | naive loop | speed-up | share of the matrix rate |", rows)
        + f"\n\n{busy['texts']:,} essays, all features: {busy['texts_per_second']:,.0f} a second; "
        f"the card is busy {percent(busy['busy'])} of the time."
    )
