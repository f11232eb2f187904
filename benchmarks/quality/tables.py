"""Tables of `results/quality.json`, as markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from benchmarks.docs.markdown import percent, table
from perplexity_detector.features.registry import OPTIONAL, available_families

Record = Mapping[str, Any]
DETECTORS = ("standard", "fast")
#: Detector -> what it is called.
NAMES = {
    "standard": "**`standard`**",
    "fast": "**`fast`**",
    "tfidf": "TF-IDF + logistic regression",
    "encoder": "MiniLM-L6, fine-tuned",
    "first_layers": "`smollm2`'s first blocks, fine-tuned",
    "rules": "rules a person can read",
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
#: Fewest disguised texts that are worth a row.
FEWEST = 10
#: Fewest people of a source whose real rate can be the highest: of fewer it says little.
PEOPLE = 150


def detectors(record: Record) -> str:
    """Means over the sources left out, of both detectors and the baselines."""
    seen = of_kind(record, "none")[0]["detectors"]
    rows = []
    folds = [*of_kind(record, "none"), *of_kind(record, "source")]
    for name, label in NAMES.items():
        if any(name not in fold["detectors"] for fold in folds):
            continue  # `networks` or `binoculars` has not come so far
        mean = means(record, name)
        aurocs = (seen[name]["auroc"], mean["auroc"], mean["auroc_lowest"])
        cells = [f"{value:.3f}" for value in aurocs]
        cells += [f"{mean[figure]:.3f}" for figure in ("tpr_at_1", "tpr_at_5", "brier", "ece")]
        cells += [percent(mean[figure]) for figure in ("fpr_1", "fpr_1_highest", "fpr_5")]
        rows.append([label, *cells])
    return table(
        "| detector | AUROC, test split | AUROC, sources left out | lowest | TPR at 1 % FPR "
        "| TPR at 5 % FPR | Brier | ECE | people flagged at 1 % | highest | at 5 % |",
        rows,
    )


def left_out(record: Record) -> str:
    """Every source left out, by both detectors."""
    return _folds(record, ("source",))


def others(record: Record) -> str:
    """Makers of models, genres and the present, left out."""
    return _folds(record, ("generator", "genre", "present"))


def families(record: Record) -> str:
    """Means over the sources left out: each family alone; all but it, or with a spare one."""
    rows = [["all of `standard`", *_shares(means(record, "standard")), "", "", ""]]
    for name in available_families():
        alone = _shares(means(record, f"{name} alone"))
        label, changed = f"`{name}`", f"without {name}"
        if name in OPTIONAL:
            label, changed = f"`{name}`, not used; all, and it", f"with {name}"
        rows.append([label, *alone, *_shares(means(record, changed))])
    return table(
        "| family | AUROC, alone | TPR at 1 % FPR | at 5 % | AUROC, without it | TPR at 1 % FPR "
        "| at 5 % |",
        rows,
    )


def prose(record: Record) -> str:
    """General prose by people: what is flagged."""
    rows = []
    for source, figures in record["standard"]["prose"].items():
        fast = record["fast"]["prose"][source]
        cells = [_with_interval(part, f"fpr_{rate}") for part in (figures, fast) for rate in (1, 5)]
        rows.append([source.replace("_", " "), f"{figures['people']:.0f}", *cells])
    return table(
        "| prose by people | crops | `standard`, flagged at 1 % | at 5 % | `fast`, at 1 % "
        "| at 5 % |",
        rows,
    )


def lengths(record: Record) -> str:
    """The same long texts, cut."""
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
        "| words | AUROC, `standard` | people flagged at 1 % | models flagged at 1 % | at 5 % "
        "| AUROC, `fast` | people flagged at 1 % | models flagged at 1 % | at 5 % |",
        rows,
    )


def attacks(record: Record) -> str:
    """Models' texts disguised, against people's that are not."""
    rows = []
    for kind, label in (("attacks", ""), ("attacks of the corpus", " (corpus)")):
        plain = record["standard"][kind]["none"]["auroc"]
        for name, figures in record["standard"][kind].items():
            if figures["models"] < FEWEST or (name == "none" and label):
                continue
            fast = record["fast"][kind][name]
            change = "" if name == "none" else f"{figures['auroc'] - plain:+.3f}"
            rows.append(
                [
                    name.replace("_", " ") + label,
                    f"{figures['models']:.0f}",
                    f"{figures['auroc']:.3f}",
                    change,
                    percent(figures["tpr_5"]),
                    f"{fast['auroc']:.3f}",
                    percent(fast["tpr_5"]),
                ]
            )
    return table(
        "| disguise | texts | AUROC, `standard` | change | flagged at 5 % | AUROC, `fast` "
        "| flagged at 5 % |",
        rows,
    )


def learners(record: Record) -> str:
    """Essays by people with errors of learners put in."""
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
        "| errors put in | essays | rise of the score, `standard` | flagged at 5 % "
        "| rise, `fast` | flagged at 5 % |",
        rows,
    )


def polished(record: Record) -> str:
    """People's texts that a model worked over."""
    return _flagged_models(record, "polished", "a person's text, by a model")


