"""Texts with their features, and detectors fitted on the training texts of one fold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perplexity_detector.classifier.calibration import Calibrator
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.features.cross_fitting import cross_fitted_table, feature_matrix
from perplexity_detector.features.document import Document
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.family import Family, LearnedFamily
from perplexity_detector.features.registry import FAMILIES, available_families, default_families
from perplexity_detector.sampling.balance import balancing_weights
from perplexity_detector.sampling.splits import Split, group_folds, merge_related_sources


@dataclass(frozen=True)
class Texts:
    """Labelled texts and what the language model returned for them.

    Attributes:
        rows: id, source, generated, prompt_id, ..., one row a text.
        documents: the texts, read by the language model.
        fixed_features: features of the families that need no fitting, shape (n, features).
    """

    rows: pd.DataFrame
    documents: list[Document]
    fixed_features: np.ndarray

    @classmethod
    def read(cls, rows: pd.DataFrame, extractor: FeatureExtractor) -> Texts:
        """Read canonical texts with an extractor of every family."""
        documents = extractor.read_documents(rows["text"])
        fixed = np.hstack([feature_matrix(family, documents) for family in FAMILIES.values()])
        return cls(rows.reset_index(drop=True), documents, fixed)

    @classmethod
    def unread(cls, rows: pd.DataFrame, documents: Sequence[Document] | None = None) -> Texts:
        """Texts without features, for baselines that compute their own."""
        if documents is None:
            documents = [Document(text) for text in rows["text"]]
        return cls(rows, list(documents), np.empty((len(rows), 0)))

    @property
    def labels(self) -> np.ndarray:
        """0 human, 1 generated, shape (n,)."""
        return self.rows["generated"].to_numpy(np.int64)

    @property
    def tokens(self) -> np.ndarray:
        """Tokens of each text, shape (n,)."""
        return np.array([document.token_count for document in self.documents], np.int64)


@dataclass(frozen=True)
class FoldData:
    """Training data of a fold: texts, families fitted on them, and cross-fitted features.

    Attributes:
        index: rows of `Texts` that are trained on, integers of shape (n,).
        documents: n of them.
        labels: shape (n,).
        sources: integers of shape (n,).
        splits: folds within the training texts, as `group_folds` returns them.
        families: every family; the learned ones are fitted on all n texts.
        table: features, shape (n, features); those of learned families are cross-fitted.
        calibration_mask: texts that set probabilities and thresholds, bool of shape (n,).
    """

    index: np.ndarray
    documents: list[Document]
    labels: np.ndarray
    sources: np.ndarray
    splits: list[Split]
    families: list[Family]
    table: np.ndarray
    calibration_mask: np.ndarray

    @classmethod
    def from_texts(cls, texts: Texts, train_mask: np.ndarray) -> FoldData:
        """Fit the learned families on the marked texts, bool of shape (texts,)."""
        index = np.flatnonzero(train_mask)
        rows = texts.rows.iloc[index]
        documents = [texts.documents[i] for i in index]
        labels = texts.labels[index]
        sources = pd.factorize(rows["source"])[0]
        prompts = rows["prompt_id"].tolist()
        splits = group_folds(labels, merge_related_sources(sources, prompts), prompts)
        families: list[Family] = list(FAMILIES.values())
        columns = [texts.fixed_features[index]]
        for learner in available_families().values():
            if isinstance(learner, LearnedFamily):
                columns.append(cross_fitted_table(learner, documents, labels, sources, splits))
                families.append(learner.family(learner.fit(documents, labels, sources)))
        calibration_mask = rows["calibration_mask"].to_numpy(bool)
        table = np.hstack(columns)
        return cls(index, documents, labels, sources, splits, families, table, calibration_mask)

    @property
    def feature_names(self) -> list[str]:
        """Names of the columns of `table`."""
        return [name for family in self.families for name in family.feature_names]

    def transform(self, texts: Texts, mask: np.ndarray) -> np.ndarray:
        """Features of other texts that are marked, shape (marked, features)."""
        index = np.flatnonzero(mask)
        documents = [texts.documents[i] for i in index]
        learned = [feature_matrix(family, documents) for family in self.families[len(FAMILIES) :]]
        return np.hstack([texts.fixed_features[index], *learned])

    def columns_at_depth(self, depth: float) -> list[int]:
        """Columns of a detector that reads this share of the language model's blocks."""
        families = available_families(depth)
        names = {name for one in default_families(depth) for name in families[one].feature_names}
        return [column for column, name in enumerate(self.feature_names) if name in names]

    def columns_of(self, is_chosen: Callable[[str], bool]) -> list[int]:
        """Columns of the families whose name is chosen."""
        family_of_column = [family.name for family in self.families for _ in family.labels]
        return [column for column, name in enumerate(family_of_column) if is_chosen(name)]


@dataclass(frozen=True)
class FittedFold:
    """A detector over some of the features, calibrated on out-of-fold scores.

    Attributes:
        data: what it was fitted on.
        detector: its trees, and its outlier check.
        calibrator: turns the trees' scores into probabilities.
        columns: the features that the detector uses.
    """

    data: FoldData
    detector: TextDetector
    calibrator: Calibrator
    columns: list[int]

    @classmethod
    def fit(cls, data: FoldData, columns: Sequence[int]) -> FittedFold:
        """Fit trees and calibrator on a fold's training data."""
        tokens = np.array([document.token_count for document in data.documents], np.int64)
        detector = TextDetector(n_jobs=1)
        names = [data.feature_names[i] for i in columns]
        table = data.table[:, columns]
        scores = detector.fit_table(table, data.labels, data.sources, data.splits, names)
        weights = balancing_weights(data.labels, data.sources)
        mask = data.calibration_mask
        calibrator = Calibrator.fit(scores[mask], data.labels[mask], weights[mask], tokens[mask])
        return cls(data, detector, calibrator, list(columns))

    def probabilities(self, table: np.ndarray) -> np.ndarray:
        """Probabilities from features of all families, shape (n, features)."""
        return self.calibrator.probabilities(self.detector.raw_scores(table[:, self.columns]))
