"""Splits that keep texts of one prompt, or of related sources, together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from perplexity_detector.errors import InputError
from perplexity_detector.sampling.balance import stable_order

#: With fewer prompts, a split by prompt cannot measure performance on new prompts.
MIN_PROMPTS = 5
#: Sources are related if they share this many prompts, as a share of the smaller source's and as
#: a count.
RELATED_MIN_SHARE, RELATED_MIN_PROMPTS = 0.02, 2
FOLDS = 5
#: Sources per class, related ones counted once, that a split by source needs.
MIN_SOURCES = 4


def assign_splits(
    ids: pd.Series, prompts: pd.Series | None = None, held_out: float = 0.2, seed: int = 0
) -> np.ndarray:
    """Assign rows to train, valid and test; rows of one prompt stay together.

    With fewer than `MIN_PROMPTS` prompts, a split by prompt would have one topic or none, so rows
    are assigned one by one.

    Args:
        ids: ids of the rows, shape (n,).
        prompts: prompt of each row, shape (n,).
        held_out: share of the prompts in valid, and again in test.
        seed: seed of the assignment.

    Returns:
        `train`, `valid` or `test` for each row, object of shape (n,).
    """
    unit = prompts if prompts is not None and prompts.nunique() >= MIN_PROMPTS else ids
    groups = pd.Series(unit.astype(str).unique())
    size = max(1, round(held_out * len(groups)))
    names = np.full(len(groups), "train", object)
    order = stable_order(groups, seed)
    names[order[:size]] = "valid"
    names[order[size : 2 * size]] = "test"
    return unit.astype(str).map(dict(zip(groups, names, strict=True))).to_numpy(object)


def merge_related_sources(sources: np.ndarray, prompts: Sequence[object] | None) -> np.ndarray:
    """Give all sources that share prompts, and so perhaps original texts, one number.

    Two sources are related if they share `RELATED_MIN_SHARE` of the smaller one's prompts, and at
    least `RELATED_MIN_PROMPTS`, or if both are related to a third.

    Args:
        sources: where each text comes from, integers from 0, shape (n,).
        prompts: prompt of each text, shape (n,), None or empty where unknown; without prompts, no
            sources are related.

    Returns:
        Integers of shape (n,).
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if prompts is None or not len(sources):
        return sources
    known = pd.Series(list(prompts), dtype=object)
    pairs = pd.DataFrame({"source": sources, "prompt": known.replace("", None)})
    pairs = pairs.dropna().drop_duplicates()
    source_by_prompt = coo_array(
        (np.ones(len(pairs)), (pairs["source"], pd.factorize(pairs["prompt"])[0])),
        shape=(int(sources.max()) + 1, max(1, len(pairs))),
    ).tocsr()
    shared = (source_by_prompt @ source_by_prompt.T).toarray()
    sizes = np.diag(shared)
    related = shared >= np.maximum(
        RELATED_MIN_SHARE * np.minimum.outer(sizes, sizes), RELATED_MIN_PROMPTS
    )
    merged = np.asarray(connected_components(related)[1])
    return np.asarray(merged[sources])


#: Training and test indices of one fold.
Split = tuple[np.ndarray, np.ndarray]


def group_folds(
    labels: np.ndarray,
    related_sources: np.ndarray | None = None,
    groups: Sequence[object] | None = None,
    seed: int = 0,
) -> list[Split]:
    """Splits for cross-validation; every training set has both classes.

    Folds hold whole sources if there are enough of them, otherwise whole prompts, otherwise single
    texts.

    Args:
        labels: 0 or 1, shape (n,).
        related_sources: source of each text, as `merge_related_sources` returns them, shape (n,).
        groups: prompt of each text, shape (n,).
        seed: seed of the folds.

    Raises:
        InputError: there are fewer than two texts of a class.
    """
    # takes a second to import and only training needs it
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    fewest = int(np.bincount(labels, minlength=2).min())
    if fewest < 2:
        raise InputError("Training needs at least two texts of each class.")
    for grouping, min_groups in ((related_sources, MIN_SOURCES), (groups, 2)):
        if grouping is None:
            continue
        codes = pd.factorize(np.asarray(grouping, object), use_na_sentinel=False)[0]
        n_groups = min(len(np.unique(codes[labels == label])) for label in (0, 1))
        if n_groups >= min_groups:
            folds = StratifiedGroupKFold(min(FOLDS, n_groups), shuffle=True, random_state=seed)
            splits = list(folds.split(labels, labels, codes))
            if all(len(set(labels[train_idx])) == 2 for train_idx, _ in splits):
                return [split for split in splits if len(split[1])]
    by_text = StratifiedKFold(min(FOLDS, fewest), shuffle=True, random_state=seed)
    return list(by_text.split(labels, labels))
