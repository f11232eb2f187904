"""Texts with their features, and detectors fitted on the training texts of one fold."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import NamedTuple

import numpy as np
import pandas as pd

from perplexity_detector.classifier.calibration import Calibrator
from perplexity_detector.classifier.nearest_people import NearestPeople
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.features.cross_fitting import (
    cross_fit,
    feature_matrix,
    feature_table,
    out_of_fold_table,
)
from perplexity_detector.features.document import Document
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.family import Family, LearnedFamily
from perplexity_detector.features.registry import FAMILIES, available_families, default_families
from perplexity_detector.features.representation import NETWORK_LABELS
from perplexity_detector.sampling.balance import balancing_weights
from perplexity_detector.sampling.splits import Split, group_folds, merge_related_sources

#: Features of hidden states that version 0.2 did not have: it read them by linear probes alone.
SINCE_0_2 = tuple(f"representation_{feature}" for feature in NETWORK_LABELS)


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
        fixed = feature_table(FAMILIES.values(), documents)
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


class Block(NamedTuple):
    """Neighbouring columns of a table: those of one family.

    Attributes:
        family: fitted, if it learns.
        depth: share of the language model's blocks whose hidden states it reads; None if it reads
            none, and so is the same at every depth.
    """

    family: Family
    depth: float | None


@dataclass(frozen=True)
class FoldData:
    """Training data of a fold: texts, families fitted on them, and cross-fitted features.

    A family that reads hidden states is fitted once for each depth.

    Attributes:
        index: rows of `Texts` that are trained on, integers of shape (n,).
        documents: n of them.
        labels: shape (n,).
        sources: integers of shape (n,).
        splits: folds within the training texts, as `group_folds` returns them.
        blocks: every family in the order of the columns; the learned ones come after the fixed
            ones.
        table: features, shape (n, features); those of learned families are cross-fitted.
        calibration_mask: texts that set probabilities and thresholds, bool of shape (n,).
    """

    index: np.ndarray
    documents: list[Document]
    labels: np.ndarray
    sources: np.ndarray
    splits: list[Split]
    blocks: list[Block]
    table: np.ndarray
    calibration_mask: np.ndarray

    @classmethod
    def from_texts(
        cls, texts: Texts, train_mask: np.ndarray, depths: Sequence[float] = (1.0,)
    ) -> FoldData:
        """Fit the learned families of detectors of these depths on the marked texts.

        Args:
            texts: all texts.
            train_mask: bool of shape (texts,).
            depths: shares of the language model's blocks.
        """
        index = np.flatnonzero(train_mask)
        rows = texts.rows.iloc[index]
        documents = [texts.documents[i] for i in index]
        labels = texts.labels[index]
        sources = pd.factorize(rows["source"])[0]
        prompts = rows["prompt_id"].tolist()
        splits = group_folds(labels, merge_related_sources(sources, prompts), prompts)
        blocks = [Block(family, None) for family in FAMILIES.values()]
        columns = [texts.fixed_features[index]]
        for learner, depth in learned_families(depths):
            fits = cross_fit([learner], documents, labels, sources, splits)
            columns.append(out_of_fold_table(learner, documents, fits))
            blocks.append(Block(learner.family(learner.fit(documents, labels, sources)), depth))
        calibration_mask = rows["calibration_mask"].to_numpy(bool)
        table = np.hstack(columns)
        return cls(index, documents, labels, sources, splits, blocks, table, calibration_mask)

    @property
    def feature_names(self) -> list[str]:
        """Names of the columns of `table`; those of different depths may be alike."""
        return [name for block in self.blocks for name in block.family.feature_names]

    def transform(self, texts: Texts, mask: np.ndarray) -> np.ndarray:
        """Features of other texts that are marked, shape (marked, features)."""
        index = np.flatnonzero(mask)
        documents = [texts.documents[i] for i in index]
        blocks = self.blocks[len(FAMILIES) :]
        learned = [feature_matrix(block.family, documents) for block in blocks]
        return np.hstack([texts.fixed_features[index], *learned])

    def columns_at_depth(self, depth: float) -> list[int]:
        """Columns of a detector that reads this share of the language model's blocks."""
        return self.columns_of(default_families(depth), depth)

    def columns_of(self, families: Collection[str], depth: float = 1.0) -> list[int]:
        """Columns of the families of these names, for a model read to this depth."""
        chosen = [
            block.family.name in families and block.depth in (None, depth) for block in self.blocks
        ]
        widths = [len(block.family.labels) for block in self.blocks]
        return np.flatnonzero(np.repeat(chosen, widths)).tolist()

    def columns_of_version_0_2(self, depth: float) -> list[int]:
        """Columns of version 0.2's detector of this depth: without `SINCE_0_2`."""
        names = self.feature_names
        return [c for c in self.columns_at_depth(depth) if names[c] not in SINCE_0_2]


def learned_families(depths: Sequence[float]) -> list[tuple[LearnedFamily, float | None]]:
    """Families to fit for detectors of these depths, each with the depth of the states it reads."""
    found: dict[tuple[str, float | None], LearnedFamily] = {}
    for depth in depths:
        for name, family in available_families(depth).items():
            if isinstance(family, LearnedFamily):
                found[name, depth if family.requires == "states" else None] = family
    return [(family, depth) for (_, depth), family in found.items()]


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
    def fit(cls, data: FoldData, columns: Sequence[int], nearest_people: bool = True) -> FittedFold:
        """Fit trees and calibrator on a fold's training data.

        Args:
            data: of the fold.
            columns: of its table.
            nearest_people: whether the people nearest to a text set its threshold; if not, as in
                version 0.2, its length alone chooses it.
        """
        tokens = np.array([document.token_count for document in data.documents], np.int64)
        detector = TextDetector(n_jobs=1)
        names = [data.feature_names[i] for i in columns]
        table = data.table[:, columns]
        scores = detector.fit_table(table, data.labels, data.sources, data.splits, names)
        weights = balancing_weights(data.labels, data.sources)
        mask = data.calibration_mask
        labels = data.labels[mask]
        calibrator = Calibrator.fit(scores[mask], labels, weights[mask], tokens[mask])
        detector.calibrator_ = calibrator
        if nearest_people:
            detector.nearest_people_ = NearestPeople.fit(
                list(compress(data.documents, mask)),
                labels,
                data.sources[mask],
                calibrator.probabilities(scores[mask]),
            )
        return cls(data, detector, calibrator, list(columns))

    def probabilities(self, table: np.ndarray) -> np.ndarray:
        """Probabilities from features of all families, shape (n, features)."""
        return self.calibrator.probabilities(self.detector.raw_scores(table[:, self.columns]))

    def thresholds(self, documents: Sequence[Document], fpr: float) -> np.ndarray:
        """The probability from which each document counts as generated."""
        return self.detector.thresholds(documents, fpr)

    def is_outlier(self, table: np.ndarray) -> np.ndarray:
        """Whether each text is unlike all training texts, from features of all families."""
        return self.detector.is_outlier(table[:, self.columns])
