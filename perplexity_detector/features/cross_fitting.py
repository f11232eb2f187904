"""Features of training texts by families that were fitted to other texts (cross-fitting)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from perplexity_detector.features.document import Document
from perplexity_detector.features.family import Family, LearnedFamily
from perplexity_detector.sampling.splits import Split


class CrossFit(NamedTuple):
    """Learned families fitted without the texts of one fold.

    Attributes:
        learned: family -> name -> array.
        held_out: indices of the fold's texts.
    """

    learned: dict[str, dict[str, np.ndarray]]
    held_out: np.ndarray


def cross_fit(
    families: Sequence[LearnedFamily],
    documents: Sequence[Document],
    labels: np.ndarray,
    sources: np.ndarray,
    splits: Sequence[Split],
) -> list[CrossFit]:
    """Fit families once for each split, to its training texts.

    Args:
        families: not fitted yet.
        documents: n training texts.
        labels: 0 or 1, shape (n,).
        sources: integers, shape (n,).
        splits: as `group_folds` returns them.
    """
    fits = []
    for train_idx, test_idx in splits:
        training = [documents[i] for i in train_idx]
        learned = {
            family.name: family.fit(training, labels[train_idx], sources[train_idx])
            for family in families
        }
        fits.append(CrossFit(learned, test_idx))
    return fits


def out_of_fold_table(
    family: LearnedFamily, documents: Sequence[Document], fits: Sequence[CrossFit]
) -> np.ndarray:
    """Features of training texts, each fold's by the family fitted without it.

    Args:
        family: one of those that were fitted.
        documents: n training texts.
        fits: as `cross_fit` returns them.

    Returns:
        float64 of shape (n, features).
    """
    table = np.zeros((len(documents), len(family.labels)))
    for learned, held_out in fits:
        fitted = family.family(learned[family.name])
        table[held_out] = feature_matrix(fitted, [documents[i] for i in held_out])
    return table


def feature_matrix(family: Family, documents: Sequence[Document]) -> np.ndarray:
    """Features of documents by one family, float64 of shape (documents, features)."""
    values = [family.values(document) for document in documents]
    return np.array(values, np.float64).reshape(len(documents), len(family.labels))


def feature_table(families: Iterable[Family], documents: Sequence[Document]) -> np.ndarray:
    """Features of documents by several families, side by side, shape (documents, features)."""
    return np.hstack([feature_matrix(family, documents) for family in families])
