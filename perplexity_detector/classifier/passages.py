"""Passages of a text that read as generated, and the share of a text that a model wrote."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perplexity_detector.sampling.balance import balancing_weights

if TYPE_CHECKING:
    from typing import Self

#: The largest share of people's texts in which any passage may be marked.
MAX_RATE = 0.01
#: A sentence counts for a passage if its evidence is beyond that of this share of people's.
BASELINE_QUANTILE = 0.95
#: Share of people's texts whose best passages make up the tail that is extrapolated.
TAIL_RATE = 0.05
#: With fewer people's texts there is too little of that tail.
MIN_PEOPLE = 400
#: Confidence of the interval of a share.
CONFIDENCE = 0.9
#: The interval's half width in units of log-likelihood: half the 90 % quantile of chi-squared with
#: one degree of freedom.
_HALF_WIDTH = 1.353
#: A text is generated as a whole if its share may be as large as this.
WHOLE = 0.9
#: Shares whose likelihoods are computed.
_GRID = np.arange(101) / 100
#: Dispersions that are tried; 1 is that of independent sentences.
_DISPERSIONS = np.arange(1.0, 20.5, 0.5)
#: Evidence beyond this, in log-odds, counts no more.
_MAX_EVIDENCE = 20.0


@dataclass(frozen=True)
class Share:
    """A share of a text's sentences, with its interval.

    Attributes:
        value: from 0 to 1.
        low: lower end of the 90 % interval.
        high: upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Passages:
    """The marked passages of a text, and the share of its sentences that a model wrote.

    Attributes:
        spans: start and end of each passage, in characters of the canonical text, in order.
        share: 0, and from 0, if no passage is marked.
    """

    spans: tuple[tuple[int, int], ...]
    share: Share

    @property
    def is_part(self) -> bool:
        """Whether a part of the text is marked, and the whole is surely not generated."""
        return bool(self.spans) and self.share.high < WHOLE


