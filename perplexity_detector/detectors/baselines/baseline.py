"""Baseline: the cross-fitting loop that all baselines share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from perplexity_detector.classifier.persistence import ARRAYS_FILE
from perplexity_detector.errors import InputError
from perplexity_detector.explanation.explainable import ExplainableClassifier
from perplexity_detector.features.document import Document
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.family import Family, LearnedFamily
from perplexity_detector.io import tensors
from perplexity_detector.sampling.splits import Split


class TextOnlyExtractor(FeatureExtractor):
    """An extractor without families: a document is the text alone."""

    def chosen_families(self) -> list[Family | LearnedFamily]:
        """No families."""
        return []


class Baseline(ExplainableClassifier):
    """A classifier that defines how it is fitted on features, and how it then scores others.

    Args:
        extractor: reads texts; one with the families that the baseline needs if not given.
        fpr: false-positive rate of `predict` and of verdicts.
        random_state: seed.

    Attributes:
        fitted_: what `fit_features` gave for all training texts.
    """

    #: Families of the features it uses; without any it uses the text.
    families: ClassVar[tuple[str, ...]] = ()
    #: Folds that get out-of-fold scores; all if None.
    n_scored_folds: int | None = None

    fitted_: Any

    def __init__(
        self,
        extractor: FeatureExtractor | None = None,
        fpr: float = 0.01,
        random_state: int = 0,
    ) -> None:
        self.extractor = extractor
        self.fpr = fpr
        self.random_state = random_state

    @abstractmethod
    def fit_features(self, features: Any, labels: np.ndarray, sources: np.ndarray) -> Any:
        """Fit on features; return arrays by name, unless a subclass says otherwise.

        Args:
            features: of n texts, as `compute_features` gives them.
            labels: 0 or 1, shape (n,).
            sources: integers, shape (n,).
        """

    @abstractmethod
    def score_features(self, features: Any, fitted: Any) -> np.ndarray:
        """Raw scores by what `fit_features` returned, shape (n,); higher for generated."""

    def raw_scores(self, features: Any) -> np.ndarray:
        """Scores by what was fitted on all training texts, shape (n,)."""
        return self.score_features(features, self.fitted_)

    def to_files(self) -> dict[str, bytes]:
        """The fitted arrays, if there are any."""
        if not self.artefact_files:
            return {}
        return {ARRAYS_FILE: tensors.to_bytes({self.name: self.fitted_})}

    def load_files(self, files: Mapping[str, bytes]) -> None:
        """The inverse of `to_files`."""
        has_arrays = bool(self.artefact_files)
        self.fitted_ = tensors.from_bytes(files[ARRAYS_FILE])[self.name] if has_arrays else {}

    def _fit_out_of_fold(
        self,
        documents: Sequence[Document],
        labels: np.ndarray,
        sources: np.ndarray,
        splits: list[Split],
    ) -> np.ndarray:
        features = self.compute_features(documents)
        scores = np.full(len(labels), np.nan)
        for train_idx, test_idx in select_folds(splits, labels, self.n_scored_folds):
            fitted = self.fit_features(
                take_rows(features, train_idx), labels[train_idx], sources[train_idx]
            )
            scores[test_idx] = self.score_features(take_rows(features, test_idx), fitted)
        self.fitted_ = self.fit_features(features, labels, sources)
        return scores

    def _default_extractor(self) -> FeatureExtractor:
        return self.extractor_class(self.families)


class TextBaseline(Baseline):
    """A baseline whose features are the texts themselves, in canonical form."""

    extractor_class: ClassVar[type[FeatureExtractor]] = TextOnlyExtractor

    def compute_features(self, documents: Sequence[Document]) -> list[str]:
        """The texts."""
        return [document.text for document in documents]


class ColumnsBaseline(Baseline):
    """A baseline over a few columns of the feature table."""

    #: Full names of the features.
    columns: ClassVar[tuple[str, ...]]

    def compute_features(self, documents: Sequence[Document]) -> np.ndarray:
        """The columns of the feature table, shape (n, columns)."""
        return self.extractor_.transform_documents(documents)[:, self.column_indices()]

    def column_indices(self) -> list[int]:
        """Where the columns are in the extractor's table.

        Raises:
            InputError: the extractor lacks a family that is needed.
        """
        names = self.extractor_.get_feature_names_out().tolist()
        if missing := [name for name in self.columns if name not in names]:
            raise InputError(
                f"The baseline {self.name} needs {missing[0]}: give an extractor with the "
                f"families {', '.join(self.families)}, or none."
            )
        return [names.index(name) for name in self.columns]

    def labels(self) -> list[str]:
        """What each column measures, in words that follow "high" or "low"."""
        labels, _ = self.extractor_.column_labels()
        return [labels[index] for index in self.column_indices()]


def take_rows(features: Any, rows: np.ndarray) -> Any:
    """Some rows of features, which are a list or an array."""
    return [features[row] for row in rows] if isinstance(features, list) else features[rows]


def select_folds(
    splits: list[Split], labels: np.ndarray, n_scored_folds: int | None
) -> list[Split]:
    """As many folds as are wanted, those with most texts of the rarer class first.

    One more is added as long as the chosen ones hold texts of one class only.
    """
    if n_scored_folds is None:
        return splits
    ranked = sorted(splits, key=lambda split: -np.bincount(labels[split[1]], minlength=2).min())
    for count in range(max(1, n_scored_folds), len(ranked)):
        if len(set(np.concatenate([labels[test_idx] for _, test_idx in ranked[:count]]))) == 2:
            return ranked[:count]
    return ranked
