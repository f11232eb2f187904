"""What stands under the tables of `results/quality.json`: what was read, and what it cost."""

from __future__ import annotations

from benchmarks.quality.tables import NAMES, Record, of_kind


def cost(record: Record) -> str:
    """What the run cost, in a sentence."""
    on, seconds = record["machine"], record["seconds"]
    texts = sum(record["texts"].values())
    return (
        f"{texts:,} texts; once they are read and cached, {seconds['reading'] / 60:.1f} minutes to "
        f"look them up and make features, {seconds['folds'] / 60:.0f} minutes for "
        f"{len(record['folds'])} folds, on {on['cores']} cores of {on['processor']}."
    )


def networks(record: Record) -> str:
    """What the fine-tuned networks learned from and took, in a sentence."""
    if not (found := record.get("networks")):
        return "Fine-tuned networks are not measured yet: `python -m benchmarks.networks`."
    if any(len(seconds) <= len(of_kind(record, "source")) for seconds in found["seconds"].values()):
        return "Fine-tuned networks are not measured on every fold yet."
    took = ", ".join(
        f"{NAMES[name]} {sum(seconds.values()) / len(seconds):.0f} s"
        for name, seconds in found["seconds"].items()
    )
    return (
        "Fine-tuned networks learned from no more than "
        f"{found['budget']['max_texts']:,} texts a fold, a part of which set their thresholds; "
        f"a fold took {took}."
    )


def binoculars(record: Record) -> str:
    """What Binoculars read, and with which models, in a sentence."""
    if not (found := record.get("binoculars")):
        return "Binoculars is not measured yet: `python -m benchmarks.binoculars`."
    return (
        f"Binoculars was given {found['texts']:,} of the texts, evenly from sources and classes. "
        f"Its performer is {found['performer']}, its observer {found['observer']}."
    )
