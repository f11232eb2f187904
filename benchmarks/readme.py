"""Fills the tables of README.md from measured json; no figure in it is typed by hand.

Run from the root of the checkout: `python -m benchmarks.readme`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import fire

from perplexity_detector.metrics import FIGURES

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
RESULTS = ROOT / "benchmarks" / "results"
STANDARD = ROOT / "perplexity_detector" / "pretrained" / "standard"
_MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.S)


def main() -> None:
    """Rewrite the tables in place."""
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")


def filled(text: str) -> str:
    """The text with every marked table made anew."""
    return _MARKED.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n\n{found[3]}", text)


def quality() -> str:
    """Figures of the shipped detector on its test split."""
    figures = _read(STANDARD / "metrics.json")["splits"]["test"]
    rows = [
        f"| {FIGURES[name]} | {value:.3f} | {low:.3f} to {high:.3f} |"
        for name, (value, low, high) in figures.items()
    ]
    return "\n".join(["| test split | value | 95 % interval |", "|---|---|---|", *rows])


def sources() -> str:
    """The same by source: what is flagged at the threshold, of people and of models."""
    table = _read(STANDARD / "metrics.json")["sources"]["test"]
    head = "| source | by people | generated | AUROC | people flagged | generated flagged |"
    rows = [
        f"| {name} | {figures['human']:.0f} | {figures['generated']:.0f} "
        f"| {_shown(figures['auroc'])} | {_percent(figures['fpr'])} | {_percent(figures['tpr'])} |"
        for name, figures in table.items()
    ]
    return "\n".join([head, "|---|---|---|---|---|---|", *rows])


def training() -> str:
    """What the shipped detector was trained on."""
    summary = _read(STANDARD / "config.json")["training"]
    return (
        f"{summary['texts']:,} training texts ({summary['people']:,} by people) and "
        f"{summary['validation_texts']:,} for validation, of {len(summary['sources'])} sources, "
        f"cut to whole sentences of at most {summary['max_words']} words; {summary['trees']} trees."
    )


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


def bos_token() -> str:
    """Bits per character of prose after each candidate for the first token."""
    record = _read(RESULTS / "bos_token.json")
    rows = [f"| `{row['token']}` | {row['bits_per_character']:.4f} |" for row in record["results"]]
    return "\n".join(["| first token | bits per character |", "|---|---|", *rows])


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


TABLES = {
    "quality": quality,
    "sources": sources,
    "training": training,
    "resources": resources,
    "bos_token": bos_token,
}

if __name__ == "__main__":
    fire.Fire(main)
