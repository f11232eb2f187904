"""Markdown tables of `results/quality.json` and `results/bos_token.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from benchmarks.docs.markdown import (
    NotMeasuredError,
    decimals,
    percent,
    percent_with_interval,
    table,
)
from benchmarks.quality.protocol import CONFIRMATION, DEVELOPMENT
from benchmarks.quality.recipes import version_0_2
from benchmarks.quality.scored import LENGTH_BINS
from perplexity_detector.features.registry import OPTIONAL, available_families

Record = Mapping[str, Any]
DETECTORS = ("standard", "fast")
#: Both detectors, and both by the recipe of version 0.2.
WITH_EARLIER = (*DETECTORS, *map(version_0_2, DETECTORS))
#: Display name of each detector.
NAMES = {
    "standard": "**`standard`**",
    "fast": "**`fast`**",
    version_0_2("standard"): "`standard`, version 0.2",
    version_0_2("fast"): "`fast`, version 0.2",
    "tfidf": "TF-IDF + logistic regression",
    "encoder": "MiniLM-L6, fine-tuned",
    "first_layers": "`smollm2`'s first blocks, fine-tuned",
    "rules": "readable rules",
    "gltr": "GLTR + logistic regression",
    "diveye": "DivEye + XGBoost",
    "repreguard": "RepreGuard",
    "log_likelihood": "log-likelihood",
    "log_rank": "log-rank",
    "entropy": "entropy",
    "lrr": "LRR",
    "fast_detect_gpt": "Fast-DetectGPT",
    "lastde": "Lastde",
    "binoculars": "Binoculars",
}
#: What a model was asked to do with a human text, by name of attack; two sets have rewrites.
POLISHED = {
    "human_ai_collab": "write with a person",
    "llm_expand_of_human": "expand",
    "llm_humanize": "humanise",
    "llm_polish_of_human": "polish",
    "llm_rewrite": "rewrite (MixSet)",
    "llm_rewrite_of_human": "rewrite (ImBD)",
    "polish_major": "polish thoroughly",
}
#: Fewest attacked texts for a row.
MIN_ATTACKED = 10
#: Fewest human texts of a fold for the highest rate, where it is not known source by source.
MIN_HUMAN = 100


def detectors(record: Record) -> str:
    """Means over the held-out sources of the confirmation half, detectors and baselines."""
    return _detectors(record, CONFIRMATION)


def detectors_development(record: Record) -> str:
    """The same over the development half, on which the recipes were chosen."""
    return _detectors(record, DEVELOPMENT)


def review(record: Record) -> str:
    """What the review of DivEye compares: means over the held-out sources of each half."""
    labels = {
        "diveye": "DivEye: nine features + XGBoost",
        "diversity alone": "our family `diversity` alone",
        "log_likelihood": "log-likelihood alone",
        "fast_detect_gpt": "Fast-DetectGPT",
        "tfidf": "TF-IDF + logistic regression",
        "encoder": "MiniLM-L6, fine-tuned",
        "standard": "`standard`",
        "without diversity": "`standard` without `diversity`",
    }
    seen = of_kind(record, "none")[0]
    rows = []
    for name, label in labels.items():
        cells = [decimals(_auroc(seen, name))]
        for half in (DEVELOPMENT, CONFIRMATION):
            try:
                mean = means(record, name, half)
            except NotMeasuredError:  # families are judged on the development half alone
                cells += ["-", "-", "-"]
                continue
            cells += [decimals(mean[part]) for part in ("auroc", "auroc_lowest", "tpr_at_1")]
        rows.append([label, *cells])
    return table(
        "| | AUROC, test split | AUROC, held-out sources, development half | lowest "
        "| TPR at 1 % FPR | AUROC, confirmation half | lowest | TPR at 1 % FPR |",
        rows,
    )


def review_sources(record: Record) -> str:
    """The held-out sources on which DivEye does worst, and those on which it does best."""
    names = ("diveye", "log_likelihood", "tfidf", "standard")
    folds = [fold for fold in of_kind(record, "source") if _auroc(fold, "diveye") is not None]
    folds.sort(key=lambda fold: fold["detectors"]["diveye"]["auroc"])
    rows = [
        [fold["name"], *(decimals(_auroc(fold, name)) for name in names)]
        for fold in (*folds[:5], *folds[5:][-3:])
    ]
    return table("| held out | DivEye | log-likelihood | TF-IDF | `standard` |", rows)


def held_out_sources(record: Record) -> str:
    """Every held-out source, for both detectors and a baseline that reads words."""
    rows = [
        [fold["name"], fold.get("half", ""), *_cells(fold), decimals(_auroc(fold, "tfidf"))]
        for fold in of_kind(record, "source")
    ]
    return table(f"| held out | half {_HEADS} | AUROC, TF-IDF |", rows)


def held_out_groups(record: Record) -> str:
    """Makers of models, genres and current models, held out."""
    rows = [
        [fold["name"], *_cells(fold)]
        for kind in ("generator", "genre", "current")
        for fold in of_kind(record, kind)
    ]
    return table(f"| held out {_HEADS} |", rows)


def families(record: Record) -> str:
    """Means over the development half: each family alone; all without it, or with an optional one.

    Families are chosen by these figures.
    """

    def mean(name: str) -> list[str]:
        return _shares(means(record, name, DEVELOPMENT))

    rows = [["all of `standard`", *mean("standard"), "", "", ""]]
    for name in available_families():
        label, changed = f"`{name}`", f"without {name}"
        if name in OPTIONAL:
            label, changed = f"`{name}`, optional", f"with {name}"
        rows.append([label, *mean(f"{name} alone"), *mean(changed)])
    return table(
        "| family | AUROC, alone | TPR at 1 % FPR | at 5 % | AUROC, without it | TPR at 1 % FPR "
        "| at 5 % |",
        rows,
    )


def people(record: Record) -> str:
    """Shares flagged of every source of people: left out of training, or never trained on."""
    found: list[tuple[str, str, dict[str, Any]]] = []
    for fold in of_kind(record, "source"):
        by_detector = fold.get("people", {name: {} for name in DETECTORS})
        for source in by_detector["standard"]:
            of_source = {name: by_detector[name][source] for name in DETECTORS}
            found.append((source, "left out", of_source))
    for part, kind in (("people", "judged only"), ("prose", "general prose")):
        for source in record["standard"].get(part, {}):
            of_source = {name: record[name][part][source] for name in DETECTORS}
            found.append((source, kind, of_source))
    rows = [
        [
            source.replace("_", " "),
            kind,
            f"{figures['standard']['n_human']:.0f}",
            *(
                percent_with_interval(figures[name], f"fpr_{rate}")
                for name in DETECTORS
                for rate in (1, 5)
            ),
        ]
        for source, kind, figures in found
    ]
    return table(
        "| people | | texts | `standard`, flagged at 1 % | at 5 % | `fast`, at 1 % | at 5 % |", rows
    )


def without_verdict(record: Record) -> str:
    """Shares of held-out texts of 50 words or more that are `uncertain`, by kind and length."""
    folds = source_folds(record, CONFIRMATION)
    if not all("without_verdict" in fold for fold in folds):
        raise NotMeasuredError
    labels = {"people": "people's", "models": "models'", "all": "all"}
    found = {
        name: pd.DataFrame(
            [
                {part: figures["share"] for part, figures in fold["without_verdict"][name].items()}
                for fold in folds
            ]
        ).mean()
        for name in WITH_EARLIER
    }
    rows = [
        [
            labels.get(part, f"{part} words"),
            *(percent(found[name].get(part)) for name in WITH_EARLIER),
        ]
        for part in ("people", "models", "all", *LENGTH_BINS)
    ]
    heads = " | ".join(NAMES[name].strip("*") for name in WITH_EARLIER)
    return table(f"| texts without a verdict | {heads} |", rows)


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


def means(record: Record, detector: str, half: str = CONFIRMATION) -> dict[str, float]:
    """Means of a detector over the held-out sources of a half, lowest AUROC and highest FPR.

    Raises:
        NotMeasuredError: there are no such folds, or it was not measured on one of them.
    """
    folds = source_folds(record, half)
    if any(detector not in fold["detectors"] for fold in folds):
        raise NotMeasuredError
    found = pd.DataFrame([fold["detectors"][detector] for fold in folds])
    numbers = found.drop(columns=["intervals"], errors="ignore")
    mean = {str(name): float(value) for name, value in numbers.mean().items()}
    mean["auroc_lowest"] = float(numbers["auroc"].min())
    if "fpr_1" in numbers:
        mean["fpr_1_highest"] = max(
            (rate for fold in folds for rate in _rates_of_people(fold, detector)),
            default=float("nan"),
        )
    return mean


def source_folds(record: Record, half: str) -> list[dict[str, Any]]:
    """Source folds of a half. A record without halves counts as confirmation.

    Raises:
        NotMeasuredError: there are none.
    """
    folds = [fold for fold in of_kind(record, "source") if fold.get("half", CONFIRMATION) == half]
    if not folds:
        raise NotMeasuredError
    return folds


def _rates_of_people(fold: Mapping[str, Any], detector: str) -> list[float]:
    """Shares flagged at 1 % of a fold's human texts: of each source, if that was measured."""
    by_source = fold.get("people", {}).get(detector)
    if by_source is not None:
        return [figures["fpr_1"] for figures in by_source.values()]
    figures = fold["detectors"][detector]
    return [figures["fpr_1"]] if figures["n_human"] >= MIN_HUMAN else []


