"""Margins of a classifier -> probabilities, and the thresholds that keep an error rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit

from perplexity_detector.errors import InputError


@dataclass(frozen=True)
class Calibrator:
    """Platt's sigmoid, and the probabilities that validation texts got.

    Attributes:
        slope: of the sigmoid over the classifier's margin; positive.
        intercept: of the same.
        human: probabilities of people's validation texts, rising, float64 of shape (n,).
        generated: the same of models' texts.
    """

    slope: float
    intercept: float
    human: np.ndarray
    generated: np.ndarray

    @classmethod
    def fit(cls, margins: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> Calibrator:
        """Fit on validation texts, which the classifier did not see (Platt 1999).

        Args:
            margins: log-odds by the classifier, shape (n,).
            labels: 0 or 1, shape (n,).
            weights: of the texts; if they let both classes weigh alike, the probabilities are
                those of a text that is as likely generated as not before it is read.
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
        probabilities = expit(slope * margins + intercept)
        return cls(
            slope,
            intercept,
            np.sort(probabilities[labels == 0]),
            np.sort(probabilities[labels == 1]),
        )

    def probabilities(self, margins: np.ndarray) -> np.ndarray:
        """Probability that a text is generated, shape (n,), from margins, shape (n,)."""
        return np.asarray(expit(self.slope * margins + self.intercept))

    def threshold_at(self, fpr: float) -> float:
        """The probability from which on a text counts as generated.

        Split-conformal: with n validation texts by people, the ceil((n + 1)(1 - fpr))-th smallest
        of their probabilities must be exceeded. A new text by a person drawn like them does so
        with probability at most `fpr` (Vovk 2005). Where n is too small to promise that, nothing
        counts as generated.

        Args:
            fpr: false-positive rate, in (0, 1).

        Returns:
            A probability; infinity where no threshold keeps the rate.

        Raises:
            InputError: no such rate.
        """
        if not 0 < fpr < 1:
            raise InputError(f"A false-positive rate lies between 0 and 1, not at {fpr}.")
        place = math.ceil((len(self.human) + 1) * (1 - fpr))
        if place > len(self.human):
            return math.inf
        return float(np.nextafter(self.human[place - 1], math.inf))

    def threshold_at_miss(self, rate: float) -> float:
        """The probability under which at most `rate` of generated validation texts lie."""
        place = math.floor((len(self.generated) + 1) * rate)
        return float(self.generated[place - 1]) if place else -math.inf

    def to_json(self) -> dict[str, object]:
        """Plain values for a file."""
        return {
            "method": "platt",
            "slope": self.slope,
            "intercept": self.intercept,
            "human": self.human.tolist(),
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
        )