@dataclass(frozen=True)
class PassageDetector:
    """Marks passages whose sentences together have more evidence than people's texts have.

    Evidence is calibrated to log-odds, and what a sentence has beyond `baseline` is its score. A
    passage is a maximal scoring segment (Ruzzo and Tompa 1999): a run of sentences with the
    largest sum, and then those to its left and right. It is marked if the sum reaches a threshold
    that the largest sum of a text by a person reaches at the chosen rate. These sums have an
    exponential tail, and grow with the logarithm of a text's length (Karlin and Altschul 1990).

    The share of generated sentences is the maximum-likelihood weight of a mixture of both classes'
    sentences, with a profile-likelihood interval. Sentences of a text are alike, so the likelihood
    is divided by a dispersion with which the interval covers people's and models' texts as often
    as it should.

    Attributes:
        slope: of the calibration of evidence to log-odds.
        intercept: of the same.
        baseline: `BASELINE_QUANTILE` of the log-odds of people's sentences.
        tail_start: sum that `TAIL_RATE` of people's texts reach.
        tail_scale: mean of what those have beyond it.
        n_sentences: of people's texts, the mean.
        dispersion: from 1.
    """

    slope: float
    intercept: float
    baseline: float
    tail_start: float
    tail_scale: float
    n_sentences: float
    dispersion: float

    @classmethod
    def fit(
        cls, evidence: Sequence[np.ndarray], labels: np.ndarray, sources: np.ndarray
    ) -> Self | None:
        """Fit on texts that what gave the evidence was not fitted to.

        Args:
            evidence: of the sentences of n texts, shape (sentences,) each.
            labels: 0 or 1, shape (n,).
            sources: integers, shape (n,).

        Returns:
            None with fewer than `MIN_PEOPLE` texts by people, or none by models.
        """
        from sklearn.linear_model import LogisticRegression

        known = np.array([bool(len(one)) for one in evidence], bool)
        evidence = [one for one in evidence if len(one)]
        labels, sources = labels[known], sources[known]
        human = labels == 0
        if human.sum() < MIN_PEOPLE or human.all():
            return None
        lengths = np.array([len(one) for one in evidence])
        weights = balancing_weights(labels, sources)
        by_sentence = np.concatenate(evidence)
        sentence_weights = np.repeat(weights / lengths, lengths)
        regression = LogisticRegression(C=np.inf).fit(
            by_sentence[:, None], np.repeat(labels, lengths), sample_weight=sentence_weights
        )
        slope, intercept = float(regression.coef_[0, 0]), float(regression.intercept_[0])
        of_people = np.repeat(human, lengths)
        baseline = _weighted_quantile(
            slope * by_sentence[of_people] + intercept,
            sentence_weights[of_people],
            BASELINE_QUANTILE,
        )
        log_odds = [slope * one + intercept for one in evidence]
        people = [one for one, is_human in zip(log_odds, human, strict=True) if is_human]
        sums = np.array([_best_segment(one - baseline)[2] for one in people])
        start = _weighted_quantile(sums, weights[human], 1 - TAIL_RATE)
        beyond = sums > start
        return cls(
            slope,
            intercept,
            baseline,
            start,
            float(np.average(sums[beyond] - start, weights=weights[human][beyond])),
            float(np.average(lengths[human], weights=weights[human])),
            _fit_dispersion(log_odds, labels, weights),
        )

    def log_odds(self, evidence: np.ndarray) -> np.ndarray:
        """Calibrated log-odds that each sentence is generated, shape (sentences,)."""
        return np.asarray(self.slope * evidence + self.intercept)

    def find(
        self, evidence: np.ndarray, sentence_spans: Sequence[tuple[int, int]], rate: float
    ) -> Passages:
        """Mark passages of a text, and estimate its share of generated sentences.

        Args:
            evidence: of its sentences, shape (sentences,).
            sentence_spans: start and end of each sentence, in characters.
            rate: share of people's texts of this length in which any passage may be marked.
        """
        runs = self.marked_runs(evidence, rate)
        share = self.share(evidence)
        if not runs:
            return Passages((), Share(0.0, 0.0, share.high))
        spans = [(sentence_spans[first][0], sentence_spans[last - 1][1]) for first, last in runs]
        return Passages(tuple(spans), share)

    def marked_runs(self, evidence: np.ndarray, rate: float) -> list[tuple[int, int]]:
        """First and past-the-last sentence of each marked passage, in order."""
        scores = self.log_odds(evidence) - self.baseline
        return _maximal_segments(scores, self.threshold(len(evidence), rate))

    def threshold(self, n_sentences: int, rate: float) -> float:
        """The sum from which a passage of a text of so many sentences is marked."""
        expected = TAIL_RATE * n_sentences / self.n_sentences
        # below the start of the tail its form is not known
        beyond = max(0.0, math.log(max(expected, 1e-9) / rate))
        return self.tail_start + self.tail_scale * beyond

    def share(self, evidence: np.ndarray) -> Share:
        """The share of sentences that a model wrote; from 0 to 1 without sentences."""
        log_likelihood = _log_likelihood(self.log_odds(evidence))
        drop = (log_likelihood.max() - log_likelihood) / self.dispersion
        inside = _GRID[drop <= _HALF_WIDTH]
        return Share(float(_GRID[log_likelihood.argmax()]), float(inside[0]), float(inside[-1]))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """What was fitted, for a file."""
        return {name: np.array([value]) for name, value in vars(self).items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """The inverse of `to_arrays`."""
        found = cls(**{name: float(array[0]) for name, array in arrays.items()})
        if not (found.tail_scale > 0 and found.n_sentences > 0 and found.dispersion > 0):
            raise ValueError("a scale of passages is not positive")
        return found


def _best_segment(scores: np.ndarray) -> tuple[int, int, float]:
    """Start, stop and sum of the run of scores with the largest sum; 0, 0, 0 if none is positive.

    Example:
        >>> _best_segment(np.array([1.0, -3.0, 2.0, -1.0, 2.0]))
        (2, 5, 3.0)
    """
    sums = np.concatenate([[0.0], np.cumsum(scores)])
    rises = sums - np.minimum.accumulate(sums)
    stop = int(rises.argmax())
    if rises[stop] <= 0:
        return 0, 0, 0.0
    return int(sums[: stop + 1].argmin()), stop, float(rises[stop])


def _maximal_segments(scores: np.ndarray, threshold: float) -> list[tuple[int, int]]:
    """Maximal scoring segments whose sum reaches a threshold above 0, in order."""
    found, waiting = [], [(0, len(scores))]
    while waiting:
        start, stop = waiting.pop()
        first, last, total = _best_segment(scores[start:stop])
        if total >= threshold and last > first:
            found.append((start + first, start + last))
            waiting += [(start, start + first), (start + last, stop)]
    return sorted(found)


def _log_likelihood(log_odds: np.ndarray) -> np.ndarray:
    """Log-likelihood of each share of `_GRID`, up to a constant, shape (101,)."""
    ratios = np.exp(np.clip(log_odds, -_MAX_EVIDENCE, _MAX_EVIDENCE))
    return np.asarray(np.log(1 + _GRID[:, None] * (ratios - 1)).sum(axis=1))


def _fit_dispersion(
    log_odds: Sequence[np.ndarray], labels: np.ndarray, weights: np.ndarray
) -> float:
    """The smallest dispersion with which `CONFIDENCE` of the intervals cover 0 or 1, the truth."""
    likelihoods = np.array([_log_likelihood(one) for one in log_odds])
    at_truth = likelihoods[np.arange(len(labels)), np.where(labels == 1, -1, 0)]
    drops = likelihoods.max(axis=1) - at_truth
    covered = [
        np.average(drops <= _HALF_WIDTH * dispersion, weights=weights)
        for dispersion in _DISPERSIONS
    ]
    enough = int(np.searchsorted(covered, CONFIDENCE))
    return float(_DISPERSIONS[min(enough, len(covered) - 1)])


def _weighted_quantile(values: np.ndarray, weights: np.ndarray, level: float) -> float:
    return float(np.quantile(values, level, weights=weights, method="inverted_cdf"))