def of_kind(record: Record, kind: str) -> list[dict[str, Any]]:
    """Folds of a kind: none, source, generator, genre or current."""
    return [fold for fold in record["folds"] if fold["kind"] == kind]


def _flagged_models(record: Record, part: str, head: str) -> str:
    """Shares of generated texts flagged, for each row of a part of the record."""
    rows = []
    for name, figures in record["standard"][part].items():
        both = (figures, record["fast"][part][name])
        cells = [percent(one[f"tpr_{rate}"]) for one in both for rate in (1, 5)]
        rows.append([POLISHED.get(name, name), f"{figures['n_generated']:.0f}", *cells])
    return table(
        f"| {head} | texts | `standard`, flagged at 1 % | at 5 % | `fast`, at 1 % | at 5 % |", rows
    )


def _detectors(record: Record, half: str) -> str:
    """Means over the held-out sources of a half, for all detectors that have them."""
    seen = of_kind(record, "none")[0]
    folds = source_folds(record, half)
    rows = []
    for name, label in NAMES.items():
        if any(name not in fold["detectors"] for fold in folds):
            continue  # `networks` or `binoculars` has not measured every fold
        mean = means(record, name, half)
        cells = [
            decimals(_auroc(seen, name)),
            decimals(mean["auroc"]),
            decimals(mean["auroc_lowest"]),
        ]
        cells += [f"{mean[figure]:.3f}" for figure in ("tpr_at_1", "tpr_at_5", "brier", "ece")]
        cells += [percent(mean[figure]) for figure in ("fpr_1", "fpr_1_highest", "fpr_5")]
        rows.append([label, *cells])
    return table(
        "| detector | AUROC, test split | AUROC, held-out sources | lowest | TPR at 1 % FPR "
        "| TPR at 5 % FPR | Brier | ECE | human texts flagged at 1 % | highest | at 5 % |",
        rows,
    )


