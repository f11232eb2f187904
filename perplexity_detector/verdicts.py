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
    probability: float,
    most: int = 2,
) -> str:
    """What spoke most for the side a text came out on, in a few words.

    Args:
        contributions: of each feature to the log-odds, shape (features,).
        values: of the features in this text, shape (features,).
        typical: median value in texts by people, shape (features,).
        labels: what each feature measures.
        probability: of the text; above one half, what spoke for `generated` is told.
        most: how many reasons to give.
    """
    side = contributions if probability >= 0.5 else -contributions
    strongest = np.argsort(-side, kind="stable")[:most]
    return "; ".join(
        f"{'high' if values[place] > typical[place] else 'low'} {labels[place]}"
        for place in strongest
        if side[place] > 0
    )


def reasons_of(
    contributions: np.ndarray,
    table: np.ndarray,
    typical: np.ndarray,
    labels: Sequence[str],
    probabilities: np.ndarray,
) -> list[str]:
    """`reasons` of n texts: contributions and table (n, features), probabilities (n,)."""
    return [
        reasons(spoke, values, typical, labels, probability)
        for spoke, values, probability in zip(contributions, table, probabilities, strict=True)
    ]
