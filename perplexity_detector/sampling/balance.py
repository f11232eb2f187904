"""Samples and weights in which sources and classes count alike."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd


def stable_order(ids: pd.Series, seed: int = 0) -> np.ndarray:
    """Positions in an order that looks random and depends on nothing but ids and seed.

    Returns:
        int64 of shape (rows,); a row keeps its place among the others when rows are added.
    """
    keys = [hashlib.sha256(f"{seed}:{one}".encode()).digest()[:8] for one in ids]
    numbers = np.array([int.from_bytes(key, "big") for key in keys], np.uint64)
    return np.argsort(numbers, kind="stable")


def balanced_sample(frame: pd.DataFrame, per_group: int | None, seed: int = 0) -> pd.DataFrame:
    """At most `per_group` rows of each source and class, in a stable random order.

    Args:
        frame: columns id and generated, and source if there are several.
        per_group: rows of one source and class; None keeps them all.
        seed: another seed, another sample.
    """
    shuffled = frame.iloc[stable_order(frame["id"], seed)]
    if per_group is None:
        return shuffled
    by = [name for name in ("source", "generated") if name in frame]
    return shuffled.groupby(by, sort=False, dropna=False).head(per_group)


def balancing_weights(labels: np.ndarray, sources: np.ndarray | None = None) -> np.ndarray:
    """Weights that let each class, and within it each source, count alike; their mean is 1.

    Args:
        labels: 0 or 1, shape (rows,).
        sources: where each row comes from, shape (rows,); one source if not given.

    Returns:
        float64 of shape (rows,).
    """
    # numbers in place of names (-1 for none), so that rows without a source are a source too
    codes = 0 if sources is None else pd.factorize(sources)[0]
    cells = pd.DataFrame({"label": labels, "source": codes})
    in_cell = cells.groupby(["label", "source"])["label"].transform("size")
    sources_of_class = cells.groupby("label")["source"].transform("nunique")
    weights = 1.0 / (in_cell * sources_of_class).to_numpy(np.float64)
    return np.asarray(weights * len(weights) / weights.sum())