def generators(record: Record) -> str:
    """Models' texts of the test split, by maker."""
    return _flagged_models(record, "generators", "maker")


def odd(record: Record) -> str:
    """What gets no verdict, for its form or its distance from the training texts."""
    rows = [
        [
            name,
            f"{figures['texts']:.0f}",
            percent(figures["no_prose"]),
            percent(figures["unlike"]),
            percent(record["fast"]["odd"][name]["unlike"]),
        ]
        for name, figures in record["standard"]["odd"].items()
    ]
    return table(
        "| | texts | no prose by form | unlike by distance, `standard` | by distance, `fast` |",
        rows,
    )


def recalibrated(record: Record) -> str:
    """People of a left-out source, before and after 100 of their texts set the thresholds."""
    rows = []
    for fold in of_kind(record, "source"):
        if figures := fold["recalibrated"]["standard"]:
            fast = fold["recalibrated"]["fast"]
            cells = [
                f"{percent(part[f'before_{rate}'])} -> {percent(part[f'after_{rate}'])}"
                for part in (figures, fast)
                for rate in (1, 5)
            ]
            rows.append([fold["name"], f"{figures['people']:.0f}", *cells])
    return table(
        "| source left out | people judged | `standard`, flagged at 1 % | at 5 % | `fast`, at 1 % "
        "| at 5 % |",
        rows,
    )


def means(record: Record, detector: str) -> dict[str, float]:
    """Figures of a detector averaged over the sources left out; rates with lowest and highest."""
    found = pd.DataFrame([fold["detectors"][detector] for fold in of_kind(record, "source")])
    numbers = found.drop(columns=["intervals"], errors="ignore")
    mean = {str(name): float(value) for name, value in numbers.mean().items()}
    mean["auroc_lowest"] = float(numbers["auroc"].min())
    if "fpr_1" in numbers:
        many = numbers["people"] >= PEOPLE
        mean["fpr_1_highest"] = float(numbers["fpr_1"][many].max())
    return mean


def of_kind(record: Record, kind: str) -> list[dict[str, Any]]:
    """Folds of a kind: none, source, generator, genre or present."""
    return [fold for fold in record["folds"] if fold["kind"] == kind]


def _flagged_models(record: Record, part: str, head: str) -> str:
    """Shares of models' texts that are flagged, by what `part` of the record tells apart."""
    rows = []
    for name, figures in record["standard"][part].items():
        both = (figures, record["fast"][part][name])
        cells = [percent(one[f"tpr_{rate}"]) for one in both for rate in (1, 5)]
        shown = name.removeprefix("llm_").removesuffix("_of_human")
        rows.append([shown, f"{figures['models']:.0f}", *cells])
    return table(
        f"| {head} | texts | `standard`, flagged at 1 % | at 5 % | `fast`, at 1 % | at 5 % |", rows
    )


def _folds(record: Record, kinds: Sequence[str]) -> str:
    rows = []
    for fold in [fold for kind in kinds for fold in of_kind(record, kind)]:
        standard, fast, tfidf = (fold["detectors"][name] for name in (*DETECTORS, "tfidf"))
        low, high = standard["intervals"]["auroc"]
        cells = [f"{standard['people']:.0f}", f"{standard['models']:.0f}"]
        cells += [f"{standard['auroc']:.3f} ({low:.3f} to {high:.3f})"]
        cells += [f"{standard['tpr_at_1']:.3f}", f"{standard['tpr_at_5']:.3f}"]
        cells += [percent(standard.get("fpr_1")), percent(standard.get("fpr_5"))]
        cells += [percent(standard.get("tpr_1"))]
        cells += [f"{fast['auroc']:.3f}", percent(fast.get("fpr_1")), f"{tfidf['auroc']:.3f}"]
        rows.append([fold["name"], *cells])
    return table(
        "| left out | people | models | AUROC, `standard` | TPR at 1 % FPR | at 5 % "
        "| people flagged at 1 % | at 5 % | models flagged at 1 % | AUROC, `fast` "
        "| people flagged at 1 % | AUROC, TF-IDF |",
        rows,
    )


def _shares(figures: Mapping[str, float]) -> list[str]:
    return [f"{figures[name]:.3f}" for name in ("auroc", "tpr_at_1", "tpr_at_5")]


def _with_interval(figures: Mapping[str, float], name: str) -> str:
    low, high = figures[f"{name}_low"], figures[f"{name}_high"]
    return f"{percent(figures[name])} ({percent(low)} to {percent(high)})"
