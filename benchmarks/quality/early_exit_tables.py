"""Markdown tables of `results/early_exit.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.docs.markdown import percent, table
from benchmarks.quality.cascades import AUTO, CLASSES, LAST
from benchmarks.quality.protocol import HALVES

_METRICS = ("auroc", "tpr_at_1", "tpr_at_5")


def early_exit(record: dict[str, Any]) -> str:
    """Each detector of `auto`, and the cascade: what leaves early, and what it costs."""
    names = {AUTO[0]: "first detector", LAST: f"`{LAST}`"}
    compared = {label: record["alone"][name] for name, label in names.items()}
    compared["`auto`"] = record["auto"]
    rows = []
    for half in HALVES:
        for name, by_half in compared.items():
            found = by_half[half]
            leave = [percent(found.get(f"{kind}_at_{AUTO[0]}", 0.0)) for kind in CLASSES]
            rows.append([half, name, *_quality(found), *leave, f"{found['cost']:.2f}"])
    head = (
        "| half | detector | AUROC | TPR at 1 % FPR | at 5 % | people flagged | models flagged "
        "| people who leave early | models that do | time, of `standard` |"
    )
    flagged = {"auto": record["auto"]["people"], LAST: record["alone"][LAST]["people"]}
    sentences = [
        f"Of {found['texts']:,.0f} people of all sources left out, `{name}` flags "
        f"{percent(found['share'])} (95 % upper bound {percent(found['upper_bound'])}), and "
        f"{percent(found['highest'])} of the source with most."
        for name, found in flagged.items()
    ]
    return table(head, rows) + "\n\n" + " ".join(sentences)


def early_exit_cascades(record: dict[str, Any]) -> str:
    """Detectors of several depths by themselves and one after the other."""
    alone = [
        {"detectors": [name], "rule": None, **found} for name, found in record["alone"].items()
    ]
    rows = [
        [half, *_cascade(one, record["reading"], one.get(half))]
        for half in HALVES
        for one in (*alone, *record["cascades"])
    ]
    head = (
        "| half | blocks read | FPR of early exits | models they may call human | AUROC "
        "| TPR at 1 % FPR | at 5 % | people flagged | models flagged | people flagged, 95 % upper "
        "bound | people who leave at each exit | models that do | time, of `standard` |"
    )
    return table(head, rows)


def _cascade(
    one: Mapping[str, Any],
    reading: Mapping[str, Mapping[str, float]],
    found: Mapping[str, float] | None,
) -> list[str]:
    """Cells of a cascade, but for the half."""
    names: Sequence[str] = one["detectors"]
    blocks = ", ".join(str(reading[name]["blocks"]) for name in names)
    rule = one["rule"]
    spent = [percent(rule["fpr_share"]), percent(rule["fnr"])] if rule else ["-", "-"]
    if found is None:
        return [blocks, *spent, *["-"] * 9]
    leave = [
        ", ".join(percent(found[f"{kind}_at_{name}"]) for name in names[:-1]) or "-"
        for kind in CLASSES
    ]
    bound = percent(found["people_upper_bound"])
    return [blocks, *spent, *_quality(found), bound, *leave, f"{found['cost']:.2f}"]


def early_exit_sources(record: dict[str, Any]) -> str:
    """What leaves early of each left-out source."""
    rows = []
    for name, found in sorted(record["sources"].items(), key=lambda one: one[0].casefold()):
        cells = [
            percent(found[f"{kind}_{column}"]) if f"n_{kind}" in found else ""
            for kind in CLASSES
            for column in (f"at_{AUTO[0]}", "flagged")
        ]
        rows.append([name, *cells])
    head = (
        "| source left out | people who leave early | people flagged | models that leave early "
        "| models flagged |"
    )
    return table(head, rows)


def early_exit_rules(record: dict[str, Any]) -> str:
    """Rules among which the one in use was chosen, on the development half."""
    rows = [
        [
            percent(rule["fpr_share"]),
            percent(rule["fnr"]),
            *_quality(rule),
            *(percent(rule[f"{kind}_at_{AUTO[0]}"]) for kind in CLASSES),
        ]
        for rule in record["rules"]
    ]
    head = (
        "| share of the FPR for the first detector | share of models it may call human | AUROC "
        "| TPR at 1 % FPR | at 5 % | people flagged | models flagged | people who leave early "
        "| models that do |"
    )
    return table(head, rows)


def _quality(found: Mapping[str, float]) -> list[str]:
    flagged = [percent(found[f"{kind}_flagged"]) for kind in CLASSES]
    return [*(f"{found[metric]:.3f}" for metric in _METRICS), *flagged]
