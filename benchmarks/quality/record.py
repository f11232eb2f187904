"""Keeps results of an earlier `results/quality.json` when some of it is measured again."""

from __future__ import annotations

import math
from typing import Any

from benchmarks.quality.fold_evaluator import Metrics
from benchmarks.quality.recipes import version_0_2

#: Parts of a fold's results that have a part for each detector.
BY_DETECTOR = ("detectors", "people", "without_verdict", "recalibrated")
#: Keys that other benchmarks add to the json.
NETWORKS, BINOCULARS = "networks", "binoculars"


def with_detector(earlier: dict[str, Any], name: str, results: dict[str, Any]) -> dict[str, Any]:
    """An earlier record with new results of one detector, and its earlier recipe, on its folds."""
    for fold, new in zip(earlier["folds"], results["folds"], strict=True):
        for key in ("name", "n_calibrating"):
            if fold[key] != new[key]:
                raise ValueError(f"The folds differ in {key}: {fold[key]} and {new[key]}.")
        for part in BY_DETECTOR:
            fold.setdefault(part, {}).update(
                {one: new[part][one] for one in (name, version_0_2(name)) if one in new[part]}
            )
    return {**earlier, name: results[name]}


def copy_other_benchmarks(record: dict[str, Any], earlier: dict[str, Any]) -> None:
    """Copy what `networks` and `binoculars` measured before, if the folds are the same.

    They are the same if the rules, which depend on a fold's texts only, have the same metrics.
    """
    before, now = detectors_by_fold(earlier), detectors_by_fold(record)
    with_rules = {fold: of["rules"] for fold, of in now.items() if "rules" in of}
    if any(not _equal(own, before.get(fold, {}).get("rules")) for fold, own in with_rules.items()):
        return
    record.update({part: earlier[part] for part in (NETWORKS, BINOCULARS) if part in earlier})
    names = {BINOCULARS, *record.get(NETWORKS, {}).get("seconds", {})}
    for fold, of in now.items():
        known = before.get(fold, {})
        of.update({name: known[name] for name in names & set(known)})


def detectors_by_fold(record: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Metrics of each detector, by kind and name of the fold."""
    return {(fold["kind"], fold["name"]): fold["detectors"] for fold in record.get("folds", [])}


def _equal(metrics: Metrics, others: Metrics | None) -> bool:
    """Whether they are equal up to rounding."""
    return (
        others is not None
        and metrics.keys() == others.keys()
        and all(math.isclose(metrics[name], others[name], rel_tol=1e-9) for name in metrics)
    )
