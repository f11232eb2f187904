"""Markdown tables of the json that the benchmarks of this room write."""

from __future__ import annotations

from typing import Any

from benchmarks.docs.markdown import percent, table
from benchmarks.speed.resources import DETECTORS

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
CLASSIFIERS = {
    "roberta_base": "RoBERTa-base",
    "e5_small": "e5-small",
    "standard": "**`standard`**",
    "auto": "**`auto`**",
    "fast": "**`fast`**",
}
MODELS = {"smollm2": "smollm2", "gpt2_shape": "GPT-2's shape"}
#: Stages of `predict` on one essay.
_STAGES = {
    "import_torch": "import torch",
    "other_imports": "other imports",
    "load_language_model": "load the language model",
    "load_detector": "load the detector",
    "assess_one_essay": "assess one essay",
    "first_result": "**`predict` on one essay, to its result**",
    "end": "the same, to its end",
}
_SCALE_PARTS = {
    "fast": "`fast`",
    "tiny": "tiny random model",
    "characters": "tiny random model, one text",
}
#: Display names of the statistics that are compared.
_STATISTICS = {"mean": "mean surprisal", "surprisal": "surprisal", "curvature": "curvature"}


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
        "| mean difference from ours in float32 |"
    )
    return table(head, rows)


def agreement(found: dict[str, float]) -> str:
    """Mean differences between a scorer's values and ours in float32, in words."""
    parts = [
        f"{name} {found[f'{figure}_mean_difference']:.1g}"
        for figure, name in _STATISTICS.items()
        if f"{figure}_mean_difference" in found
    ]
    if "rank_differs" in found:
        parts.append(f"{found['rank_differs']:.1%} of ranks")
    return ", ".join(parts)


def ceilings(record: dict[str, Any]) -> str:
    """The machine's limit, and the share of it that reading reaches."""
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
    return table(head, rows) + _not_measured(record)


def end_to_end(record: dict[str, Any]) -> str:
    """Whole predictions."""
    rows = [
        [
            f"`{one['detector']}`",
            one["precision"],
            f"{one['texts_per_second']:.2f}",
            percent(1 - one["language_model"]),
            f"{one['cores_busy']:.2f}",
            percent(one["early"]) if one["detector"] == "auto" else "",
        ]
        for one in record["end_to_end"]
    ]
    head = (
        "| detector | precision | essays of 300 words a second | time outside the language model "
        "| cores busy | essays that leave early |"
    )
    hooks = f"Pooling hidden states adds {percent(record['hooks'])} to the time of reading."
    return f"{table(head, rows)}\n\n{_measured_on(record, 'end_to_end')} {hooks}"


def classifiers(record: dict[str, Any]) -> str:
    """Whole predictions, of encoders and of the detectors."""
    rates = {(one["name"], one["precision"]): one["texts_per_second"] for one in record["results"]}
    chosen = record["precision_auto"]
    rows = [
        [
            CLASSIFIERS[one["name"]],
            one["by"],
            one["precision"] + (" (`auto`)" if chosen.get(one["name"]) == one["precision"] else ""),
            f"{one['texts_per_second']:.2f}",
            _times(one["texts_per_second"], rates.get(("roberta_base", one["precision"]))),
        ]
        for one in record["results"]
    ]
    head = (
        "| classifier | by | precision | essays of 300 words a second "
        "| times RoBERTa-base in that precision |"
    )
    return table(head, rows) + _not_measured(record)


def _times(rate: float, other: float | None) -> str:
    return "" if other is None else f"{rate / other:.2f}"


def machine_of(record: dict[str, Any], part: str) -> dict[str, Any]:
    """The machine on which a part of speed.json was measured."""
    found: dict[str, Any] = record.get("machines", {}).get(part, record["machine"])
    return found


def _measured_on(record: dict[str, Any], part: str) -> str:
    on = machine_of(record, part)
    return f"Measured on {on['cores']} cores of {on['processor']}."


def start_up(record: dict[str, Any]) -> str:
    """Time of each stage up to the first result."""
    by_detector = record["start_up"]
    rows = [
        [label, *(f"{stages[stage]:.2f} s" for stages in by_detector.values())]
        for stage, label in _STAGES.items()
    ]
    head = f"| stage | {' | '.join(f'`{name}`' for name in by_detector)} |"
    return f"{table(head, rows)}\n\n{_measured_on(record, 'start_up')}"


def precision(record: dict[str, Any]) -> str:
    """Differences between precisions."""
    rows = [
        [
            f"`{one['detector']}`",
            one["precision"],
            f"{one['auroc_exact']:.4f}",
            f"{one['auroc']:.4f}",
            f"{one['change']:+.4f} ({one['change_low']:+.4f} to {one['change_high']:+.4f})",
            f"{one['probability_change']:.3f}",
            f"{one['verdicts_changed']}",
            "-" if one["surprisal_change"] is None else f"{one['surprisal_change']:.3f} nats",
        ]
        for one in record["results"]
    ]
    head = (
        f"| {record['texts']} texts of the test split | precision | AUROC, float32 | AUROC "
        "| change | mean change of probability | verdicts that change | change of a token's "
        "surprisal |"
    )
    return table(head, rows)


