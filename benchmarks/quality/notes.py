"""Sentences under the tables of `results/quality.json`: texts, budgets and time."""

from __future__ import annotations

from benchmarks.quality.tables import NAMES, Record, of_kind


def cost(record: Record) -> str:
    """Size and time of the run."""
    on, seconds = record["machine"], record["seconds"]
    texts = sum(record["texts"].values())
    return (
        f"The run has {texts:,} texts and {len(record['folds'])} folds. With the language model's "
        f"output in the cache, features take {seconds['reading'] / 60:.1f} minutes and the folds "
        f"{seconds['folds'] / 60:.0f} minutes on {on['cores']} cores of {on['processor']}."
    )


def networks(record: Record) -> str:
    """Training texts and time of the fine-tuned networks."""
    if not (found := record.get("networks")):
        return "Fine-tuned networks are not measured yet: `python -m benchmarks.quality.networks`."
    if any(len(seconds) <= len(of_kind(record, "source")) for seconds in found["seconds"].values()):
        return "Fine-tuned networks are not measured on every fold yet."
    took = ", ".join(
        f"{NAMES[name]} {sum(seconds.values()) / len(seconds):.0f} s"
        for name, seconds in found["seconds"].items()
    )
    return (
        f"Fine-tuned networks use at most {found['budget']['max_texts']:,} texts a fold, some of "
        f"them for calibration. Mean time of a fold: {took}."
    )


def binoculars(record: Record) -> str:
    """Texts and models of Binoculars."""
    if not (found := record.get("binoculars")):
        return "Binoculars is not measured yet: `python -m benchmarks.quality.binoculars`."
    return (
        f"Binoculars reads {found['texts']:,} of the texts, balanced over sources and classes. "
        f"Its performer is {found['performer']}, its observer {found['observer']}."
    )
