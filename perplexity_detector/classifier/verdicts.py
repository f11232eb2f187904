"""Probabilities and thresholds -> verdicts, with a note wherever a verdict is withheld."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

HUMAN, GENERATED, UNCERTAIN = "human", "generated", "uncertain"
#: Of a text in which passages are marked, and which is not `generated` as a whole.
MIXED = "mixed"
#: All verdicts.
VERDICTS = (HUMAN, GENERATED, UNCERTAIN, MIXED)
#: Share of generated texts that may lie below the threshold of the verdict `human`.
MAX_FNR = 0.05
#: A text of fewer words says too little for any verdict.
MIN_WORDS = 50
SHORT = f"fewer than {MIN_WORDS} words"
SHORT_FOR_RATE = "too short for this false-positive rate"
NO_PEOPLE = "no people like this set a threshold"
NO_THRESHOLD = "no threshold keeps this false-positive rate"
OUTLIER = "unlike the prose it was trained on"
NO_PROSE = "no running English prose"
BETWEEN_THRESHOLDS = "between the thresholds"


class Verdict(NamedTuple):
    """The verdict on a text, and why it is `uncertain`; otherwise the note is empty."""

    verdict: str
    note: str


def decide(
    probabilities: np.ndarray,
    n_words: Sequence[int],
    human_thresholds: np.ndarray,
    generated_thresholds: np.ndarray,
    is_outlier: np.ndarray,
    is_prose: Sequence[bool],
    guaranteed: bool = True,
    is_short: Sequence[bool] | np.ndarray | None = None,
) -> list[Verdict]:
    """Verdicts on n texts.

    A text is `generated` from its generated threshold on, `human` below its human threshold, and
    otherwise `uncertain`. It is also `uncertain` if it is too short, no prose, or an outlier.

    Args:
        probabilities: that each text is generated, shape (n,).
        n_words: words of each text; below `MIN_WORDS` there is no verdict.
        human_thresholds: few generated texts lie below them, shape (n,).
        generated_thresholds: for the false-positive rate at each text's length, shape (n,);
            infinity where no threshold keeps the rate.
        is_outlier: whether each text is far from all training texts, shape (n,).
        is_prose: whether each text looks like running English prose, shape (n,).
        guaranteed: whether a threshold keeps the rate for texts of any length.
        is_short: whether each text is too short for a threshold, shape (n,); all that have none
            if not given.
    """
    if is_short is None:
        is_short = np.isinf(generated_thresholds)
    columns = (
        probabilities, n_words, human_thresholds, generated_thresholds, is_outlier, is_prose,
        is_short,
    )  # fmt: skip
    verdicts = []
    for probability, words, human, generated, outlier, prose, short in zip(*columns, strict=True):
        if words < MIN_WORDS:
            verdicts.append(Verdict(UNCERTAIN, SHORT))
        elif not prose:
            verdicts.append(Verdict(UNCERTAIN, NO_PROSE))
        elif outlier:
            verdicts.append(Verdict(UNCERTAIN, OUTLIER))
        elif probability >= generated:
            verdicts.append(Verdict(GENERATED, ""))
        elif probability < human:
            verdicts.append(Verdict(HUMAN, ""))
        else:
            verdicts.append(Verdict(UNCERTAIN, _note(generated, guaranteed, short)))
    return verdicts


def says_enough(verdict: str, note: str) -> bool:
    """Whether a text says enough for a verdict, even if it lies between the thresholds."""
    return verdict != UNCERTAIN or note == BETWEEN_THRESHOLDS


def _note(generated_threshold: float, guaranteed: bool, is_short: bool) -> str:
    """Why a text that is prose and long enough for a verdict gets none."""
    if math.isfinite(generated_threshold):
        return BETWEEN_THRESHOLDS
    if not guaranteed:
        return NO_THRESHOLD
    return SHORT_FOR_RATE if is_short else NO_PEOPLE
