"""Texts that were read, and detectors trained on one fold of them and judged on what it lacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.quality.protocol import Fold
from perplexity_detector.classifier.calibration import Calibrator
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.evaluation import metrics
from perplexity_detector.features.cross_fitting import cross_fitted_table, feature_matrix
from perplexity_detector.features.document import Document
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.family import Family, LearnedFamily
from perplexity_detector.features.registry import FAMILIES, available_families, default_families
from perplexity_detector.sampling.balance import balancing_weights
from perplexity_detector.sampling.splits import Split, group_folds, merge_related_sources

#: Rates whose thresholds are set on the others and met by what is left out.
RATES = (0.01, 0.05)


@dataclass(frozen=True)
class Texts:
    """Labelled texts, read.

    Attributes:
        rows: id, source, generated, prompt_id, ..., one row a text.
        documents: the texts, read.
        given: features of the families that learn nothing, shape (n, features).
    """

    rows: pd.DataFrame
    documents: list[Document]
    given: np.ndarray

    @classmethod
    def read(cls, rows_of: pd.DataFrame, extractor: FeatureExtractor) -> Texts:
        """Texts that are canonical, read by an extractor of every family."""
        documents = extractor.read_documents(rows_of["text"])
        given = np.hstack([feature_matrix(family, documents) for family in FAMILIES.values()])
        return cls(rows_of.reset_index(drop=True), documents, given)

    @property
    def labels(self) -> np.ndarray:
        """0 by a person, 1 by a model, shape (n,)."""
        return self.rows["generated"].to_numpy(np.int64)

    @property
    def tokens(self) -> np.ndarray:
        """Length of each, shape (n,)."""
        return np.array([document.token_count for document in self.documents], np.int64)


@dataclass(frozen=True)
class Lesson:
    """What a fold is trained on: texts that families and trees learn from, in turns.

    Attributes:
        place: of the texts, integers of shape (n,).
        documents: n of them.
        labels: shape (n,).
        sources: integers of shape (n,).
        parts: turns, as `cross_fitting.folds` gives them.
        families: every family, those that learn having learned from all n texts.
        table: features, shape (n, features); learned families' cross-fitted.
        genuine: which texts set probabilities and thresholds, bool of shape (n,).
    """

    place: np.ndarray
    documents: list[Document]
    labels: np.ndarray
    sources: np.ndarray
    parts: list[Split]
    families: list[Family]
    table: np.ndarray
    calibration_mask: np.ndarray

    @classmethod
    def of(cls, texts: Texts, trained: np.ndarray) -> Lesson:
        """Families learned on the texts that are marked, bool of shape (texts,)."""
        place = np.flatnonzero(trained)
        chosen = texts.rows.iloc[place]
        documents = [texts.documents[i] for i in place]
        labels = texts.labels[place]
        sources = pd.factorize(chosen["source"])[0]
        prompts = chosen["prompt_id"].tolist()
        parts = group_folds(labels, merge_related_sources(sources, prompts), prompts)
        families: list[Family] = list(FAMILIES.values())
        columns = [texts.given[place]]
        for learner in available_families().values():
            if isinstance(learner, LearnedFamily):
                columns.append(cross_fitted_table(learner, documents, labels, sources, parts))
                families.append(learner.family(learner.fit(documents, labels, sources)))
        calibration_mask = chosen["genuine"].to_numpy(bool)
        table = np.hstack(columns)
        return cls(place, documents, labels, sources, parts, families, table, calibration_mask)

    @property
    def names(self) -> list[str]:
        """Of the features."""
        return [name for family in self.families for name in family.feature_names]

    def told(self, texts: Texts, tested: np.ndarray) -> np.ndarray:
        """Features of other texts that are marked, shape (marked, features)."""
        place = np.flatnonzero(tested)
        documents = [texts.documents[i] for i in place]
        learned = [feature_matrix(family, documents) for family in self.families[len(FAMILIES) :]]
        return np.hstack([texts.given[place], *learned])

    def features_at(self, depth: float) -> list[int]:
        """Places of a detector's features whose pass is left after this share of the blocks."""
        families = available_families(depth)
        there = {name for of in default_families(depth) for name in families[of].feature_names}
        return [place for place, name in enumerate(self.names) if name in there]

    def columns(self, chosen: Callable[[str], bool]) -> list[int]:
        """Places of the features of families that are chosen by name."""
        return [
            place
            for place, family in enumerate(
                family.name for family in self.families for _ in family.labels
            )
            if chosen(family)
        ]


@dataclass(frozen=True)
class Trained:
    """Trees over some of the features, calibrated on what turns left out.

    Attributes:
        lesson: what it learned from.
        detector: its trees, and what tells texts that are unlike the lesson's.
        calibrator: of their margins.
        columns: the features they read.
    """

    lesson: Lesson
    detector: TextDetector
    calibrator: Calibrator
    columns: list[int]

    @classmethod
    def on(cls, lesson: Lesson, columns: Sequence[int]) -> Trained:
        """Train on a lesson."""
        tokens = np.array([document.token_count for document in lesson.documents], np.int64)
        detector = TextDetector(n_jobs=1)
        names = [lesson.names[i] for i in columns]
        table = lesson.table[:, columns]
        margins = detector.fit_table(table, lesson.labels, lesson.sources, lesson.parts, names)
        weights = balancing_weights(lesson.labels, lesson.sources)
        told = lesson.calibration_mask
        calibrator = Calibrator.fit(margins[told], lesson.labels[told], weights[told], tokens[told])
        return cls(lesson, detector, calibrator, list(columns))

    def probabilities(self, table: np.ndarray) -> np.ndarray:
        """Of features of all families, shape (n, features)."""
        return self.calibrator.probabilities(self.detector.raw_scores(table[:, self.columns]))


def figures(
    fold: Fold, labels: np.ndarray, probabilities: np.ndarray, thresholds: np.ndarray
) -> dict[str, float]:
    """How well the texts of a fold are told apart, and what its new people and models suffer.

    Args:
        fold: the tested texts of which are given, n of them.
        labels: shape (n,).
        probabilities: shape (n,).
        thresholds: of each rate of `RATES` at each text's length, shape (rates, n).

    Returns:
        `auroc`, `tpr_at_1`, `tpr_at_5`, `brier`, `ece`; `people` and `models` that are new, and
        for each rate `fpr_1`, `tpr_1`, ...: the share of them that its threshold flags.
    """
    new = fold.new[fold.tested]
    found = {
        "auroc": metrics.auroc(labels, probabilities),
        "tpr_at_1": metrics.tpr_at_fpr(labels, probabilities, 0.01),
        "tpr_at_5": metrics.tpr_at_fpr(labels, probabilities, 0.05),
        "brier": metrics.brier(labels, probabilities),
        "ece": metrics.expected_calibration_error(labels, probabilities),
        "people": float((new & (labels == 0)).sum()),
        "models": float((new & (labels == 1)).sum()),
    }
    for rate, threshold in zip(RATES, thresholds, strict=True):
        flagged = probabilities >= threshold
        for name, label in (("fpr", 0), ("tpr", 1)):
            judged = flagged[new & (labels == label)]
            if judged.size:
                found[f"{name}_{rate * 100:g}"] = float(judged.mean())
    return found
