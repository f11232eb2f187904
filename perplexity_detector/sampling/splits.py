"""Splits that keep what belongs together on one side: prompts, and related sources."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from perplexity_detector.errors import InputError
from perplexity_detector.sampling.balance import stable_order

#: Under this many prompts a split by prompt says nothing about new prompts.
MIN_PROMPTS = 5
#: Share of the smaller source's prompts, and how many of them, that a related source shares.
RELATED_MIN_SHARE, RELATED_MIN_PROMPTS = 0.02, 2


def assign_splits(
    ids: pd.Series, prompts: pd.Series | None = None, held_out: float = 0.2, seed: int = 0
) -> np.ndarray:
    """Part rows into train, valid and test; rows of one prompt stay together.

    With fewer than `MIN_PROMPTS` prompts, keeping them together would leave a split with one
    topic or none, so rows are parted one by one.

    Args:
        ids: of the rows, shape (n,).
        prompts: what each row answers, shape (n,).
        held_out: share of the prompts that goes to valid, and as much to test.
        seed: another seed, other splits.

    Returns:
        `train`, `valid` or `test` for each row, object of shape (n,).
    """
    together = prompts if prompts is not None and prompts.nunique() >= MIN_PROMPTS else ids
    groups = pd.Series(together.astype(str).unique())
    size = max(1, round(held_out * len(groups)))
    names = np.full(len(groups), "train", object)
    order = stable_order(groups, seed)
    names[order[:size]] = "valid"
    names[order[size : 2 * size]] = "test"
    return together.astype(str).map(dict(zip(groups, names, strict=True))).to_numpy(object)


def merge_related_sources(sources: np.ndarray, prompts: Sequence[object] | None) -> np.ndarray:
    """One number for all sources that go back to the same prompts, and so to the same originals.

    Two sources are related if `RELATED_MIN_SHARE` of the smaller one's prompts, and at least
    `RELATED_MIN_PROMPTS`, are the other's too, or if both are related to a third.

    Args:
        sources: where each text comes from, integers from 0, shape (n,).
        prompts: what each text answers, shape (n,), missing or empty where that is not known;
            without any, no sources are related.

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
    held = coo_array(
        (np.ones(len(pairs)), (pairs["source"], pd.factorize(pairs["prompt"])[0])),
        shape=(int(sources.max()) + 1, max(1, len(pairs))),
    ).tocsr()
    shared = (held @ held.T).toarray()
    sizes = np.diag(shared)
    related = shared >= np.maximum(
        RELATED_MIN_SHARE * np.minimum.outer(sizes, sizes), RELATED_MIN_PROMPTS
    )
    merged = np.asarray(connected_components(related)[1])
    return np.asarray(merged[sources])


FOLDS = 5


#: Sources of each class, related ones counted as one, that leave-one-out folds need.
MIN_SOURCES = 4


TOO_FEW_TEXTS = "Training needs at least two texts of each class; give more texts."


#: Training and test indices of one fold.
Split = tuple[np.ndarray, np.ndarray]


def group_folds(
    labels: np.ndarray,
    related_sources: np.ndarray | None = None,
    groups: Sequence[object] | None = None,
    seed: int = 0,
) -> list[Split]:
    """Splits for cross-validation; both classes are in every training part.

    Whole sources are left out if there are enough of them; else whole prompts; else single texts.

    Args:
        labels: 0 or 1, shape (n,).
        related_sources: the source of each text, related ones under one number, shape (n,).
        groups: the prompt of each text, shape (n,).
        seed: another seed, other folds.

    Raises:
        InputError: there are fewer than two texts of a class.
    """
    # takes a second to import, for training alone
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    fewest = int(np.bincount(labels, minlength=2).min())
    if fewest < 2:
        raise InputError(TOO_FEW_TEXTS)
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
