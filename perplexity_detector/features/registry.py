"""Which feature families there are, given and learned, and which of them a depth allows."""

from __future__ import annotations

from collections.abc import Mapping

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
from perplexity_detector.features.family import Family, Learner

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


def families_at(depth: float = 1.0) -> Mapping[str, Family | Learner]:
    """Every family, learned ones last, of a model left after this share of its blocks.

    Raises:
        InputError: it is no share.
    """
    if isinstance(depth, bool) or not isinstance(depth, (int, float)) or not 0 < depth <= 1:
        raise InputError(f"A depth is a share of the model's blocks, such as 0.5, not {depth}.")
    given = {name: f for name, f in FAMILIES.items() if depth >= 1 or f.reads != "statistics"}
    learned = (contrast.LEARNER, representation.learner(depth))
    return {**given, **{learner.name: learner for learner in learned if learner.labels}}
