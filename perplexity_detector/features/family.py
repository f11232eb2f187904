"""What a feature family is: a function from a document to named numbers, given or learned."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Literal

import numpy as np

from perplexity_detector.lm.outputs import Reading, Tokens
from perplexity_detector.lm.pooling import PooledStates
from perplexity_detector.lm.token_statistics import TokenStatistics
from perplexity_detector.text import sentence_spans, words

#: What of a document a family reads.
Reads = Literal["text", "statistics", "tokens", "states"]


@dataclass(frozen=True)
class Document:
    """One text as the families see it: canonical form, its parts, and its token statistics.

    Attributes:
        text: the text in canonical form.
        statistics: what the language model says of each token; empty arrays if it was not asked.
        tokens: of the text in lower case; empty arrays if they were not asked for.
        states: hidden states of each sentence; those of an empty text if they were not asked for.
    """

    text: str
    statistics: TokenStatistics = field(default_factory=TokenStatistics.empty)
    tokens: Tokens = field(default_factory=Tokens.empty)
    states: PooledStates = field(default_factory=PooledStates.empty)

    @classmethod
    def of(cls, text: str, reading: Reading, tokens: Tokens) -> Document:
        """A text, what a pass left of it, and its tokens in lower case."""
        return cls(
            text,
            reading.statistics or TokenStatistics.empty(),
            tokens,
            reading.states or PooledStates.empty(),
        )

    @property
    def token_count(self) -> int:
        """Tokens of the text, by whatever was read of it; 0 if none was."""
        # the last token of a text is not read, and has no state
        states = int(self.states.tokens.sum()) + 1 if self.states.tokens.size else 0
        return max(len(self.statistics), states, len(self.tokens.ids))

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
        """For each sentence in which a token ends, the indices of those tokens."""
        return grouped_by_sentence(self.text, self.statistics.offsets)


def grouped_by_sentence(text: str, offsets: np.ndarray) -> list[np.ndarray]:
    """For each sentence in which a token ends, the indices of those tokens.

    Args:
        text: as it was tokenised.
        offsets: first and past-the-last character of each token, shape (n, 2).
    """
    if not (spans := sentence_spans(text)):
        return []
    # a GPT-2-style token carries its leading space, so its last character places it
    last = offsets[:, 1] - 1
    starts, ends = np.array(spans).T
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
        reads: what of the document it needs.
    """

    name: str
    version: int
    labels: Mapping[str, str]
    compute: Callable[[Document], dict[str, float]]
    reads: Reads

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


@dataclass(frozen=True)
class Learner:
    """A family that is learned from labelled documents; what it learned is a few arrays.

    Attributes:
        name: prefix of the feature names.
        version: raised whenever a value changes.
        labels: feature -> what it measures.
        learn: documents, labels (0 or 1) and sources (integers), shape (n,) each -> arrays.
        compute: document and arrays -> value per feature, in the order of `labels`.
        reads: what of the document it needs.
    """

    name: str
    version: int
    labels: Mapping[str, str]
    learn: Callable[[Sequence[Document], np.ndarray, np.ndarray], dict[str, np.ndarray]]
    compute: Callable[[Document, Mapping[str, np.ndarray]], dict[str, float]]
    reads: Reads

    @property
    def feature_names(self) -> list[str]:
        """Full names, `family_feature`, in order."""
        return [f"{self.name}_{feature}" for feature in self.labels]

    def family(self, arrays: Mapping[str, np.ndarray]) -> Family:
        """The family that the arrays make of it."""
        # not a closure, which could not go to another process
        compute = partial(_compute_with, self.compute, arrays)
        return Family(self.name, self.version, self.labels, compute, self.reads)


def _compute_with(
    compute: Callable[[Document, Mapping[str, np.ndarray]], dict[str, float]],
    arrays: Mapping[str, np.ndarray],
    document: Document,
) -> dict[str, float]:
    return compute(document, arrays)
