"""Probabilities and contributions -> verdicts and reasons in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from perplexity_detector.classifier.contributions import Contributions

HUMAN, GENERATED, UNCERTAIN = "human", "generated", "uncertain"
#: Under this many words a text says too little for any verdict.
MIN_WORDS = 50
SHORT = f"fewer than {MIN_WORDS} words"
SHORT_FOR_RATE = "too short for this false-positive rate"
NO_THRESHOLD = "no threshold keeps this false-positive rate"
UNLIKE = "unlike the prose it was trained on"
NO_PROSE = "no running English prose"
BETWEEN = "between the thresholds"


class Verdict(NamedTuple):
    """What is told of a text, and why it is `uncertain`; the note is empty where it is not."""

    verdict: str
    note: str


def verdicts(
    probabilities: np.ndarray,
    words: Sequence[int],
    upper: np.ndarray,
    lower: float,
    unlike: np.ndarray,
    prose: Sequence[bool],
    kept: bool = True,
) -> list[Verdict]:
    """`generated` from `upper` on, `human` below `lower` and `upper`, else `uncertain`.

    Args:
        probabilities: shape (n,).
        words: number of words of each text; under `MIN_WORDS` the verdict is `uncertain`.
        upper: threshold of the false-positive rate at each text's length, shape (n,); infinite
            where none keeps it.
        lower: threshold under which few generated texts lie.
        unlike: whether each is far from everything trained on, shape (n,).
        prose: whether each has the form of running English prose, shape (n,).
        kept: whether a threshold keeps the rate for texts of any length.
    """
    told = []
    no_threshold = SHORT_FOR_RATE if kept else NO_THRESHOLD
    columns = (probabilities, words, upper, unlike, prose)
    for probability, count, top, far, formed in zip(*columns, strict=True):
        if count < MIN_WORDS:
            told.append(Verdict(UNCERTAIN, SHORT))
        elif not formed:
            told.append(Verdict(UNCERTAIN, NO_PROSE))
        elif far:
            told.append(Verdict(UNCERTAIN, UNLIKE))
        elif probability >= top:
            told.append(Verdict(GENERATED, ""))
        elif probability < lower:
            told.append(Verdict(HUMAN, ""))
        else:
            told.append(Verdict(UNCERTAIN, BETWEEN if math.isfinite(top) else no_threshold))
    return told


def reasons(
    contributions: np.ndarray,
    values: np.ndarray,
    typical: np.ndarray,
    labels: Sequence[str],
    families: Sequence[str],
    probability: float,
    most: int = 2,
) -> str:
    """What spoke most for the side a text came out on, in a few words.

    Families are ranked by all that their features contributed, and the strongest feature of each
    is told: two that say the same are one reason.

    Args:
        contributions: of each feature to the log-odds, shape (features,).
        values: of the features in this text, shape (features,).
        typical: median value in texts by people, shape (features,).
        labels: what each feature measures.
        families: what each feature belongs to.
        probability: of the text; above one half, what spoke for `generated` is told.
        most: how many reasons to give.
    """
    side = contributions if probability >= 0.5 else -contributions
    names, of = np.unique(np.asarray(families, object).astype(str), return_inverse=True)
    together = np.bincount(of, side, len(names))
    ranked = [family for family in np.argsort(-together, kind="stable") if together[family] > 0]
    strongest = [int(np.where(of == family, side, -np.inf).argmax()) for family in ranked[:most]]
    return "; ".join(
        f"{'high' if values[place] > typical[place] else 'low'} {labels[place]}"
        for place in strongest
    )


def reasons_of(spoke: Contributions, probabilities: np.ndarray) -> list[str]:
    """`reasons` of n texts, from what contributed and their probabilities, shape (n,)."""
    return [
        reasons(added, values, spoke.typical, spoke.labels, spoke.families, probability)
        for added, values, probability in zip(spoke.values, spoke.table, probabilities, strict=True)
    ]
