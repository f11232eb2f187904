"""Raw scores of a classifier -> probabilities, and the thresholds that keep an error rate."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import expit, logit
from scipy.stats import binomtest

from perplexity_detector.errors import InputError

#: False-positive rates whose thresholds are written into an artefact for a person to read.
RATES = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1)
#: A length bin has its own threshold where this many false positives are expected in it: fewer
#: say little about the rate.
MIN_FALSE_POSITIVES_PER_BIN = 5
MAX_BINS = 5
#: Confidence of an upper bound on a rate.
CONFIDENCE = 0.95
#: The share of calibration texts that are shorter than `Calibrator.min_tokens`.
SHORTEST_QUANTILE = 0.005


@dataclass(frozen=True)
class Threshold:
    """The probability from which a text counts as generated, at one rate and in one length bin.

    Attributes:
        probability: infinity where no threshold keeps the rate.
        from_tokens: lower end of the length bin, in tokens.
        n_human: number of human texts that set it.
        fpr_upper_bound: one-sided 95 % Clopper-Pearson bound on the false-positive rate among
            texts like these.
    """

    probability: float
    from_tokens: int
    n_human: int
    fpr_upper_bound: float


@dataclass(frozen=True)
class Calibrator:
    """Platt's sigmoid, and the out-of-fold probabilities that set the thresholds.

    Attributes:
        slope: of the sigmoid over the raw score; positive.
        intercept: of the sigmoid.
        human_scores: probabilities of human texts, ascending, float64 of shape (n,).
        generated_scores: probabilities of generated texts, ascending.
        human_lengths: tokens of each human text, int64 of shape (n,); all 0 if the classifier
            reads no tokens.
    """

    slope: float
    intercept: float
    human_scores: np.ndarray
    generated_scores: np.ndarray
    human_lengths: np.ndarray

    @classmethod
    def fit(
        cls, raw_scores: np.ndarray, labels: np.ndarray, weights: np.ndarray, tokens: np.ndarray
    ) -> Calibrator:
        """Fit on out-of-fold raw scores (Platt 1999).

        Args:
            raw_scores: log-odds of texts that the scoring classifier was not trained on, shape
                (n,).
            labels: 0 or 1, shape (n,).
            weights: of the texts, shape (n,). If both classes weigh alike, the probabilities
                assume that a text is as likely generated as not before it is read.
            tokens: length of each text, shape (n,).
        """
        from sklearn.linear_model import LogisticRegression

        # Platt's targets, a little short of 0 and 1, keep few texts from promising certainty:
        # each text counts as both classes, with these weights
        n_human, n_generated = np.count_nonzero(labels == 0), np.count_nonzero(labels == 1)
        target = np.where(labels == 1, (n_generated + 1) / (n_generated + 2), 1 / (n_human + 2))
        sigmoid = LogisticRegression(C=np.inf).fit(
            np.tile(raw_scores, 2)[:, None],
            np.repeat([1, 0], len(labels)),
            np.concatenate([weights * target, weights * (1 - target)]),
        )
        slope, intercept = float(sigmoid.coef_[0, 0]), float(sigmoid.intercept_[0])
        if slope <= 0:  # the scores do not separate the classes: only the mean is left
            slope, intercept = 1e-6, float(logit(np.average(target, weights=weights)))
        unset = cls(slope, intercept, np.zeros(0), np.zeros(0), np.zeros(0, np.int64))
        probabilities = unset.probabilities(raw_scores)
        generated = np.sort(probabilities[labels == 1])
        return replace(unset, generated_scores=generated).with_human_scores(
            probabilities[labels == 0], np.asarray(tokens)[labels == 0]
        )

    def with_human_scores(self, probabilities: np.ndarray, tokens: np.ndarray) -> Calibrator:
        """The same sigmoid, with thresholds set by other human texts; both of shape (n,)."""
        order = np.argsort(probabilities, kind="stable")
        lengths = np.asarray(tokens, np.int64)[order]
        return replace(self, human_scores=np.asarray(probabilities)[order], human_lengths=lengths)

    def probabilities(self, raw_scores: np.ndarray) -> np.ndarray:
        """Probability that a text is generated, shape (n,), from raw scores, shape (n,)."""
        return np.asarray(expit(self.log_odds(raw_scores)))

    def log_odds(self, raw_scores: np.ndarray) -> np.ndarray:
        """Calibrated log-odds that a text is generated, shape (n,), from raw scores, shape (n,)."""
        return np.asarray(self.slope * raw_scores + self.intercept)

    # --- thresholds -------------------------------------------------------------------------

    def threshold_at(self, fpr: float, n_tokens: int | None = None) -> float:
        """The probability from which a text of a length counts as generated.

        Conformal: of n human texts that were scored out of fold, the ceil((n + 1)(1 - fpr))-th
        smallest probability must be exceeded. A new human text from the same distribution
        exceeds it with probability at most `fpr` (Vovk 2005, split conformal; cross-conformal,
        Vovk 2015, for the folds of `CalibratedClassifier.fit`). If n is too small to promise
        that, no text counts as generated.

        Args:
            fpr: false-positive rate, in (0, 1).
            n_tokens: length of the text, which chooses the human texts it is compared with; all
                of them if not given.

        Returns:
            A probability; infinity where no threshold keeps the rate.

        Raises:
            InputError: the rate is not in (0, 1).
        """
        if n_tokens is None:
            return conformal_threshold(self.human_scores, fpr)
        return float(self.thresholds(fpr, np.array([n_tokens]))[0])

    def thresholds(self, fpr: float, tokens: np.ndarray) -> np.ndarray:
        """`threshold_at` for each length, shape (n,).

        A text shorter than `min_tokens` has an infinite threshold and never counts as generated.
        """
        bins = self.length_bins(fpr)
        bin_index = np.searchsorted([one.from_tokens for one in bins], tokens, side="right") - 1
        known = np.array([one.probability for one in bins])[np.maximum(bin_index, 0)]
        return np.where(bin_index < 0, math.inf, known)

    def length_bins(self, fpr: float) -> list[Threshold]:
        """Thresholds per equal-count length bin, from short texts to long ones.

        Length-conditional (Mondrian) conformal prediction: each bin holds the rate by itself.
        The bins of a rate are computed once.
        """
        if fpr not in self._bins_of_rate:
            self._bins_of_rate[fpr] = self._compute_bins(fpr)
        return self._bins_of_rate[fpr]

    @cached_property
    def _bins_of_rate(self) -> dict[float, list[Threshold]]:
        return {}

    def _compute_bins(self, fpr: float) -> list[Threshold]:
        n_human = len(self.human_scores)
        n_bins = int(np.clip(n_human * fpr / MIN_FALSE_POSITIVES_PER_BIN, 1, MAX_BINS))
        inner = np.arange(1, n_bins) / n_bins
        edges = np.quantile(self.human_lengths, inner) if n_human else np.zeros(0)
        starts = np.unique(np.concatenate([[self.min_tokens], edges])).astype(np.int64)
        bins = []
        for start, end in zip(starts, [*starts[1:], math.inf], strict=True):
            inside = self.human_scores[(self.human_lengths >= start) & (self.human_lengths < end)]
            threshold = conformal_threshold(inside, fpr)
            flagged = int(np.count_nonzero(inside >= threshold))
            bound = clopper_pearson_upper(flagged, len(inside))
            bins.append(Threshold(threshold, int(start), len(inside), bound))
        return bins

    @cached_property
    def min_tokens(self) -> int:
        """Shorter texts get no threshold: only 1 in 200 calibration texts is so short."""
        if not len(self.human_lengths):
            return 0
        return int(np.quantile(self.human_lengths, SHORTEST_QUANTILE))

    def threshold_at_fnr(self, fnr: float) -> float:
        """The probability below which at most `fnr` of the generated texts lie."""
        rank = math.floor((len(self.generated_scores) + 1) * fnr)
        return float(self.generated_scores[rank - 1]) if rank else -math.inf

    def can_guarantee(self, fpr: float) -> bool:
        """Whether there are enough human texts for a threshold at this rate, at any length."""
        return any(math.isfinite(one.probability) for one in self.length_bins(fpr))

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
                        "from_tokens": one.from_tokens,
                        "probability": one.probability if one.probability <= 1 else None,
                        "n_human": one.n_human,
                        "fpr_upper_bound": one.fpr_upper_bound,
                    }
                    for one in self.length_bins(rate)
                ]
                for rate in RATES
            },
            "human_scores": self.human_scores.tolist(),
            "human_lengths": self.human_lengths.tolist(),
            "generated_scores": self.generated_scores.tolist(),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Calibrator:
        """The inverse of `to_json`.

        Raises:
            ValueError: no calibrator has such values.
            KeyError, TypeError: one is missing, or of another type.
        """
        read = cls(
            float(values["slope"]),
            float(values["intercept"]),
            np.asarray(values["human_scores"], np.float64),
            np.asarray(values["generated_scores"], np.float64),
            np.asarray(values["human_lengths"], np.int64),
        )
        read._check()
        return read

    def _check(self) -> None:
        if not (0 < self.slope < math.inf and math.isfinite(self.intercept)):
            raise ValueError("the sigmoid does not rise")
        for scores in (self.human_scores, self.generated_scores):
            # a comparison with NaN is false
            if scores.ndim != 1 or not ((scores >= 0) & (scores <= 1)).all():
                raise ValueError("probabilities lie between 0 and 1")
            if not (np.diff(scores) >= 0).all():
                raise ValueError("the probabilities do not ascend")
        lengths = self.human_lengths
        if lengths.shape != self.human_scores.shape or (lengths < 0).any():
            raise ValueError("there is no length of each text")


def conformal_threshold(human_scores: np.ndarray, fpr: float) -> float:
    """See `Calibrator.threshold_at`; `human_scores` are ascending, shape (n,)."""
    if not 0 < fpr < 1:
        raise InputError(f"A false-positive rate lies between 0 and 1, not at {fpr}.", "fpr")
    rank = math.ceil((len(human_scores) + 1) * (1 - fpr))
    if rank > len(human_scores):
        return math.inf
    return float(np.nextafter(human_scores[rank - 1], math.inf))


def clopper_pearson_upper(flagged: int, total: int) -> float:
    """One-sided upper bound on a rate of which `flagged` of `total` were seen (1934)."""
    if flagged >= total:
        return 1.0
    test = binomtest(flagged, total, alternative="less")
    return float(test.proportion_ci(CONFIDENCE, method="exact").high)
