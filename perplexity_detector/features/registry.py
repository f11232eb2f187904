"""Which feature families there are, given and learned, and which of them a depth allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from perplexity_detector.errors import InputError
from perplexity_detector.features import (
    burstiness,
    compression,
    contrast,
    curvature,
    diversity,
    entropy,
    perplexity,
    rank,
    representation,
    spectrum,
    stylometry,
)
from perplexity_detector.features.family import Family, LearnedFamily

#: Every family that is given, in the order of the table's columns.
FAMILIES: dict[str, Family] = {
    module.FAMILY.name: module.FAMILY
    for module in (
        perplexity,
        rank,
        entropy,
        curvature,
        burstiness,
        diversity,
        spectrum,
        stylometry,
        compression,
    )
}


#: Families that a detector does without unless asked: beside the others they gain nothing on
#: sources left out (docs/results/quality.md).
OPTIONAL = ("compression",)


def available_families(depth: float = 1.0) -> Mapping[str, Family | LearnedFamily]:
    """Every family, learned ones last, of a model left after this share of its blocks.

    Raises:
        InputError: it is no share.
    """
    if isinstance(depth, bool) or not isinstance(depth, (int, float)) or not 0 < depth <= 1:
        raise InputError(f"A depth is a share of the model's blocks, such as 0.5, not {depth}.")
    given = {name: f for name, f in FAMILIES.items() if depth >= 1 or f.requires != "statistics"}
    learned = (contrast.LEARNER, representation.learner(depth))
    return {**given, **{learner.name: learner for learner in learned if learner.labels}}


def default_families(depth: float = 1.0) -> list[str]:
    """Names of the families that a detector of this depth has if none are asked for."""
    return [name for name in available_families(depth) if name not in OPTIONAL]


def select_families(
    names: Iterable[str] | None, depth: float = 1.0
) -> list[Family | LearnedFamily]:
    """The families of these names, in order; if none are given, all that learn nothing.

    Raises:
        InputError: a name is unknown, none is given, or the depth does not allow one.
    """
    known = available_families(depth)
    if names is None:
        return [known[name] for name in FAMILIES if name in known]
    asked = list(names)
    if left_out := [name for name in asked if name in FAMILIES and name not in known]:
        raise InputError(
            f"Family {left_out[0]} needs the whole model: leave it out, or give --depth=1."
        )
    unknown = [name for name in asked if name not in known]
    if unknown or not asked:
        which = ", ".join(map(repr, unknown)) or "in an empty list"
        raise InputError(f"There is no feature family {which}; choose from {', '.join(known)}.")
    return [known[name] for name in asked]