#: Heads of `_cells`.
_HEADS = (
    "| human | generated | AUROC, `standard` | TPR at 1 % FPR | at 5 % | human flagged at 1 % "
    "| at 5 % | generated flagged at 1 % | AUROC, `fast` | human flagged at 1 %"
)


def _cells(fold: Mapping[str, Any]) -> list[str]:
    """Numbers of held-out texts of a fold, and the figures of both detectors."""
    standard, fast = (fold["detectors"][name] for name in DETECTORS)
    low, high = standard["intervals"]["auroc"]
    return [
        f"{standard['n_human']:.0f}",
        f"{standard['n_generated']:.0f}",
        f"{standard['auroc']:.3f} ({low:.3f} to {high:.3f})",
        *(decimals(standard[name]) for name in ("tpr_at_1", "tpr_at_5")),
        *(percent(standard.get(name)) for name in ("fpr_1", "fpr_5", "tpr_1")),
        decimals(fast["auroc"]),
        percent(fast.get("fpr_1")),
    ]


def _auroc(fold: Mapping[str, Any], detector: str) -> float | None:
    """AUROC of a detector on a fold; None if it was not measured there."""
    figures = fold["detectors"].get(detector)
    return None if figures is None else figures["auroc"]


def _shares(figures: Mapping[str, float]) -> list[str]:
    return [f"{figures[name]:.3f}" for name in ("auroc", "tpr_at_1", "tpr_at_5")]
