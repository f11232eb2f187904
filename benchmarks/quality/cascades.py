"""Cascades of detectors that read more and more blocks: where texts leave, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.quality import protocol
from benchmarks.quality.recipes import SHIPPED
from benchmarks.quality.scored import FPR, MIN_PEOPLE
from perplexity_detector.classifier.calibration import clopper_pearson_upper
from perplexity_detector.classifier.verdicts import MAX_FNR, UNCERTAIN, decide
from perplexity_detector.detectors.cascade import FIRST_FNR, FIRST_FPR_SHARE
from perplexity_detector.evaluation import metrics

#: Detectors that a cascade may ask, and the share of the language model's blocks that each reads:
#: after the 4th, 8th, 12th and 18th of smollm2 by the recipe of `fast`, and the shipped ones.
DEPTHS = {
    "blocks_4": 0.13,
    "blocks_8": 0.27,
    "blocks_12": 0.4,
    "fast": SHIPPED["fast"],
    "blocks_18": 0.6,
    "standard": SHIPPED["standard"],
}
LAST = "standard"
#: The cascade that is shipped.
AUTO = ("blocks_8", LAST)
#: Those that are compared, the first detector first.
CASCADES = (
    *((name, LAST) for name in DEPTHS if name != LAST),
    ("blocks_8", "fast", LAST),
    ("blocks_4", "blocks_8", "blocks_12", "blocks_18", LAST),
)
#: Names of the classes in the figures, and their labels.
CLASSES = {"people": 0, "generated": 1}
#: What the early exits of a cascade may spend together, among which its rule is chosen.
FPR_SHARES = (0.1, 0.2, 0.5)
FNRS = (0.01, 0.02, 0.03, 0.04)
#: What a rule may lose of the last detector's figures on the development half.
MAX_LOSS = {"auroc": 0.002, "tpr_at_1": 0.01, "generated_flagged": 0.01}


class Rule(NamedTuple):
    """When a text leaves early; the early exits of a cascade have equal parts of both.

    Attributes:
        fpr_share: of the false-positive rate, that the early exits may spend.
        fnr: of generated texts, that they may call human.
    """

    fpr_share: float
    fnr: float


#: Of a detector by itself: nothing is spent before it.
ALONE = Rule(0.0, 0.0)
#: Of `auto`.
IN_USE = Rule(FIRST_FPR_SHARE, FIRST_FNR)
RULES = [Rule(share, fnr) for share in FPR_SHARES for fnr in FNRS]


class Limits(NamedTuple):
    """What one detector of a cascade may spend.

    Attributes:
        fpr: its false-positive rate.
        fnr: share of generated texts that it may call human.
    """

    fpr: float
    fnr: float


def limits(cascade: Sequence[str], rule: Rule) -> list[Limits]:
    """What each detector of a cascade may spend; together the whole (union bound)."""
    exits = len(cascade) - 1
    early = [Limits(FPR * rule.fpr_share / exits, rule.fnr / exits) for _ in range(exits)]
    last = Limits(FPR * (1 - rule.fpr_share), MAX_FNR - rule.fnr)
    return [Limits(round(one.fpr, 7), round(one.fnr, 7)) for one in (*early, last)]


def limits_of(name: str) -> set[Limits]:
    """All that a detector may spend: by itself, and in the cascades by their rules."""
    found = set(limits((name,), ALONE))
    for cascade in CASCADES:
        if name in cascade:
            found |= {limits(cascade, rule)[cascade.index(name)] for rule in (*RULES, IN_USE)}
    return found


class Reading(NamedTuple):
    """How far a detector reads.

    Attributes:
        blocks: of the language model that it runs.
        cost: time of a text that leaves after it, as a share of reading to the end.
    """

    blocks: int
    cost: float


def readings(depth: Mapping[str, Any]) -> dict[str, Reading]:
    """How far each detector reads, by `results/depth.json`."""
    speeds = {name: depth["speeds"][f"{share:g}"] for name, share in DEPTHS.items()}
    end = speeds[LAST]["texts_per_second"]
    return {
        name: Reading(speed["blocks"], end / speed["texts_per_second"])
        for name, speed in speeds.items()
    }


def figures(scored: pd.DataFrame, reading: Mapping[str, Reading]) -> dict[str, Any]:
    """Everything that is reported.

    Args:
        scored: the test texts of all source folds: source, generated, fold, half, held_out, words,
            and by detector `p_...`, its probability, `outlier_...`, `t_..._FPR` and `h_..._FNR`,
            its thresholds.
        reading: how far each detector reads.

    Returns:
        `reading`, the same; means over the sources of each half, with the left-out people who
        are flagged, of each detector `alone`, of `auto` by the rule in use, and of `cascades`,
        each by the cheapest rule that loses no more than `MAX_LOSS` on the development half, if
        any does; `rules`, means on the development half for every rule of `auto`; `sources`, what
        leaves early of each in `auto`.
    """
    cost = {name: one.cost for name, one in reading.items()}
    development = scored[scored["half"] == protocol.DEVELOPMENT]
    end = means(development, judged(development, (LAST,), ALONE), cost)
    by_rule = {
        cascade: {rule: means(development, judged(development, cascade, rule), cost)
                  for rule in RULES}
        for cascade in CASCADES
    }  # fmt: skip
    chosen = {cascade: cheapest(rules, end) for cascade, rules in by_rule.items()}
    in_use = judged(scored, AUTO, IN_USE)
    return {
        "reading": {name: one._asdict() for name, one in reading.items()},
        "alone": {name: _by_half(scored, (name,), ALONE, cost) for name in DEPTHS},
        "auto": _by_half(scored, AUTO, IN_USE, cost),
        "cascades": [
            {"detectors": cascade, "rule": rule._asdict(), **_by_half(scored, cascade, rule, cost)}
            if rule
            else {"detectors": cascade, "rule": None}
            for cascade, rule in chosen.items()
        ],
        "rules": [{**rule._asdict(), **found} for rule, found in by_rule[AUTO].items()],
        "sources": {
            str(name): leaving(part, in_use.loc[part.index])
            for name, part in scored[scored["held_out"].astype(bool)].groupby("fold")
        },
    }


def cheapest(rules: Mapping[Rule, Mapping[str, float]], end: Mapping[str, float]) -> Rule | None:
    """The rule that costs least among those that lose no more than `MAX_LOSS`; None if all do.

    Args:
        rules: means of a cascade by each rule.
        end: means of the last detector by itself.
    """
    kept = [
        rule
        for rule, found in rules.items()
        if all(found[name] >= end[name] - loss for name, loss in MAX_LOSS.items())
    ]
    return min(kept, key=lambda rule: rules[rule]["cost"], default=None)


def judged(scored: pd.DataFrame, cascade: Sequence[str], rule: Rule) -> pd.DataFrame:
    """What a cascade makes of each text, by a rule.

    Returns:
        `left`, the detector after which it leaves; `probability`, `flagged` and `uncertain`, by
        that detector.
    """
    answers = [
        _answers(scored, name, limit)
        for name, limit in zip(cascade, limits(cascade, rule), strict=True)
    ]
    left = np.full(len(scored), len(cascade) - 1)
    for place in reversed(range(len(cascade) - 1)):  # the first that settles the verdict counts
        left[~answers[place]["uncertain"]] = place
    chosen = {name: np.choose(left, [one[name] for one in answers]) for name in answers[0]}
    leaves = pd.Categorical.from_codes(left, pd.Index(cascade))
    return pd.DataFrame({"left": leaves, **chosen}, index=scored.index)


def _answers(scored: pd.DataFrame, name: str, limit: Limits) -> dict[str, np.ndarray]:
    """What one detector makes of each text."""
    probabilities = scored[f"p_{name}"].to_numpy()
    generated = scored[f"t_{name}_{limit.fpr:g}"].to_numpy()
    verdicts = decide(
        probabilities,
        scored["words"].tolist(),
        np.minimum(generated, scored[f"h_{name}_{limit.fnr:g}"]),
        generated,
        scored[f"outlier_{name}"].to_numpy(bool),
        [True] * len(scored),
    )
    return {
        "probability": probabilities,
        "flagged": probabilities >= generated,
        "uncertain": np.array([one.verdict == UNCERTAIN for one in verdicts], bool),
    }


def means(
    scored: pd.DataFrame, result: pd.DataFrame, cost: Mapping[str, float]
) -> dict[str, float]:
    """Means over the left-out sources, and the cost of as many texts by people as by models."""
    rows = []
    for _, part in scored.groupby("fold"):
        labels, of_part = part["generated"].to_numpy(), result.loc[part.index]
        probabilities = of_part["probability"].to_numpy()
        rows.append(
            {
                "auroc": metrics.auroc(labels, probabilities),
                "tpr_at_1": metrics.tpr_at_fpr(labels, probabilities, 0.01),
                "tpr_at_5": metrics.tpr_at_fpr(labels, probabilities, 0.05),
                **leaving(part[part["held_out"]], of_part[part["held_out"]]),
            }
        )
    found = {str(name): float(value) for name, value in pd.DataFrame(rows).mean().items()}
    by_class = [
        sum(found[f"{kind}_at_{name}"] * cost[name] for name in result["left"].cat.categories)
        for kind in CLASSES
    ]
    return {**found, "cost": float(np.mean(by_class))}


def leaving(part: pd.DataFrame, result: pd.DataFrame) -> dict[str, float]:
    """Shares of people's and generated texts that leave after each detector, and are flagged."""
    found: dict[str, float] = {}
    for kind, label in CLASSES.items():
        of_class = result[(part["generated"] == label).to_numpy()]
        if not len(of_class):
            continue
        found[f"n_{kind}"] = float(len(of_class))
        for name in result["left"].cat.categories:
            found[f"{kind}_at_{name}"] = float((of_class["left"] == name).mean())
        for column in ("flagged", "uncertain"):
            found[f"{kind}_{column}"] = float(of_class[column].mean())
    return found


