"""All feature families, fixed and learned, and which are available at a depth."""

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

#: Fixed families, in the order of the table's columns.
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
#: Families that are used only on request: added to the others, they do not improve results on
#: held-out sources (docs/results/quality.md).
OPTIONAL = ("compression",)


def available_families(depth: float = 1.0) -> Mapping[str, Family | LearnedFamily]:
    """Families for a model that runs this share of its blocks, learned ones last.

    Raises:
        InputError: the depth is not in (0, 1].
    """
    if isinstance(depth, bool) or not isinstance(depth, (int, float)) or not 0 < depth <= 1:
        raise InputError(
            f"A depth is a share of the model's blocks, such as 0.5, not {depth}.", "depth"
        )
    available: dict[str, Family | LearnedFamily] = {
        name: family
        for name, family in FAMILIES.items()
        if depth >= 1 or family.requires != "statistics"
    }
    available[contrast.FAMILY.name] = contrast.FAMILY
    hidden_states = representation.learned_family(depth)
    if hidden_states.labels:  # the model reaches at least one of their depths
        available[hidden_states.name] = hidden_states
    return available


def default_families(depth: float = 1.0) -> list[str]:
    """Names of the families that a detector of this depth uses by default."""
    return [name for name in available_families(depth) if name not in OPTIONAL]


def select_families(
    names: Iterable[str] | None, depth: float = 1.0
) -> list[Family | LearnedFamily]:
    """The families of these names, in their order; without names, all fixed families.

    Raises:
        InputError: a name is unknown, the list is empty, or a family is not available at this
            depth.
    """
    available = available_families(depth)
    if names is None:
        return [available[name] for name in FAMILIES if name in available]
    names = list(names)
    for name in names:
        if name in FAMILIES and name not in available:
            raise InputError(
                f"Family {name} needs the whole model", "depth", "leave it out, or set {depth}=1"
            )
    unknown = [name for name in names if name not in available]
    if unknown or not names:
        which = ", ".join(map(repr, unknown)) or "in an empty list"
        raise InputError(
            f"There is no feature family {which}; choose from {', '.join(available)}.", "families"
        )
    return [available[name] for name in names]
