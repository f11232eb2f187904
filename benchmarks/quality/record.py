"""What is kept of an earlier `results/quality.json` when part of it is measured anew."""

from __future__ import annotations

import math
from typing import Any

from benchmarks.quality.fold_evaluator import Figures

#: What other benchmarks add to the json.
NETWORKS, BINOCULARS = "networks", "binoculars"


def with_detector(earlier: dict[str, Any], name: str, results: dict[str, Any]) -> dict[str, Any]:
    """An earlier record, with what was measured anew of one detector on the same folds."""
    for fold, found in zip(earlier["folds"], results["folds"], strict=True):
        assert (fold["name"], fold["trained"]) == (found["name"], found["trained"])
        for part in ("detectors", "recalibrated"):
            fold[part][name] = found[part][name]
    return {**earlier, name: results[name]}


def keep_beside(record: dict[str, Any], earlier: dict[str, Any]) -> None:
    """Take over what `networks` and `binoculars` measured before, if the folds are the same.

    They are if the rules, which nothing but a fold's texts decides, have the same figures on all.
    """
    folds = earlier.get("folds", [])
    before = {(fold["kind"], fold["name"]): fold["detectors"] for fold in folds}
    now = {(fold["kind"], fold["name"]): fold["detectors"] for fold in record["folds"]}
    if any(not _alike(of["rules"], before.get(fold, {}).get("rules")) for fold, of in now.items()):
        return
    record.update({part: earlier[part] for part in (NETWORKS, BINOCULARS) if part in earlier})
    names = {BINOCULARS, *record.get(NETWORKS, {}).get("seconds", {})}
    for fold, of in now.items():
        of.update({name: before[fold][name] for name in names & set(before[fold])})


def _alike(figures: Figures, others: Figures | None) -> bool:
    """Whether they are the same but for the order in which numbers were added up."""
    return (
        others is not None
        and figures.keys() == others.keys()
        and all(math.isclose(figures[name], others[name], rel_tol=1e-9) for name in figures)
    )
