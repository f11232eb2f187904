"""Margins of a classifier -> probabilities, and the thresholds that keep an error rate."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import betaincinv, expit, logit

from perplexity_detector.errors import InputError

#: Rates whose thresholds are written into an artefact for a person to read.
RATES = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1)
#: Lengths have a threshold of their own where so many people in them may be flagged: fewer say
#: little of the rate.
FLAGGED_PER_BIN = 5
MAX_BINS = 5
#: Confidence of an upper bound.
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Threshold:
    """From which probability on a text counts as generated, at one rate and length.

    Attributes:
        probability: infinity where no threshold keeps the rate.
        from_tokens: the shortest texts it is for.
        people: how many texts by people set it.
        upper: of the real rate among people like these, Clopper and Pearson's one-sided bound
            at 95 %.
    """

    probability: float
    from_tokens: int
    people: int
    upper: float


@dataclass(frozen=True)
class Calibrator:
    """Platt's sigmoid, and the probabilities that texts got from classifiers that never saw them.

    Attributes:
        slope: of the sigmoid over the classifier's margin; positive.
        intercept: of the same.
        human: probabilities of people's texts, rising, float64 of shape (n,).
        generated: of models' texts, rising.
        human_tokens: length of each of people's texts in tokens, int64 of shape (n,); all 0 where
            the classifier reads no tokens.
    """

    slope: float
    intercept: float
    human: np.ndarray
    generated: np.ndarray
    human_tokens: np.ndarray

    @classmethod
    def fit(
        cls, margins: np.ndarray, labels: np.ndarray, weights: np.ndarray, tokens: np.ndarray
    ) -> Calibrator:
        """Fit on texts which the classifiers that gave the margins did not see (Platt 1999).

        Args:
            margins: log-odds by the classifier, shape (n,).
            labels: 0 or 1, shape (n,).
            weights: of the texts; if they let both classes weigh alike, the probabilities are
                those of a text that is as likely generated as not before it is read.
            tokens: length of each text, shape (n,).
        """
        from sklearn.linear_model import LogisticRegression

        # Platt's targets, a little short of 0 and 1, keep few texts from promising certainty:
        # each text counts as both classes, with these shares
        people, models = np.count_nonzero(labels == 0), np.count_nonzero(labels == 1)
        target = np.where(labels == 1, (models + 1) / (models + 2), 1 / (people + 2))
        sigmoid = LogisticRegression(C=np.inf).fit(
            np.tile(margins, 2)[:, None],
            np.repeat([1, 0], len(labels)),
            np.concatenate([weights * target, weights * (1 - target)]),
        )
        slope, intercept = float(sigmoid.coef_[0, 0]), float(sigmoid.intercept_[0])
        if slope <= 0:  # the margins tell nothing of these texts: what is left is the mean
            slope, intercept = 1e-6, float(logit(np.average(target, weights=weights)))
        unset = cls(slope, intercept, np.zeros(0), np.zeros(0), np.zeros(0, np.int64))
        probabilities = unset.probabilities(margins)
        generated = np.sort(probabilities[labels == 1])
        return replace(unset, generated=generated).for_people(
            probabilities[labels == 0], np.asarray(tokens)[labels == 0]
        )

    def for_people(self, probabilities: np.ndarray, tokens: np.ndarray) -> Calibrator:
        """The same sigmoid, with thresholds set by other people's texts, shape (n,) both."""
        order = np.argsort(probabilities, kind="stable")
        lengths = np.asarray(tokens, np.int64)[order]
        return replace(self, human=np.asarray(probabilities)[order], human_tokens=lengths)

    def probabilities(self, margins: np.ndarray) -> np.ndarray:
        """Probability that a text is generated, shape (n,), from margins, shape (n,)."""
        return np.asarray(expit(self.slope * margins + self.intercept))

    # --- thresholds -------------------------------------------------------------------------

    def threshold_at(self, fpr: float, n_tokens: int | None = None) -> float:
        """The probability from which on a text of a length counts as generated.

        Conformal: with n texts by people that were scored by classifiers which never saw them, the
        ceil((n + 1)(1 - fpr))-th smallest of their probabilities must be exceeded. A new text by
        a person drawn like them does so with probability at most `fpr` (Vovk 2005, split
        conformal; where folds take turns, as in `CalibratedClassifier.fit`, cross-conformal,
        Vovk 2015). Where n is too small to promise that, nothing counts as generated.

        Args:
            fpr: false-positive rate, in (0, 1).
            n_tokens: length of the text, which chooses the people it is compared with; all of
                them if not given.

        Returns:
            A probability; infinity where no threshold keeps the rate.

        Raises:
            InputError: no such rate.
        """
        if n_tokens is None:
            return conformal_threshold(self.human, fpr)
        return float(self.thresholds(fpr, np.array([n_tokens]))[0])

    def thresholds(self, fpr: float, tokens: np.ndarray) -> np.ndarray:
        """`threshold_at` of each length, shape (n,).

        A text shorter than nearly all that set the thresholds has none, and never counts as
        generated.
        """
        rungs = self.ladder(fpr)
        place = np.searchsorted([rung.from_tokens for rung in rungs], tokens, side="right") - 1
        known = np.array([rung.probability for rung in rungs])[np.maximum(place, 0)]
        return np.where(place < 0, math.inf, known)

    def ladder(self, fpr: float) -> list[Threshold]:
        """The thresholds of a rate from short texts to long ones: bins of as many people each."""
        expected = len(self.human) * fpr / FLAGGED_PER_BIN
        bins = int(np.clip(expected, 1, MAX_BINS))
        starts = np.quantile(self.human_tokens, np.arange(bins) / bins) if len(self.human) else [0]
        starts = np.unique(np.concatenate([[self.shortest], starts[1:]])).astype(np.int64)
        found = []
        for start, end in zip(starts, [*starts[1:], math.inf], strict=True):
            inside = self.human[(self.human_tokens >= start) & (self.human_tokens < end)]
            threshold = conformal_threshold(inside, fpr)
            flagged = int(np.count_nonzero(inside >= threshold))
            upper = upper_bound(flagged, len(inside))
            found.append(Threshold(threshold, int(start), len(inside), upper))
        return found

    @cached_property
    def shortest(self) -> int:
        """Tokens under which texts are too short: 1 in 200 of those that set thresholds."""
        return int(np.quantile(self.human_tokens, 0.005)) if len(self.human_tokens) else 0

    def threshold_at_miss(self, rate: float) -> float:
        """The probability under which at most `rate` of the models' texts lie."""
        place = math.floor((len(self.generated) + 1) * rate)
        return float(self.generated[place - 1]) if place else -math.inf

    def keeps(self, fpr: float) -> bool:
        """Whether there are people enough for a threshold at this rate, at any length."""
        return any(math.isfinite(rung.probability) for rung in self.ladder(fpr))

    # --- files ------------------------------------------------------------------------------

    def to_json(self) -> dict[str, object]:
        """Plain values for a file; `thresholds` follow from the rest, for a person to read."""
        return {
            "method": "platt",
            "slope": self.slope,
            "intercept": self.intercept,
            "thresholds": {
                f"{rate:g}": [
                    {
                        "from_tokens": rung.from_tokens,
                        "probability": rung.probability if rung.probability <= 1 else None,
                        "people": rung.people,
                        "real_rate_at_most": rung.upper,
                    }
                    for rung in self.ladder(rate)
                ]
                for rate in RATES
            },
            "human": self.human.tolist(),
            "human_tokens": self.human_tokens.tolist(),
            "generated": self.generated.tolist(),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Calibrator:
        """The inverse of `to_json`."""
        return cls(
            float(values["slope"]),
            float(values["intercept"]),
            np.asarray(values["human"], np.float64),
            np.asarray(values["generated"], np.float64),
            np.asarray(values["human_tokens"], np.int64),
        )


def conformal_threshold(human: np.ndarray, fpr: float) -> float:
    """See `Calibrator.threshold_at`; probabilities of people's texts rise, shape (n,)."""
    if not 0 < fpr < 1:
        raise InputError(f"A false-positive rate lies between 0 and 1, not at {fpr}.")
    place = math.ceil((len(human) + 1) * (1 - fpr))
    if place > len(human):
        return math.inf
    return float(np.nextafter(human[place - 1], math.inf))


def upper_bound(flagged: int, people: int) -> float:
    """Of a rate, of which `flagged` of `people` were seen (Clopper and Pearson 1934)."""
    if flagged >= people:
        return 1.0
    return float(betaincinv(flagged + 1, people - flagged, CONFIDENCE))
