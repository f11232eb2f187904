"""Markdown tables of `results/quality.json` and `results/bos_token.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from benchmarks.docs.markdown import percent, table
from perplexity_detector.features.registry import OPTIONAL, available_families

Record = Mapping[str, Any]
DETECTORS = ("standard", "fast")
#: Display name of each detector.
NAMES = {
    "standard": "**`standard`**",
    "fast": "**`fast`**",
    "tfidf": "TF-IDF + logistic regression",
    "encoder": "MiniLM-L6, fine-tuned",
    "first_layers": "`smollm2`'s first blocks, fine-tuned",
    "rules": "readable rules",
    "gltr": "GLTR + logistic regression",
    "diveye": "DivEye + XGBoost",
    "log_likelihood": "log-likelihood",
    "log_rank": "log-rank",
    "entropy": "entropy",
    "lrr": "LRR",
    "fast_detect_gpt": "Fast-DetectGPT",
    "lastde": "Lastde",
    "binoculars": "Binoculars",
}
#: Fewest attacked texts for a row.
MIN_ATTACKED = 10
#: Fewest human texts of a source for the highest rate; with fewer it is too noisy.
MIN_HUMAN = 150


def detectors(record: Record) -> str:
    """Means over held-out sources, of both detectors and the baselines."""
    seen = of_kind(record, "none")[0]["detectors"]
    rows = []
    folds = [*of_kind(record, "none"), *of_kind(record, "source")]
    for name, label in NAMES.items():
        if any(name not in fold["detectors"] for fold in folds):
            continue  # `networks` or `binoculars` has not measured every fold
        mean = means(record, name)
        aurocs = (seen[name]["auroc"], mean["auroc"], mean["auroc_lowest"])
        cells = [f"{value:.3f}" for value in aurocs]
        cells += [f"{mean[figure]:.3f}" for figure in ("tpr_at_1", "tpr_at_5", "brier", "ece")]
        cells += [percent(mean[figure]) for figure in ("fpr_1", "fpr_1_highest", "fpr_5")]
        rows.append([label, *cells])
    return table(
        "| detector | AUROC, test split | AUROC, held-out sources | lowest | TPR at 1 % FPR "
        "| TPR at 5 % FPR | Brier | ECE | human texts flagged at 1 % | highest | at 5 % |",
        rows,
    )


def held_out_sources(record: Record) -> str:
    """Every held-out source, for both detectors."""
    return _folds(record, ("source",))


def held_out_groups(record: Record) -> str:
    """Makers of models, genres and current models, held out."""
    return _folds(record, ("generator", "genre", "current"))


def families(record: Record) -> str:
    """Means over held-out sources: each family alone; all without it, or with an optional one."""
    rows = [["all of `standard`", *_shares(means(record, "standard")), "", "", ""]]
    for name in available_families():
        alone = _shares(means(record, f"{name} alone"))
        label, changed = f"`{name}`", f"without {name}"
        if name in OPTIONAL:
            label, changed = f"`{name}`, optional", f"with {name}"
        rows.append([label, *alone, *_shares(means(record, changed))])
    return table(
        "| family | AUROC, alone | TPR at 1 % FPR | at 5 % | AUROC, without it | TPR at 1 % FPR "
        "| at 5 % |",
        rows,
    )


def prose(record: Record) -> str:
    """General human prose: shares flagged."""
    rows = []
    for source, figures in record["standard"]["prose"].items():
        fast = record["fast"]["prose"][source]
        cells = [_with_interval(part, f"fpr_{rate}") for part in (figures, fast) for rate in (1, 5)]
        rows.append([source.replace("_", " "), f"{figures['n_human']:.0f}", *cells])
    return table(
        "| human prose | crops | `standard`, flagged at 1 % | at 5 % | `fast`, at 1 % | at 5 % |",
        rows,
    )


def lengths(record: Record) -> str:
    """The same long texts, cut to several lengths."""
    rows = []
    by_length = record["standard"]["lengths"]
    for words in sorted(by_length, key=int):
        cells = []
        for detector in DETECTORS:
            figures = record[detector]["lengths"][words]
            cells += [f"{figures['auroc']:.3f}", percent(figures["fpr_1"])]
            cells += [percent(figures["tpr_1"]), percent(figures["tpr_5"])]
        rows.append([words, *cells])
    return table(
        "| words | AUROC, `standard` | human flagged at 1 % | generated flagged at 1 % | at 5 % "
        "| AUROC, `fast` | human flagged at 1 % | generated flagged at 1 % | at 5 % |",
        rows,
    )


def attacks(record: Record) -> str:
    """Attacked generated texts against plain human texts."""
    rows = []
    for kind, label in (("attacks", ""), ("corpus_attacks", " (corpus)")):
        plain = record["standard"][kind]["none"]["auroc"]
        for name, figures in record["standard"][kind].items():
            if figures["n_generated"] < MIN_ATTACKED or (name == "none" and label):
                continue
            fast = record["fast"][kind][name]
            change = "" if name == "none" else f"{figures['auroc'] - plain:+.3f}"
            rows.append(
                [
                    name.replace("_", " ") + label,
                    f"{figures['n_generated']:.0f}",
                    f"{figures['auroc']:.3f}",
                    change,
                    percent(figures["tpr_5"]),
                    f"{fast['auroc']:.3f}",
                    percent(fast["tpr_5"]),
                ]
            )
    return table(
        "| attack | texts | AUROC, `standard` | change | flagged at 5 % | AUROC, `fast` "
        "| flagged at 5 % |",
        rows,
    )


def learners(record: Record) -> str:
    """Human essays with learners' errors inserted."""
    rows = []
    for kind, figures in record["standard"]["learners"].items():
        fast = record["fast"]["learners"][kind]
        cells = [
            f"{part['rise']:+.3f} ({part['rise_low']:+.3f} to {part['rise_high']:+.3f})"
            if kind != "none"
            else "-"
            for part in (figures, fast)
        ]
        essays, shown = f"{figures['essays']:.0f}", [percent(figures["fpr_5"]), cells[1]]
        rows.append([kind.replace("_", " "), essays, cells[0], *shown, percent(fast["fpr_5"])])
    return table(
        "| errors inserted | essays | rise of the score, `standard` | flagged at 5 % "
        "| rise, `fast` | flagged at 5 % |",
        rows,
    )


