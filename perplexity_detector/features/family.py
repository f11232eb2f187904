"""Feature families: functions from a document to named numbers, fixed or fitted to texts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from perplexity_detector.features.document import Document, Inputs
from perplexity_detector.lm.outputs import TokenIds


@dataclass(frozen=True)
class Family:
    """A named group of features.

    Attributes:
        name: prefix of the feature names, `name_feature`.
        version: raised whenever a value changes; a saved detector checks it.
        labels: feature -> what it measures, a noun phrase.
        compute: document -> value per feature, in the order of `labels`.
        requires: the input of a document that it needs.
    """

    name: str
    version: int
    labels: Mapping[str, str]
    compute: Callable[[Document], dict[str, float]]
    requires: Inputs

    @property
    def feature_names(self) -> list[str]:
        """Full names, `family_feature`, in order."""
        return [f"{self.name}_{feature}" for feature in self.labels]

    def values(self, document: Document) -> list[float]:
        """Values in the order of `feature_names`; 0 in place of infinity and NaN."""
        computed = self.compute(document)
        return [
            value if math.isfinite(value) else 0.0
            for value in (float(computed[feature]) for feature in self.labels)
        ]


def _few_tokens(arrays: Mapping[str, np.ndarray]) -> Document:
    return Document("A trial.", tokens=TokenIds(np.arange(6), np.zeros((6, 2), np.int32)))


@dataclass(frozen=True)
class LearnedFamily:
    """A family that is fitted to labelled documents; its state is a few arrays.

    Attributes:
        name: prefix of the feature names.
        version: raised whenever a value changes.
        labels: feature -> what it measures.
        fit: documents, labels (0 or 1) and sources (integers), shape (n,) each -> arrays.
        compute: document and arrays -> value per feature, in the order of `labels`.
        requires: the input of a document that it needs.
        prepare: arrays as they are stored -> as `compute` takes them.
        trial: arrays -> a document of their sizes, with which to check them.
    """

    name: str
    version: int
    labels: Mapping[str, str]
    fit: Callable[[Sequence[Document], np.ndarray, np.ndarray], dict[str, np.ndarray]]
    compute: Callable[[Document, Mapping[str, np.ndarray]], dict[str, float]]
    requires: Inputs
    prepare: Callable[[Mapping[str, np.ndarray]], Mapping[str, np.ndarray]] = dict
    trial: Callable[[Mapping[str, np.ndarray]], Document] = _few_tokens

    @property
    def feature_names(self) -> list[str]:
        """Full names, `family_feature`, in order."""
        return [f"{self.name}_{feature}" for feature in self.labels]

    def family(self, arrays: Mapping[str, np.ndarray]) -> Family:
        """The fitted family with these arrays."""
        # a partial can be pickled for another process, a closure cannot
        compute = partial(_compute_with, self.compute, self.prepare(arrays))
        return Family(self.name, self.version, self.labels, compute, self.requires)


def _compute_with(
    compute: Callable[[Document, Mapping[str, np.ndarray]], dict[str, float]],
    arrays: Mapping[str, np.ndarray],
    document: Document,
) -> dict[str, float]:
    return compute(document, arrays)
