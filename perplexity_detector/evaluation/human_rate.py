"""How often people's texts are flagged, and how many texts it takes to promise a rate."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

from perplexity_detector.errors import InputError
from perplexity_detector.evaluation.metrics import Estimate, proportion

#: Confidence of a promise.
CONFIDENCE = 0.95


def texts_needed(fpr: float, n_flagged: int = 0) -> int:
    """Texts by people, of which so many are flagged, that show a rate of at most `fpr`.

    The smallest n whose one-sided Clopper-Pearson bound on the rate, at 95 % confidence, is at most
    `fpr` (Clopper & Pearson 1934): P(X <= n_flagged) <= 0.05 for X ~ Binomial(n, fpr).

    Args:
        fpr: false-positive rate, in (0, 1).
        n_flagged: texts among them that are flagged.

    Raises:
        InputError: the rate is not in (0, 1).

    Example:
        >>> texts_needed(0.01), texts_needed(0.01, n_flagged=2)
        (299, 628)
    """
    if not 0 < fpr < 1:
        raise InputError(f"A false-positive rate lies between 0 and 1, not at {fpr}.", "fpr")

    def suffice(n: int) -> bool:
        return bool(binom.cdf(n_flagged, n, fpr) <= 1 - CONFIDENCE)

    low, high = n_flagged, n_flagged + 1
    while not suffice(high):
        low, high = high, 2 * high
    while high - low > 1:  # more texts never weaken the promise, so halving finds the first
        middle = (low + high) // 2
        low, high = (low, middle) if suffice(middle) else (middle, high)
    return high


def describe_human_rate(flagged: npt.ArrayLike, fpr: float) -> str:
    """Say how many texts by people were flagged, and what it takes to promise a rate.

    Args:
        flagged: whether each text by a person was flagged, shape (n,), n > 0.
        fpr: the false-positive rate to promise.
    """
    flags = np.asarray(flagged, bool)
    n_flagged = int(flags.sum())
    lines = [f"Texts by people: {share_flagged(flags)}"]
    needed, none = texts_needed(fpr, n_flagged), texts_needed(fpr)
    if len(flags) >= needed:
        lines.append(
            f"At {_percent(CONFIDENCE)} confidence, that promises at most {_percent(fpr)}."
        )
        return "\n".join(lines)
    more = f", or {needed:,} with the {n_flagged:,} flagged here" if n_flagged else ""
    lines.append(
        f"To promise at most {_percent(fpr)} at {_percent(CONFIDENCE)} confidence, it takes "
        f"{none:,} texts by people with none flagged{more}."
    )
    return "\n".join(lines)


def share_flagged(flagged: npt.ArrayLike) -> str:
    """Format how many are flagged, with the 95 % Clopper-Pearson interval of their share."""
    flags = np.asarray(flagged, bool)
    share: Estimate = proportion(flags)
    low, high = _percent(share.low), _percent(share.high)
    return (
        f"{int(flags.sum()):,} of {len(flags):,} flagged, {_percent(share.value)} [{low}, {high}]"
    )


def _percent(rate: float) -> str:
    """A rate in percent, with two digits or more, so that a small one does not become 0."""
    digits = 0 if rate == 0 else max(1, 1 - math.floor(math.log10(100 * rate)))
    return f"{100 * rate:.{digits}f}".rstrip("0").rstrip(".") + " %" if digits else "0 %"
