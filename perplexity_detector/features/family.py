"""What a feature family is: a pure function from a document to named numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from perplexity_detector.lm.statistics import TokenStatistics
from perplexity_detector.text import sentence_spans, words


@dataclass(frozen=True)
class Document:
    """One text as the families see it: canonical form, its parts, and its token statistics.

    Attributes:
        text: the text in canonical form.
        statistics: what the language model says of each token; empty arrays if it was not asked.
    """

    text: str
    statistics: TokenStatistics = field(default_factory=TokenStatistics.empty)

    @cached_property
    def words(self) -> list[str]:
        """The words of the text, in order, as written."""
        return words(self.text)

    @cached_property
    def sentence_spans(self) -> list[tuple[int, int]]:
        """Start and end of each sentence, in characters of `text`."""
        return sentence_spans(self.text)

    @cached_property
    def sentences(self) -> list[str]:
        """The sentences of the text, in order."""
        return [self.text[start:end] for start, end in self.sentence_spans]

    @cached_property
    def words_by_sentence(self) -> list[list[str]]:
        """The words of each sentence that has any, in order, as written."""
        found = (words(sentence) for sentence in self.sentences)
        return [sentence for sentence in found if sentence]

    @cached_property
    def tokens_by_sentence(self) -> list[np.ndarray]:
        """For each sentence that has tokens, the indices of the tokens that start in it."""
        if not self.sentence_spans:
            return []
        # a GPT-2-style token carries its leading space, so its last character places it
        last = self.statistics.offsets[:, 1] - 1
        starts, ends = np.array(self.sentence_spans).T
        sentence = np.searchsorted(starts, last, side="right") - 1
        inside = np.flatnonzero((sentence >= 0) & (last < ends[sentence]))
        first_of_next = np.flatnonzero(np.diff(sentence[inside])) + 1
        return [tokens for tokens in np.split(inside, first_of_next) if tokens.size]


@dataclass(frozen=True)
class Family:
    """A named group of features.

    Attributes:
        name: prefix of the feature names, `name_feature`.
        version: raised whenever a value changes, so that a saved detector knows.
        labels: feature -> what it measures, in words that follow "high" or "low".
        compute: document -> value per feature, in the order of `labels`.
        reads_tokens: whether it needs the language model's statistics.
    """

    name: str
    version: int
    labels: Mapping[str, str]
    compute: Callable[[Document], dict[str, float]]
    reads_tokens: bool

    @property
    def feature_names(self) -> list[str]:
        """Full names, `family_feature`, in order."""
        return [f"{self.name}_{feature}" for feature in self.labels]

    def values(self, document: Document) -> list[float]:
        """Finite values in the order of `feature_names`; what is not finite becomes 0."""
        computed = self.compute(document)
        return [
            value if math.isfinite(value) else 0.0
            for value in (float(computed[feature]) for feature in self.labels)
        ]
