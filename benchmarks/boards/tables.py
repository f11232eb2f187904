"""Markdown tables of `results/pan.json` and `results/raid.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.docs.markdown import decimals, percent, table

_NAMES = {
    "standard": "**`standard`**",
    "standard, all answered": "`standard`, all answered",
    "fast": "**`fast`**",
    "fast, all answered": "`fast`, all answered",
    "tfidf_svm": "TF-IDF + SVM",
    "ppmd": "compression-based cosine (PPMd)",
    "binoculars": "Binoculars",
}
_MEASURES = ("auc", "brier", "c_at_1", "f1", "f05u", "mean")


def pan(record: Mapping[str, Any]) -> str:
    """PAN's measures over all genres."""
    rows = [
        [
            label,
            *(decimals(found["all"][measure]) for measure in _MEASURES),
            percent(found["all"]["unanswered"]),
        ]
        for name, label in _NAMES.items()
        if (found := record["answers"].get(name))
    ]
    return table("| | AUC | Brier | C@1 | F1 | F0.5u | mean | unanswered |", rows)


def pan_genres(record: Mapping[str, Any]) -> str:
    """The mean of PAN's measures, genre by genre."""
    genres = [genre for genre in record["answers"]["standard"] if genre != "all"]
    rows = [
        [label, *(decimals(found[genre]["mean"]) for genre in genres)]
        for name, label in _NAMES.items()
        if (found := record["answers"].get(name))
    ]
    return table(f"| mean of the five | {' | '.join(genres)} |", rows)


def pan_texts(record: Mapping[str, Any]) -> str:
    """How many texts were trained on and judged, in a sentence."""
    per_genre = [found["texts"] for found in record["answers"]["standard"].values()][1:]
    return (
        f"{record['texts']} texts of {len(per_genre)} genres were judged, half of them by people. "
        f"The TF-IDF and PPMd baselines learned from {record['training_texts']:,} texts, and "
        f"Binoculars' calibration from some of them. {_hashes(record['detectors'])}"
    )


def raid(record: Mapping[str, Any]) -> str:
    """What is found at RAID's thresholds, attack by attack."""
    detectors = record["detectors"]
    rows = []
    for attack, figures in detectors["standard"]["attacks"].items():
        cells = [
            cell
            for one in detectors.values()
            for cell in (
                percent(one["attacks"][attack]["tpr"]),
                decimals(one["attacks"][attack]["auroc"]),
            )
        ]
        texts = str(figures["texts"]) if attack != "all" else str(record["generated"])
        rows.append([attack.replace("_", " "), texts, *cells])
    head = " | ".join(f"`{name}`, found at 5 % FPR | AUROC" for name in detectors)
    return table(f"| attack | texts | {head} |", rows)


def raid_texts(record: Mapping[str, Any]) -> str:
    """Which texts were judged, in a sentence."""
    return (
        f"{record['people']} texts by people and {record['generated']} by models, disguised ones "
        f"included; domains: {', '.join(record['domains'])}; generators: "
        f"{', '.join(record['generators'])}. "
        + _hashes({name: one["sha256"] for name, one in record["detectors"].items()})
    )


def _hashes(detectors: Mapping[str, str]) -> str:
    """Which detectors were measured, by what `provenance` says of their answers."""
    named = [f"`{name}` `{sha256[:12]}`" for name, sha256 in detectors.items()]
    return (
        f"Detectors measured, by the first digits of their `detector_sha256`: {', '.join(named)}."
    )
