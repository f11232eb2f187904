"""Samples and weights that balance sources and classes."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd


def stable_order(ids: pd.Series, seed: int = 0) -> np.ndarray:
    """Positions in a pseudo-random order that depends only on ids and seed.

    Returns:
        int64 of shape (rows,). Added rows do not change the order of the others.
    """
    keys = [hashlib.sha256(f"{seed}:{row_id}".encode()).digest()[:8] for row_id in ids]
    numbers = np.array([int.from_bytes(key, "big") for key in keys], np.uint64)
    return np.argsort(numbers, kind="stable")


def balanced_sample(frame: pd.DataFrame, per_group: int | None, seed: int = 0) -> pd.DataFrame:
    """At most `per_group` rows of each source and class, in a stable pseudo-random order.

    Args:
        frame: columns id, generated and, if there are several sources, source.
        per_group: rows per source and class; None keeps all.
        seed: seed of the order.
    """
    shuffled = frame.iloc[stable_order(frame["id"], seed)]
    if per_group is None:
        return shuffled
    columns = [name for name in ("source", "generated") if name in frame]
    return shuffled.groupby(columns, sort=False, dropna=False).head(per_group)


def balancing_weights(labels: np.ndarray, sources: np.ndarray | None = None) -> np.ndarray:
    """Weights that give each class, and each source within a class, the same total.

    Args:
        labels: 0 or 1, shape (rows,).
        sources: where each row comes from, shape (rows,); a single source if not given.

    Returns:
        float64 of shape (rows,), with mean 1.
    """
    # factorize encodes a missing source as -1, so such rows form a source too
    codes = 0 if sources is None else pd.factorize(sources)[0]
    cells = pd.DataFrame({"label": labels, "source": codes})
    in_cell = cells.groupby(["label", "source"])["label"].transform("size")
    sources_of_class = cells.groupby("label")["source"].transform("nunique")
    weights = 1.0 / (in_cell * sources_of_class).to_numpy(np.float64)
    return np.asarray(weights * len(weights) / weights.sum())
