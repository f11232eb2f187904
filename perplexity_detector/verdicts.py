"""Probabilities and contributions -> verdicts and reasons in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

HUMAN, GENERATED, UNCERTAIN = "human", "generated", "uncertain"
#: Under this many words a text says too little for any verdict.
MIN_WORDS = 50


def verdicts(
    probabilities: np.ndarray, words: Sequence[int], upper: float, lower: float
) -> list[str]:
    """`generated` from `upper` on, `human` below `lower` and `upper`, else `uncertain`.

    Args:
        probabilities: shape (n,).
        words: number of words of each text; under `MIN_WORDS` the verdict is `uncertain`.
        upper: threshold of the false-positive rate.
        lower: threshold under which few generated texts lie.
    """
    return [
        UNCERTAIN
        if count < MIN_WORDS
        else GENERATED
        if probability >= upper
        else HUMAN
        if probability < lower
        else UNCERTAIN
        for probability, count in zip(probabilities, words, strict=True)
    ]


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


def reasons_of(
    contributions: np.ndarray,
    table: np.ndarray,
    typical: np.ndarray,
    labels: Sequence[str],
    families: Sequence[str],
    probabilities: np.ndarray,
) -> list[str]:
    """`reasons` of n texts: contributions and table (n, features), probabilities (n,)."""
    return [
        reasons(spoke, values, typical, labels, families, probability)
        for spoke, values, probability in zip(contributions, table, probabilities, strict=True)
    ]
