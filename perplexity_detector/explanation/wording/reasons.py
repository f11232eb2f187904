"""Contributions to a text's log-odds -> reasons in plain words, with the numbers behind them."""

from __future__ import annotations

import numpy as np

from perplexity_detector.classifier.contributions import Contributions
from perplexity_detector.explanation.wording.phrases import SINGLE_STATEMENT_FAMILIES, phrase_of

#: The most reasons for the likelier class, and for the other one.
MAX_REASONS, MAX_REASONS_AGAINST = 3, 1
#: Log-odds that a family must contribute to be named, for the likelier class and against it.
MIN_LOG_ODDS, MIN_LOG_ODDS_AGAINST = 0.05, 0.15
#: Before a reason for the other class.
AGAINST = "Against this: "


def describe_contributions(known: Contributions, text: int, generated: bool) -> list[str]:
    """The strongest reasons for the likelier class of one text, then those against it.

    Families are ranked by the sum of their features' contributions. Each is represented by one
    feature: the strongest whose value lies on the expected side, judged by the medians of human
    texts and of all texts. A feature that the trees use the other way round, in combination with
    others, cannot be put in plain words and is skipped.

    Args:
        known: contributions to n texts, in log-odds.
        text: index of the text.
        generated: whether `generated` is the likelier class.

    Returns:
        Short statements, each with a capital and without a full stop.
    """
    families = np.asarray(known.families, object).astype(str)
    names, family_of = np.unique(families, return_inverse=True)
    sign = 1 if generated else -1
    totals = np.bincount(family_of, known.shap_values[text], len(names)) * sign
    order = np.argsort(-totals, kind="stable")
    supporting = [family for family in order if totals[family] >= MIN_LOG_ODDS]
    opposing = [family for family in order[::-1] if totals[family] <= -MIN_LOG_ODDS_AGAINST]
    reasons = _first(known, text, family_of, supporting, generated, MAX_REASONS)
    against = _first(known, text, family_of, opposing, not generated, MAX_REASONS_AGAINST)
    return reasons + [AGAINST + reason[0].lower() + reason[1:] for reason in against]


def _first(
    known: Contributions,
    text: int,
    family_of: np.ndarray,
    families: list[int],
    generated: bool,
    count: int,
) -> list[str]:
    """The first `count` reasons for one class that these families give."""
    reasons: list[str] = []
    for family in families:
        if len(reasons) == count:
            break
        reason = _reason(known, text, np.flatnonzero(family_of == family), generated)
        if reason is not None:
            reasons.append(reason)
    return reasons


def _reason(known: Contributions, text: int, columns: np.ndarray, generated: bool) -> str | None:
    """The reason of one family for a class; None if none of its features can be put in words."""
    family = known.families[columns[0]]
    if family in SINGLE_STATEMENT_FAMILIES:
        return SINGLE_STATEMENT_FAMILIES[family][int(generated)]
    support = known.shap_values[text] if generated else -known.shap_values[text]
    for column in columns[np.argsort(-support[columns], kind="stable")]:
        if support[column] <= 0:
            break
        if comparison := _comparison(known, text, int(column), generated):
            return comparison
    return None


def _comparison(known: Contributions, text: int, column: int, generated: bool) -> str | None:
    """One feature compared with human texts or, as a reason for `human`, with all texts.

    None where the value does not lie on the expected side, or too close to the median to see.
    """
    value, human = float(known.features[text, column]), float(known.human_medians[column])
    overall = human if known.overall_medians is None else float(known.overall_medians[column])
    with_human = generated or known.overall_medians is None
    median = human if with_human else overall
    # generated texts lie beyond the overall median, seen from the human one
    towards_generated = overall - human
    sign = 1 if generated else -1
    if (value - median) * towards_generated * sign < 0 or value == median:
        return None
    phrase = phrase_of(known.names[column], known.labels[column])
    words = phrase.high if value > median else phrase.low
    others = "typical human writing" if with_human else "in most texts"
    if phrase.number is None:
        return f"{words} than {others}"
    spec, after, before = phrase.number
    shown, shown_median = f"{value:{spec}}", f"{median:{spec}}"
    if shown == shown_median:
        return None
    name = "human median" if with_human else "median"
    return f"{words} than {others} ({before}{shown}{after}, {name} {shown_median})"
