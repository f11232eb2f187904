"""Features of training texts by families that were fitted to other texts (cross-fitting)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from perplexity_detector.features.document import Document
from perplexity_detector.features.family import Family, LearnedFamily
from perplexity_detector.sampling.splits import Split


def cross_fitted_table(
    family: LearnedFamily,
    documents: Sequence[Document],
    labels: np.ndarray,
    sources: np.ndarray,
    splits: Sequence[Split],
) -> np.ndarray:
    """Out-of-fold features of training texts: each fold's by a family fitted to the others.

    Args:
        family: not fitted yet; a fresh fit is made for each split.
        documents: n training texts.
        labels: 0 or 1, shape (n,).
        sources: integers, shape (n,).
        splits: as `group_folds` returns them.

    Returns:
        float64 of shape (n, features).
    """
    table = np.zeros((len(documents), len(family.labels)))
    for train_idx, test_idx in splits:
        training_documents = [documents[i] for i in train_idx]
        arrays = family.fit(training_documents, labels[train_idx], sources[train_idx])
        table[test_idx] = feature_matrix(family.family(arrays), [documents[i] for i in test_idx])
    return table


def feature_matrix(family: Family, documents: Sequence[Document]) -> np.ndarray:
    """Features of documents by one family, float64 of shape (documents, features)."""
    values = [family.values(document) for document in documents]
    return np.array(values, np.float64).reshape(len(documents), len(family.labels))


def feature_table(families: Iterable[Family], documents: Sequence[Document]) -> np.ndarray:
    """Features of documents by several families, side by side, shape (documents, features)."""
    return np.hstack([feature_matrix(family, documents) for family in families])
