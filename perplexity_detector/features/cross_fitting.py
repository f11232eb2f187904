"""Turns: no text is scored by what saw its source or, where sources are too few, its prompt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perplexity_detector.features.document import Document
from perplexity_detector.features.family import Family, LearnedFamily
from perplexity_detector.sampling.splits import Split


def cross_fitted_table(
    learner: LearnedFamily,
    documents: Sequence[Document],
    labels: np.ndarray,
    sources: np.ndarray,
    parts: Sequence[Split],
) -> np.ndarray:
    """The features of training texts, each by a family learned from the other folds.

    Args:
        learner: of the family.
        documents: the training texts, n of them.
        labels: 0 or 1, shape (n,).
        sources: integers, shape (n,).
        parts: as `folds` gives them.

    Returns:
        float64 of shape (n, features).
    """
    table = np.zeros((len(documents), len(learner.labels)))
    for rest, fold in parts:
        arrays = learner.fit([documents[i] for i in rest], labels[rest], sources[rest])
        table[fold] = feature_matrix(learner.family(arrays), [documents[i] for i in fold])
    return table


def feature_matrix(family: Family, documents: Sequence[Document]) -> np.ndarray:
    """One row of values for each document, float64 of shape (documents, features)."""
    values = [family.values(document) for document in documents]
    return np.array(values, np.float64).reshape(len(documents), len(family.labels))
