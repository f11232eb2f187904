"""Markdown tables of the shipped detectors' own metrics and training summary."""

from __future__ import annotations

from typing import Any

from benchmarks.docs.markdown import decimals, percent, table, with_interval
from perplexity_detector.evaluation.metrics import METRIC_LABELS

#: Metrics or configuration of each shipped detector.
ByDetector = dict[str, Any]


def shipped_metrics(metrics: ByDetector) -> str:
    """Metrics on the test split."""
    figures = {name: of_one["splits"]["test"] for name, of_one in metrics.items()}
    rows = [
        [METRIC_LABELS[metric], *(with_interval(*of_one[metric]) for of_one in figures.values())]
        for metric in next(iter(figures.values()))
    ]
    return table(f"| test split | {' | '.join(f'`{name}`' for name in figures)} |", rows)


def shipped_sources(metrics: ByDetector) -> str:
    """AUROC and shares flagged at the thresholds, source by source."""
    figures = {name: of_one["sources"]["test"] for name, of_one in metrics.items()}
    rows = [
        [
            source,
            f"{one['human']:.0f}",
            f"{one['generated']:.0f}",
            *(cell for of_one in figures.values() for cell in _flagged(of_one[source])),
        ]
        for source, one in next(iter(figures.values())).items()
    ]
    heads = [f"AUROC, `{name}` | human flagged | generated flagged" for name in figures]
    return table(f"| source | human | generated | {' | '.join(heads)} |", rows)


def training_data(configurations: ByDetector) -> str:
    """Texts that the shipped detectors were trained on."""
    summaries = {name: one["training"] for name, one in configurations.items()}
    first = next(iter(summaries.values()))
    others, trees = (
        ", ".join(f"{one[key]:,} (`{name}`)" for name, one in summaries.items())
        for key in ("n_not_calibrating", "trees")
    )
    return (
        f"Training texts: {first['texts']:,} texts ({first['n_human']:,} human) of "
        f"{len(first['sources'])} sources, cropped to whole sentences of at most "
        f"{first['max_words']} words. Further texts that set no thresholds, altered copies among "
        f"them: {others}. Trees: {trees}."
    )


def _flagged(figures: dict[str, float | None]) -> list[str]:
    return [decimals(figures["auroc"]), percent(figures["fpr"]), percent(figures["tpr"])]
