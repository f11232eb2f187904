"""Sentences under the tables of `results/quality.json`: texts, budgets and time."""

from __future__ import annotations

from benchmarks.docs.markdown import NotMeasuredError
from benchmarks.quality.tables import NAMES, Record


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
    if "texts" not in found:
        raise NotMeasuredError
    took = ", ".join(
        f"{NAMES[name]} {sum(seconds) / len(seconds):.0f} s"
        for name, seconds in found["seconds"].items()
    )
    fewest = min(min(texts) for texts in found["texts"].values())
    return (
        f"The sources are dealt to {found['budget']['parts']} parts. A fine-tuned network is "
        "trained without each part, and tested on the sources of that part; it learns from "
        f"{fewest:,} texts or more. Mean time of a network: {took}."
    )


def binoculars(record: Record) -> str:
    """Texts and models of Binoculars."""
    if not (found := record.get("binoculars")):
        return "Binoculars is not measured yet: `python -m benchmarks.quality.binoculars`."
    return (
        f"Binoculars reads {found['texts']:,} of the texts, balanced over sources and classes. "
        f"Its performer is {found['performer']}, its observer {found['observer']}."
    )
