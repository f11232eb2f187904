"""Tables of speed for benchmarks/README.md, from `speed.json`, `precision.json` and the profile."""

from __future__ import annotations

from typing import Any

from benchmarks.docs.markdown import percent, table

NAMES = {
    "float32": "**ours, float32**",
    "bfloat16": "**ours, bfloat16**",
    "int8": "**ours, int8**",
    "hugging_face": "Hugging Face `evaluate`, perplexity",
    "fast_detect_gpt": "Fast-DetectGPT, analytic",
    "gltr": "GLTR",
    "minicons": "`minicons`, surprisal and rank",
    "surprisal": "`surprisal`",
}
MODELS = {"smollm2": "smollm2", "gpt2_shape": "GPT-2's shape"}
#: What a figure of a peer is called, and in which unit it is away from ours.
_FIGURES = {"mean": "mean surprisal", "surprisal": "surprisal", "curvature": "curvature"}


def peers(record: dict[str, Any]) -> str:
    """Every scorer on the same texts."""
    rows = []
    for model, measured in record["models"].items():
        for name, one in measured["scorers"].items():
            rows.append(
                [
                    MODELS[model],
                    NAMES[name],
                    f"{one['tokens_per_second']:,.0f}",
                    f"{one['texts_per_second']:.2f}",
                    f"{one['times_fastest_peer']:.2f}",
                    f"{one['peak_mb']:,.0f} MB",
                    f"{one['ready_seconds']:.1f} s",
                    agreement(one["agreement"]),
                ]
            )
    head = (
        "| model | scorer | tokens/s | texts/s | times the fastest peer | memory | to first text "
        "| away from ours in float32 |"
    )
    return table(head, rows)


def agreement(found: dict[str, float]) -> str:
    """How far a scorer's figures are from ours in float32, on average, in words."""
    said = [
        f"{name} {found[f'{figure}_mean_difference']:.1g}"
        for figure, name in _FIGURES.items()
        if f"{figure}_mean_difference" in found
    ]
    if "rank_differs" in found:
        said.append(f"{found['rank_differs']:.1%} of ranks")
    return ", ".join(said)


def ceilings(record: dict[str, Any]) -> str:
    """What the machine multiplies, and how much of that reading reaches."""
    rows = []
    for model, measured in record["models"].items():
        for name, one in measured["scorers"].items():
            if "of_ceiling" not in one:
                continue
            best = {shape: max(ways.values()) for shape, ways in one["gflops"].items()}
            rows.append(
                [
                    MODELS[model],
                    name,
                    f"{min(best.values()):.0f} to {max(best.values()):.0f} GFLOP/s",
                    f"{one['ceiling_tokens_per_second']:,.0f}",
                    f"{one['tokens_per_second']:,.0f}",
                    percent(one["of_ceiling"]),
                ]
            )
    head = "| model | precision | products, by shape | ceiling, tokens/s | reading | of ceiling |"
    return table(head, rows) + _left_out(record)


def end_to_end(record: dict[str, Any]) -> str:
    """Whole predictions."""
    rows = [
        [
            f"`{one['detector']}`",
            one["precision"],
            f"{one['texts_per_second']:.2f}",
            percent(1 - one["language_model"]),
            f"{one['cores_busy']:.2f}",
        ]
        for one in record["end_to_end"]
    ]
    head = (
        "| detector | precision | essays of 300 words a second | all but the language model "
        "| cores busy |"
    )
    hooks = f"Pooling hidden states adds {percent(record['hooks'])} to reading."
    return f"{table(head, rows)}\n\n{hooks}"


def start_up(record: dict[str, Any]) -> str:
    """What the first result waits for."""
    rows = [[stage, f"{seconds:.2f} s"] for stage, seconds in record["start_up"].items()]
    return table("| stage | |", rows)


def precision(record: dict[str, Any]) -> str:
    """What a lower precision costs."""
    rows = [
        [
            f"`{one['detector']}`",
            one["precision"],
            f"{one['auroc_exact']:.4f}",
            f"{one['auroc']:.4f}",
            f"{one['change']:+.4f} ({one['change_low']:+.4f} to {one['change_high']:+.4f})",
            f"{one['probability_moved']:.3f}",
            "-" if one["surprisal_moved"] is None else f"{one['surprisal_moved']:.3f} nats",
        ]
        for one in record["results"]
    ]
    head = (
        f"| {record['texts']} texts of the test split | precision | AUROC, float32 | AUROC "
        "| change | probability moves by | surprisal of a token by |"
    )
    return table(head, rows)


def reading_profile(record: dict[str, Any]) -> str:
    """Where the processor's time goes, and what was tried."""
    profiles = record["profiles"]
    parts = list(next(iter(profiles.values())))
    rows = [[part, *(f"{one[part]:.2f}" for one in profiles.values())] for part in parts]
    rows.append(["all", *(f"{sum(one.values()):.2f}" for one in profiles.values())])
    where = table(f"| ms of a core, a token | {' | '.join(profiles)} |", rows)
    tried = [
        [what, way, f"{cost:.3f}"] for what, ways in record["tried"].items()
        for way, cost in ways.items()
    ]  # fmt: skip
    cores = [
        [precision, f"{ways['shared']:,.0f}", f"{ways['apart']:,.0f}"]
        for precision, ways in record["cores"].items()
    ]
    heads = "| tokens/s | all cores share each batch (before) | a batch for each core |"
    return (
        f"{where}\n\n{table(heads, cores)}\n\n{table('| tried | | ms of a core, a token |', tried)}"
    )


def _left_out(record: dict[str, Any]) -> str:
    return "".join(f"\n\n{name}: {why}." for name, why in record["not_measured"].items())