def reading_profile(record: dict[str, Any]) -> str:
    """Processor time by part of the work, and of the variants that were tried."""
    profiles = record["profiles"]
    parts = list(next(iter(profiles.values())))
    rows = [[part, *(f"{one[part]:.2f}" for one in profiles.values())] for part in parts]
    rows.append(["total", *(f"{sum(one.values()):.2f}" for one in profiles.values())])
    where = table(f"| ms of one core per token | {' | '.join(profiles)} |", rows)
    variants = [
        [what, way, f"{cost:.3f}"] for what, ways in record["variants"].items()
        for way, cost in ways.items()
    ]  # fmt: skip
    cores = [
        [precision, f"{ways['shared']:,.0f}", f"{ways['separate']:,.0f}"]
        for precision, ways in record["cores"].items()
    ]
    heads = "| tokens/s | all cores share each batch (before) | a batch for each core |"
    tried = table("| operation | variant | ms of one core per token |", variants)
    return f"{where}\n\n{table(heads, cores)}\n\n{tried}"


def depth(record: dict[str, Any]) -> str:
    """Texts a second by number of blocks read."""
    rows = [
        [f"{speed['blocks']}", f"{speed['texts_per_second']:.1f}"]
        for speed in record["speeds"].values()
    ]
    return table("| blocks read | texts/s |", rows)


def resources(record: dict[str, Any]) -> str:
    """Time and memory of the commands."""
    figures, on = record["figures"], record["machine"]
    texts, tokens = figures["sample_texts"], figures["sample_tokens"]
    rows = [
        ["`import perplexity_detector`", f"{figures['import_seconds']:.2f} s"],
        ["`perplexity-detector --help`", f"{figures['help_seconds']:.2f} s"],
        ["loading the language model", f"{figures['load_model_seconds']:.1f} s"],
        *(
            [
                f"`predict --detector={name}` on {label}: start to end, peak memory",
                f"{figures[f'predict_{what}_{name}_seconds']:.1f} s, "
                f"{figures[f'predict_{what}_{name}_memory_mb']:,.0f} MB",
            ]
            for what, label in (
                ("one_essay", "one essay"),
                ("sample", f"the sample ({texts:.0f} essays, {tokens:,.0f} tokens)"),
            )
            for name in DETECTORS
        ),
        ["reading speed of the language model", f"{figures['tokens_per_second']:,.0f} tokens/s"],
        ["all features of an essay", f"{figures['features_milliseconds_per_text']:.1f} ms"],
    ]
    return table(f"| {on['processor']}, {on['cores']} cores, torch {on['torch']} | |", rows)


def scale(record: dict[str, Any]) -> str:
    """Time and memory of `predict` by number and length of texts."""
    rows = [
        [
            _SCALE_PARTS[part],
            f"{one['texts']:,}",
            f"{one['tokens']:,}",
            f"{one['seconds']:,.1f}",
            f"{one['texts_per_second']:,.1f}",
            f"{one['microseconds_per_token']:,.0f}",
            f"{one['peak_memory_mb']:,.0f}",
        ]
        for part in _SCALE_PARTS
        for one in record.get(part, ())
    ]
    heads = (
        "| read by | texts | tokens | seconds without start-up | texts/s | µs per token | peak MB |"
    )
    return table(heads, rows)


def training_cost(record: dict[str, Any]) -> str:
    """Time of reading for a training, without and with the cache, and of the trees."""
    read = record["extraction"]
    lines = [
        ("read without cache", f"{read['texts_per_second']:.2f} texts/s"),
        (
            f"20,000 texts of at most {read['words_at_most']} words, projected from "
            f"{read['texts']} texts",
            f"{read['projected_hours_for_20000_texts']:.1f} hours",
        ),
        (
            "texts kept after a kill half-way, texts read after it",
            f"{read['texts_kept_after_kill']}, {read['texts_read_after_kill']}",
        ),
        ("cache on disk", f"{read['bytes_per_text'] / 1000:.0f} kB per text"),
    ]
    if cached := record.get("cache"):
        lines += [
            (
                f"read from the cache, {cached['texts']:,} texts",
                f"{cached['milliseconds_per_text']:.1f} ms per text",
            ),
            (
                "20,000 texts from the cache, projected",
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


def _not_measured(record: dict[str, Any]) -> str:
    return "".join(f"\n\n{name}: {why}." for name, why in record["not_measured"].items())