def _by_half(
    scored: pd.DataFrame, cascade: Sequence[str], rule: Rule, cost: Mapping[str, float]
) -> dict[str, Any]:
    """Means over the sources of each half, and the flagged people of all sources."""
    result = judged(scored, cascade, rule)
    found: dict[str, Any] = {}
    for half in protocol.HALVES:
        part = scored[scored["half"] == half]
        of_part = result.loc[part.index]
        bound = _flagged_people(part, of_part)["upper_bound"]
        found[half] = {**means(part, of_part, cost), "people_upper_bound": bound}
    return {**found, "people": _flagged_people(scored, result)}


def _flagged_people(scored: pd.DataFrame, result: pd.DataFrame) -> dict[str, Any]:
    """Flagged people of all left-out sources together, and the highest rate of any."""
    chosen = scored["held_out"].to_numpy(bool) & (scored["generated"] == 0).to_numpy()
    flags = result["flagged"][chosen]
    by_source = flags.groupby(scored["source"][chosen]).agg(["mean", "size"])
    large: list[float] = by_source["mean"][by_source["size"] >= MIN_PEOPLE].tolist()
    return {
        "texts": len(flags),
        "share": float(flags.mean()),
        "upper_bound": clopper_pearson_upper(int(flags.sum()), len(flags)),
        "highest": max(large),
    }
