"""Hand-made rules: a point for each that a text meets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from perplexity_detector.classifier.assessment import Assessment
from perplexity_detector.detectors.baselines.baseline import Baseline, TextOnlyExtractor
from perplexity_detector.features.document import Document
from perplexity_detector.features.series import mean, ratio, std
from perplexity_detector.features.stylometry import stylometry_features


class Rule(NamedTuple):
    """A heuristic: one number of the text, and the range in which it looks generated.

    Attributes:
        name: what it is called.
        feature: of `stylometry_features`, or `evenness`.
        minimum: lower end of the range; None if it has none.
        maximum: upper end of the range; None if it has none.
        sentence: the reason given for a text that meets it.
    """

    name: str
    feature: str
    minimum: float | None
    maximum: float | None
    sentence: str

    def matches(self, value: float) -> bool:
        """Whether a value lies in the range."""
        return (self.minimum is None or value >= self.minimum) and (
            self.maximum is None or value <= self.maximum
        )


#: Set by hand from what is commonly said of generated texts, not fitted. Rates are per 100 words.
RULES = (
    Rule("connectives", "connectives", 1.5, None, "many connectives such as moreover"),
    Rule("contractions", "contractions", None, 0.0, "no contraction such as don't"),
    Rule("evenness", "evenness", None, 0.4, "sentences of much the same length"),
    Rule("impersonal", "first_person_singular", None, 0.5, "hardly an I, me or my"),
    Rule("long_words", "long_words", 0.25, None, "a quarter of the words or more are long"),
    Rule("abstract", "abstract_nouns", 2.5, None, "many abstract nouns in -tion, -ment or -ity"),
    Rule("triples", "triples", 0.5, None, "lists of three"),
    Rule("importance", "importance", 0.5, None, "words of importance such as crucial"),
)


class Rules(Baseline):
    """One point for each of `RULES` that a text meets; only the calibrator is fitted."""

    name = "rules"
    extractor_class = TextOnlyExtractor

    def compute_features(self, documents: Sequence[Document]) -> np.ndarray:
        """Which rules each text meets, bool of shape (n, rules)."""
        met = [rules_met(document) for document in documents]
        return np.array(met, bool).reshape(len(documents), len(RULES))

    def fit_features(
        self, features: np.ndarray, labels: np.ndarray, sources: np.ndarray
    ) -> dict[str, np.ndarray]:
        """No arrays: only the calibrator is fitted."""
        return {}

    def score_features(self, features: np.ndarray, fitted: dict[str, np.ndarray]) -> np.ndarray:
        """Points, from 0 to the number of rules, shape (n,)."""
        return np.asarray(features.sum(axis=1), np.float64)

    def reasons(self, assessments: Sequence[Assessment]) -> list[list[str]]:
        """The rules that each text meets."""
        return [
            [rule.sentence for rule, met in zip(RULES, one.features, strict=True) if met]
            or ["meets no rule"]
            for one in assessments
        ]


def rules_met(document: Document) -> list[bool]:
    """For each of `RULES`, whether a text meets it."""
    lengths = np.array([len(words) for words in document.words_by_sentence], np.float64)
    values = stylometry_features(document)
    values["evenness"] = ratio(std(lengths), mean(lengths))  # coefficient of variation
    return [rule.matches(values[rule.feature]) for rule in RULES]
