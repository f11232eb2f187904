"""Contributions to a text's log-odds -> reasons in plain words, with the numbers behind them."""

from __future__ import annotations

import numpy as np

from perplexity_detector.classifier.contributions import Contributions
from perplexity_detector.explanation.wording.phrases import SINGLE_STATEMENT_FAMILIES, phrase_of

#: Reasons for the side a text came out on at most, and for the other side.
MAX_REASONS, MAX_REASONS_AGAINST = 3, 1
#: Log-odds that a family must contribute to be named, for the side and against it.
MIN_LOG_ODDS, MIN_LOG_ODDS_AGAINST = 0.05, 0.15
OTHER_SIDE = "on the other side: "


def describe_contributions(known: Contributions, text: int, generated: bool) -> list[str]:
    """The strongest reasons for the side one text came out on, then those against it.

    Families are ranked by the sum of their features' contributions, and each is represented by
    one feature: the strongest whose value lies on the side it argues for, as the medians of human
    texts and of all texts lie to each other. A feature that the trees read the other way round,
    in combination with others, has no plain words.

    Args:
        known: contributions to n texts, in log-odds.
        text: which of them.
        generated: the side it came out on.
    """
    families = np.asarray(known.families, object).astype(str)
    names, family_of = np.unique(families, return_inverse=True)
    sign = 1 if generated else -1
    totals = np.bincount(family_of, known.shap_values[text], len(names)) * sign
    order = np.argsort(-totals, kind="stable")
    strong = [family for family in order if totals[family] >= MIN_LOG_ODDS]
    opposed = [family for family in order[::-1] if totals[family] <= -MIN_LOG_ODDS_AGAINST]
    reasons = _first(known, text, family_of, strong, generated, MAX_REASONS)
    against = _first(known, text, family_of, opposed, not generated, MAX_REASONS_AGAINST)
    return reasons + [OTHER_SIDE + reason for reason in against]


def _first(
    known: Contributions,
    text: int,
    family_of: np.ndarray,
    families: list[int],
    generated: bool,
    count: int,
) -> list[str]:
    """The first few reasons for one side that these families can give."""
    reasons: list[str] = []
    for family in families:
        if len(reasons) == count:
            break
        reason = _reason(known, text, np.flatnonzero(family_of == family), generated)
        if reason is not None:
            reasons.append(reason)
    return reasons


def _reason(known: Contributions, text: int, columns: np.ndarray, generated: bool) -> str | None:
    """What the strongest of one family's features that has words says for a side, if any."""
    family = known.families[columns[0]]
    if family in SINGLE_STATEMENT_FAMILIES:
        return SINGLE_STATEMENT_FAMILIES[family][int(generated)]
    side = known.shap_values[text] if generated else -known.shap_values[text]
    for column in columns[np.argsort(-side[columns], kind="stable")]:
        if side[column] <= 0:
            break
        if comparison := _comparison(known, text, int(column), generated):
            return comparison
    return None


def _comparison(known: Contributions, text: int, column: int, generated: bool) -> str | None:
    """A feature compared with human texts or, where it argues for a person, with most texts.

    None where the value does not lie on the side it argues for, or not far enough to see.
    """
    value, human = float(known.features[text, column]), float(known.human_medians[column])
    overall = human if known.overall_medians is None else float(known.overall_medians[column])
    reference = human if generated else overall
    # generated texts lie beyond the overall median, seen from the human one
    towards_generated = overall - human
    sign = 1 if generated else -1
    if (value - reference) * towards_generated * sign < 0 or value == reference:
        return None
    phrase = phrase_of(known.names[column], known.labels[column])
    words = phrase.high if value > reference else phrase.low
    others = "than in people's texts" if generated else "than in most texts"
    if phrase.number is None:
        return f"{words} {others}"
    kind, unit = phrase.number
    shown, shown_human = f"{value:{kind}}", f"{human:{kind}}"
    if shown == f"{reference:{kind}}":
        return None
    alike = "as people's" if shown == shown_human else f"people: {shown_human}"
    return f"{words} {others} ({shown}{unit}; {alike})"
