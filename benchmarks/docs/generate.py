"""Fills the tables of both README.md from measured json; no figure in them is typed by hand.

Run from the root of the checkout: `python -m benchmarks.readme`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.docs.markdown import percent, table
from benchmarks.quality import notes as quality_notes
from benchmarks.quality import tables as quality_tables
from benchmarks.speed import scale_tables
from benchmarks.speed import tables as speed_tables
from perplexity_detector.evaluation.metrics import METRIC_LABELS
from perplexity_detector.explanation.sentences import NGRAM_RATIO

ROOT = Path(__file__).parents[2]
READMES = (ROOT / "README.md", ROOT / "benchmarks" / "README.md")
RESULTS = ROOT / "benchmarks" / "results"
PRETRAINED = ROOT / "perplexity_detector" / "pretrained"
DETECTORS = ("standard", "fast")
_MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.S)


def main() -> None:
    """Rewrite the tables in place."""
    for readme in READMES:
        readme.write_text(filled(readme.read_text(encoding="utf-8")), encoding="utf-8")


def filled(text: str) -> str:
    """The text with every marked table made anew."""
    return _MARKED.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n\n{found[3]}", text)


def quality() -> str:
    """Figures of the shipped detectors on their test split."""
    figures = {name: _metrics(name)["splits"]["test"] for name in DETECTORS}
    rows = []
    for figure in figures[DETECTORS[0]]:
        cells = [_interval(figures[name][figure]) for name in DETECTORS]
        rows.append(f"| {METRIC_LABELS[figure]} | {' | '.join(cells)} |")
    head = f"| test split | {' | '.join(f'`{name}`' for name in DETECTORS)} |"
    return "\n".join([head, "|---|---|---|", *rows])


def sources() -> str:
    """By source: AUROC, and what is flagged at the threshold, of people and of models."""
    tables = [_metrics(name)["sources"]["test"] for name in DETECTORS]
    heads = [f"AUROC, `{name}` | people flagged | generated flagged" for name in DETECTORS]
    rows = [
        f"| {source} | {figures['human']:.0f} | {figures['generated']:.0f} | "
        + " | ".join(_flagged(table[source]) for table in tables)
        + " |"
        for source, figures in tables[0].items()
    ]
    head = f"| source | by people | generated | {' | '.join(heads)} |"
    return "\n".join([head, "|---" * 9 + "|", *rows])


def training() -> str:
    """What the shipped detectors were trained on."""
    summaries = {name: _read(PRETRAINED / name / "config.json")["training"] for name in DETECTORS}
    one = summaries[DETECTORS[0]]
    trees = ", ".join(
        f"{summary['trees']} trees in `{name}`" for name, summary in summaries.items()
    )
    beside = " and ".join(
        f"{summary['learned_only']:,} in `{name}`" for name, summary in summaries.items()
    )
    return (
        f"{one['texts']:,} texts ({one['people']:,} by people) of {len(one['sources'])} sources, "
        f"cut to whole sentences of at most {one['max_words']} words; and "
        f"others that set no thresholds, disguised copies among them, {beside}; {trees}."
    )


def speed() -> str:
    """What leaving the language model early saves."""
    measured = _read(RESULTS / "depth.json")
    rows = [
        [f"{speed['blocks']}", f"{speed['texts_per_second']:.1f}"]
        for speed in measured["speeds"].values()
    ]
    return table("| blocks read | texts/s |", rows)


def resources() -> str:
    """Time and memory."""
    record = _read(RESULTS / "resources.json")
    figures, on = record["figures"], record["machine"]
    texts, tokens = figures["sample_texts"], figures["sample_tokens"]
    rows = [
        ("`import perplexity_detector`", f"{figures['import_seconds']:.2f} s"),
        ("`perplexity-detector --help`", f"{figures['help_seconds']:.2f} s"),
        ("loading the language model", f"{figures['load_model_seconds']:.1f} s"),
        ("`predict` on one essay, start to end", f"{figures['predict_one_essay_seconds']:.1f} s"),
        (
            f"`predict` on the sample ({texts:.0f} essays, {tokens:,.0f} tokens), start to end",
            f"{figures['predict_sample_seconds']:.1f} s",
        ),
        ("reading, language model", f"{figures['tokens_per_second']:,.0f} tokens/s"),
        ("all features of an essay", f"{figures['features_milliseconds_per_text']:.1f} ms"),
        ("memory of `predict`, peak", f"{figures['predict_memory_mb']:,.0f} MB"),
    ]
    head = f"| {on['processor']}, {on['cores']} cores, torch {on['torch']} | |"
    return "\n".join([head, "|---|---|", *(f"| {what} | {cost} |" for what, cost in rows)])


def load() -> str:
    """What the service did under load, beside the command on the same essays."""
    told = _read(RESULTS / "load.json")
    on, alone = told["machine"], sum(told["predict_texts_per_second"]) / 2
    rows = [
        ["texts a second", f"{told['texts_per_second']:.2f}"],
        ["of what `predict` does on a file of them", percent(told["texts_per_second"] / alone)],
        ["half of the answers within", f"{told['p50_ms'] / 1000:.1f} s"],
        ["99 of 100 within", f"{told['p99_ms'] / 1000:.1f} s"],
        ["errors", f"{told['errors']}"],
        ["memory, first and last quarter", f"{told['memory_first_quarter_mb']:,.0f} MB, "
         f"{told['memory_last_quarter_mb']:,.0f} MB"],
    ]  # fmt: skip
    return table(f"| `{told['detector']}`, {on['cores']} cores of {on['processor']} | |", rows)


def bos_token() -> str:
    """Bits per character of prose after each candidate for the first token."""
    record = _read(RESULTS / "bos_token.json")
    rows = [f"| `{row['token']}` | {row['bits_per_character']:.4f} |" for row in record["results"]]
    return "\n".join(["| first token | bits per character |", "|---|---|", *rows])


def sentences() -> str:
    """Which score of a sentence finds those that a model put into essays by people."""
    record = _read(RESULTS / "sentences.json")
    rows = []
    for name, scores in record["detectors"].items():
        for score, figures in scores.items():
            shown = f"**{score}**" if score == NGRAM_RATIO else score
            ways = [f"{figures[way][0]:.3f}" for way in ("passage", "scattered", "within texts")]
            rows.append([f"`{name}`", shown, _interval(figures["auroc"]), *ways])
    columns = ("detector", "score of a sentence", "AUROC", "one passage", "scattered",
               "within a text")  # fmt: skip
    return (
        table(f"| {' | '.join(columns)} |", rows)
        + f"\n\n{record['essays']} essays, each mixed in both ways; {record['inserted']} of "
        f"{record['sentences']:,} sentences are a model's."
    )


def gpu() -> str:
    """What a card was measured to do, each beside its target; or that none was."""
    if not (RESULTS / "gpu.json").is_file():
        return "Not measured: no GPU was to be had; `python -m benchmarks.gpu` measures it on one."
    record = _read(RESULTS / "gpu.json")
    models = {"GPT-2's shape": record["reading_gpt2_shape"], "smollm2": record["reading_smollm2"]}
    rows = []
    for model, told in models.items():
        for way in ("eager", "compiled"):
            if way in told:
                one = told[way]
                rates = [f"{one[f'{whose}tokens_per_second']:,.0f}" for whose in ("", "naive_")]
                share = percent(one["share_of_matrix_rate"])
                rows.append([f"{model}, {way}", *rates, f"{one['times_naive']:.1f}", share])
    busy, on = record["overlap"], record["machine"]
    return (
        f"{on['card']}, torch {on['torch']}; {float(record['matrix_rate']) / 1e12:,.0f} TFLOP/s in "
        "products of bfloat16.\n\n"
        + table("| | tokens/s | naive loop | times | of the matrix rate |", rows)
        + f"\n\n{busy['texts']:,} essays, all features: {busy['texts_per_second']:,.0f} a second, "
        f"the card busy {percent(busy['busy'])} of the time."
    )


def _flagged(figures: dict[str, float | None]) -> str:
    shares = [percent(figures["fpr"]), percent(figures["tpr"])]
    return " | ".join([_shown(figures["auroc"]), *shares])


def _interval(estimate: list[float]) -> str:
    value, low, high = estimate
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def _metrics(detector: str) -> Any:
    return _read(PRETRAINED / detector / "metrics.json")


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def _of_quality(name: str) -> str:
    tables: dict[str, Callable[[Any], str]] = vars(quality_tables) | vars(quality_notes)
    return tables[name](_read(RESULTS / "quality.json"))


def _of_speed(name: str, file: str) -> str:
    tables: dict[str, Callable[[Any], str]] = vars(speed_tables)
    if not (RESULTS / file).is_file():
        return f"Not measured yet: `python -m benchmarks.{Path(file).stem}`."
    return tables[name](_read(RESULTS / file))


TABLES: dict[str, Callable[[], str]] = {
    "quality": quality,
    "sources": sources,
    "training": training,
    "speed": speed,
    "resources": resources,
    "load": load,
    "bos_token": bos_token,
    "gpu": gpu,
    "scale": lambda: scale_tables.scale(_read(RESULTS / "scale.json")),
    "training_cost": lambda: scale_tables.training_cost(_read(RESULTS / "training.json")),
    "sentences": sentences,
    **{
        name: partial(_of_speed, name, "speed.json")
        for name in ("peers", "ceilings", "end_to_end", "start_up")
    },
    "precision": partial(_of_speed, "precision", "precision.json"),
    "reading_profile": partial(_of_speed, "reading_profile", "reading_profile.json"),
    **{
        name: partial(_of_quality, name)
        for name in (
            "detectors",
            "networks",
            "binoculars",
            "left_out",
            "others",
            "families",
            "prose",
            "lengths",
            "attacks",
            "learners",
            "odd",
            "generators",
            "polished",
            "recalibrated",
            "cost",
        )
    },
}
