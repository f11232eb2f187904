"""Contributions to one text -> reasons in plain words, with the numbers they rest on."""

from __future__ import annotations

import numpy as np

from perplexity_detector.classifier.contributions import Contributions
from perplexity_detector.explanation.wording.phrases import OF_ONE_THING, phrase_of

#: So many reasons for the side a text came out on, and for the other.
MOST, MOST_OTHER = 4, 2
#: Log-odds that a family must add to be told, and to be told against the side.
LEAST, LEAST_OTHER = 0.05, 0.15
OTHER_SIDE = "on the other side: "


def plain_reasons(spoke: Contributions, generated: bool) -> list[str]:
    """What spoke most for the side a text came out on, then what spoke against it.

    Families are ranked by all that their features added; of each, one feature is told: the
    strongest among those whose value lies to the side for which it speaks, as people's texts and
    all others lie to each other. What trees read the other way round, from several features
    together, has no plain words.

    Args:
        spoke: of one text, in log-odds.
        generated: the side it came out on.
    """
    families = np.asarray(spoke.families, object).astype(str)
    names, of = np.unique(families, return_inverse=True)
    together = np.bincount(of, spoke.values[0], len(names)) * (1 if generated else -1)
    order = np.argsort(-together, kind="stable")
    told: list[str] = []
    for family in (family for family in order if together[family] >= LEAST):
        told += _reason(spoke, np.flatnonzero(of == family), generated)[: MOST - len(told)]
    against: list[str] = []
    for family in (family for family in order[::-1] if together[family] <= -LEAST_OTHER):
        room = MOST_OTHER - len(against)
        against += _reason(spoke, np.flatnonzero(of == family), not generated)[:room]
    return told + [OTHER_SIDE + reason for reason in against]


def _reason(spoke: Contributions, places: np.ndarray, generated: bool) -> list[str]:
    """What the strongest of these features that can be told says for a side; at most one."""
    family = spoke.families[places[0]]
    if family in OF_ONE_THING:
        return [OF_ONE_THING[family][int(generated)]]
    side = spoke.values[0] if generated else -spoke.values[0]
    for place in places[np.argsort(-side[places], kind="stable")]:
        if side[place] <= 0:
            break
        if sentence := _comparison(spoke, int(place), generated):
            return [sentence]
    return []


def _comparison(spoke: Contributions, place: int, generated: bool) -> str:
    """A feature beside people's texts or, where it speaks for a person, beside most texts.

    Empty where the value does not lie on the side for which it speaks, or not far enough to see.
    """
    value, people = float(spoke.table[0, place]), float(spoke.typical[place])
    middle = people if spoke.middle is None else float(spoke.middle[place])
    beside = people if generated else middle
    # models' texts lie beyond the middle of all texts, seen from people's
    towards_models = middle - people
    if (value - beside) * towards_models * (1 if generated else -1) < 0 or value == beside:
        return ""
    phrase = phrase_of(spoke.names[place], spoke.labels[place])
    words = phrase.high if value > beside else phrase.low
    others = "than in people's texts" if generated else "than in most texts"
    if phrase.number is None:
        return f"{words} {others}"
    kind, unit = phrase.number
    if f"{value:{kind}}" == f"{beside:{kind}}":
        return ""
    shown, of_people = f"{value:{kind}}", f"{people:{kind}}"
    alike = "as people's" if shown == of_people else f"people: {of_people}"
    return f"{words} {others} ({shown}{unit}; {alike})"
