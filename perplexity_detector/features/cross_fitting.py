"""Turns: no text is scored by what saw its source or, where sources are too few, its prompt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from perplexity_detector.errors import InputError
from perplexity_detector.features.family import Document, Family, Learner

FOLDS = 5
#: So many sources of each class, kin counted as one, can take turns.
MIN_SOURCES = 4
TOO_FEW = "Training needs at least two texts of each class; give more texts."
#: Indices to learn from, and to tell.
Part = tuple[np.ndarray, np.ndarray]


def cross_fitted_table(
    learner: Learner,
    documents: Sequence[Document],
    labels: np.ndarray,
    sources: np.ndarray,
    parts: Sequence[Part],
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
        arrays = learner.learn([documents[i] for i in rest], labels[rest], sources[rest])
        table[fold] = rows(learner.family(arrays), [documents[i] for i in fold])
    return table


def rows(family: Family, documents: Sequence[Document]) -> np.ndarray:
    """One row of values for each document, float64 of shape (documents, features)."""
    values = [family.values(document) for document in documents]
    return np.array(values, np.float64).reshape(len(documents), len(family.labels))


def folds(
    labels: np.ndarray,
    kin: np.ndarray | None = None,
    groups: Sequence[object] | None = None,
    seed: int = 0,
) -> list[Part]:
    """Indices to learn from and to tell, fold by fold; both classes are in every first part.

    Whole sources take turns where there are enough; else whole prompts; else single texts.

    Args:
        labels: 0 or 1, shape (n,).
        kin: the source of each text, kin sources under one number, shape (n,).
        groups: the prompt of each text, shape (n,).
        seed: another seed, other folds.

    Raises:
        InputError: there are fewer than two texts of a class.
    """
    # a second to import, for training alone
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    fewest = int(np.bincount(labels, minlength=2).min())
    if fewest < 2:
        raise InputError(TOO_FEW)
    for named, least in ((kin, MIN_SOURCES), (groups, 2)):
        if named is None:
            continue
        codes = pd.factorize(np.asarray(named, object), use_na_sentinel=False)[0]
        known = min(len(np.unique(codes[labels == label])) for label in (0, 1))
        if known >= least:
            split = StratifiedGroupKFold(min(FOLDS, known), shuffle=True, random_state=seed)
            parts = list(split.split(labels, labels, codes))
            if all(len(set(labels[rest])) == 2 for rest, _ in parts):
                return [(rest, fold) for rest, fold in parts if len(fold)]
    by_text = StratifiedKFold(min(FOLDS, fewest), shuffle=True, random_state=seed)
    return list(by_text.split(labels, labels))