def polished(record: Record) -> str:
    """Human texts that a model polished."""
    return _flagged_models(record, "polished", "model was asked to")


def generators(record: Record) -> str:
    """Generated texts of the test split, by maker."""
    return _flagged_models(record, "generators", "maker")


def other_forms(record: Record) -> str:
    """Shares without a verdict, because of their form or their distance from training texts."""
    rows = [
        [
            name,
            f"{figures['texts']:.0f}",
            percent(figures["not_prose"]),
            percent(figures["outliers"]),
            percent(record["fast"]["other_forms"][name]["outliers"]),
        ]
        for name, figures in record["standard"]["other_forms"].items()
    ]
    return table(
        "| | texts | not prose | outliers, `standard` | outliers, `fast` |",
        rows,
    )


def recalibrated(record: Record) -> str:
    """Human texts of a held-out source flagged, before and after recalibration on its own."""
    rows = []
    for fold in of_kind(record, "source"):
        if figures := fold["recalibrated"]["standard"]:
            fast = fold["recalibrated"]["fast"]
            cells = [
                f"{percent(part[f'before_{rate}'])} -> {percent(part[f'after_{rate}'])}"
                for part in (figures, fast)
                for rate in (1, 5)
            ]
            rows.append([fold["name"], f"{figures['n_human']:.0f}", *cells])
    return table(
        "| held-out source | human texts | `standard`, flagged at 1 % | at 5 % | `fast`, at 1 % "
        "| at 5 % |",
        rows,
    )


def bos_token(record: Record) -> str:
    """Bits per character of prose after each candidate for the first token."""
    rows = []
    for row in record["results"]:
        token = row["token"].replace("|", "\\|")  # it would end the cell
        rows.append([f"`{token}`", f"{row['bits_per_character']:.4f}"])
    return table("| first token | bits per character |", rows)


def means(record: Record, detector: str) -> dict[str, float]:
    """Means of a detector over held-out sources, with its lowest AUROC and highest FPR."""
    found = pd.DataFrame([fold["detectors"][detector] for fold in of_kind(record, "source")])
    numbers = found.drop(columns=["intervals"], errors="ignore")
    mean = {str(name): float(value) for name, value in numbers.mean().items()}
    mean["auroc_lowest"] = float(numbers["auroc"].min())
    if "fpr_1" in numbers:
        enough = numbers["n_human"] >= MIN_HUMAN
        mean["fpr_1_highest"] = float(numbers["fpr_1"][enough].max())
    return mean


def of_kind(record: Record, kind: str) -> list[dict[str, Any]]:
    """Folds of a kind: none, source, generator, genre or current."""
    return [fold for fold in record["folds"] if fold["kind"] == kind]


def _flagged_models(record: Record, part: str, head: str) -> str:
    """Shares of generated texts flagged, for each row of a part of the record."""
    rows = []
    for name, figures in record["standard"][part].items():
        both = (figures, record["fast"][part][name])
        cells = [percent(one[f"tpr_{rate}"]) for one in both for rate in (1, 5)]
        shown = name.removeprefix("llm_").removesuffix("_of_human")
        rows.append([shown, f"{figures['n_generated']:.0f}", *cells])
    return table(
        f"| {head} | texts | `standard`, flagged at 1 % | at 5 % | `fast`, at 1 % | at 5 % |", rows
    )


def _folds(record: Record, kinds: Sequence[str]) -> str:
    rows = []
    for fold in [fold for kind in kinds for fold in of_kind(record, kind)]:
        standard, fast, tfidf = (fold["detectors"][name] for name in (*DETECTORS, "tfidf"))
        low, high = standard["intervals"]["auroc"]
        cells = [f"{standard['n_human']:.0f}", f"{standard['n_generated']:.0f}"]
        cells += [f"{standard['auroc']:.3f} ({low:.3f} to {high:.3f})"]
        cells += [f"{standard['tpr_at_1']:.3f}", f"{standard['tpr_at_5']:.3f}"]
        cells += [percent(standard.get("fpr_1")), percent(standard.get("fpr_5"))]
        cells += [percent(standard.get("tpr_1"))]
        cells += [f"{fast['auroc']:.3f}", percent(fast.get("fpr_1")), f"{tfidf['auroc']:.3f}"]
        rows.append([fold["name"], *cells])
    return table(
        "| held out | human | generated | AUROC, `standard` | TPR at 1 % FPR | at 5 % "
        "| human flagged at 1 % | at 5 % | generated flagged at 1 % | AUROC, `fast` "
        "| human flagged at 1 % | AUROC, TF-IDF |",
        rows,
    )


def _shares(figures: Mapping[str, float]) -> list[str]:
    return [f"{figures[name]:.3f}" for name in ("auroc", "tpr_at_1", "tpr_at_5")]


def _with_interval(figures: Mapping[str, float], name: str) -> str:
    low, high = figures[f"{name}_low"], figures[f"{name}_high"]
    return f"{percent(figures[name])} ({percent(low)} to {percent(high)})"
