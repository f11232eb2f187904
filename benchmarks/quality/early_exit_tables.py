"""Markdown tables of `results/early_exit.json`."""

from __future__ import annotations

from typing import Any

from benchmarks.docs.markdown import percent, table
from benchmarks.quality.protocol import HALVES


def early_exit(record: dict[str, Any], depth: dict[str, Any]) -> str:
    """Each detector and the cascade on sources left out: what leaves early, and what it costs."""
    rows = []
    for half in HALVES:
        for name, found in record["used"][half].items():
            rows.append(
                [
                    half,
                    f"`{name}`",
                    *(f"{found[metric]:.3f}" for metric in ("auroc", "tpr_at_1", "tpr_at_5")),
                    percent(found["people_flagged"]),
                    percent(found["generated_flagged"]),
                    percent(found["people_early"]),
                    percent(found["generated_early"]),
                    f"{_cost(found, depth):.2f}",
                ]
            )
    head = (
        "| half | detector | AUROC | TPR at 1 % FPR | at 5 % | people flagged | models flagged "
        "| people who leave early | models that do | time, of `standard` |"
    )
    flagged = {name: record["people"][name] for name in ("auto", "standard")}
    sentences = [
        f"Of {found['texts']:,.0f} people of all sources left out, `{name}` flags "
        f"{percent(found['share'])} (95 % upper bound {percent(found['upper_bound'])}), and "
        f"{percent(found['highest'])} of the source with most."
        for name, found in flagged.items()
    ]
    return table(head, rows) + "\n\n" + " ".join(sentences)


def early_exit_sources(record: dict[str, Any]) -> str:
    """What leaves early of each left-out source."""
    rows = []
    for name, found in sorted(record["sources"].items(), key=lambda one: one[0].casefold()):
        cells = [
            percent(found[f"{kind}_{column}"]) if f"{kind}_{column}" in found else ""
            for kind in ("people", "generated")
            for column in ("early", "flagged")
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
            *(f"{rule[metric]:.3f}" for metric in ("auroc", "tpr_at_1", "tpr_at_5")),
            percent(rule["people_flagged"]),
            percent(rule["generated_flagged"]),
            percent(rule["people_early"]),
            percent(rule["generated_early"]),
        ]
        for rule in record["rules"]
    ]
    head = (
        "| share of the FPR for the first detector | share of models it may call human | AUROC "
        "| TPR at 1 % FPR | at 5 % | people flagged | models flagged | people who leave early "
        "| models that do |"
    )
    return table(head, rows)


def _cost(found: dict[str, float], depth: dict[str, Any]) -> float:
    """Mean time of a text, half of them by people, as a share of reading it to the end."""
    by_blocks: dict[int, float] = {
        speed["blocks"]: speed["texts_per_second"] for speed in depth["speeds"].values()
    }
    end = max(by_blocks)
    first = by_blocks[end] / by_blocks[end // 2]
    early = (found["people_early"] + found["generated_early"]) / 2
    return early * first + (1 - early)
