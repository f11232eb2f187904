"""Rows of a labelled dataset: checks, balanced samples and weights, splits by prompt."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from perplexity_detector.errors import InputError

#: Under this many prompts a split by prompt says nothing about new prompts.
MIN_PROMPTS = 5
#: Share of the smaller source's prompts, and how many of them, that another has if it is kin.
KIN_SHARE, KIN_PROMPTS = 0.02, 2


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


def kin_of(sources: np.ndarray, prompts: Sequence[object] | None) -> np.ndarray:
    """Numbers that sources share which go back to the same prompts, and so to the same originals.

    Two sources are kin if `KIN_SHARE` of the prompts of the smaller, and at least `KIN_PROMPTS`,
    are the other's too, and if both are kin to a third.

    Args:
        sources: where each text comes from, integers from 0, shape (n,).
        prompts: what each text answers, shape (n,), missing or empty where that is not known;
            without any, a source is kin to none.

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
    related = shared >= np.maximum(KIN_SHARE * np.minimum.outer(sizes, sizes), KIN_PROMPTS)
    kin = np.asarray(connected_components(related)[1])
    return np.asarray(kin[sources])


def as_texts(texts: Iterable[str]) -> list[str]:
    """A list of strings, or a sentence about what was given instead.

    Raises:
        InputError: one string, a table, or an element that is no string.
    """
    if isinstance(texts, str):
        raise InputError("One string was given where a list of texts is needed: write [text].")
    if not isinstance(texts, Iterable) or getattr(texts, "ndim", 1) != 1:
        raise InputError(
            f"A {type(texts).__name__} was given where a list of texts is needed; of a table, "
            "give the column of texts."
        )
    listed = list(texts)
    for place, text in enumerate(listed):
        if not isinstance(text, str):
            raise InputError(
                f"Text number {place} is a {type(text).__name__}, not a string; "
                "leave out or fill in missing texts."
            )
    return listed


def as_labels(y: Iterable[int]) -> np.ndarray:
    """Labels as int64 of shape (n,).

    Raises:
        InputError: one of them is neither 0 nor 1.
    """
    labels = np.asarray(list(y))
    if not set(labels.tolist()) <= {0, 1}:
        raise InputError("Labels are 0 for a text by a person and 1 for one by a model.")
    return labels.astype(np.int64)


def require_length(length: int, **columns: Sequence[object] | np.ndarray | None) -> None:
    """Check that what is given beside the labels has a value for each of them.

    Raises:
        InputError: it has more or fewer.
    """
    for name, values in columns.items():
        if values is not None and len(values) != length:
            raise InputError(f"There are {length} labels and {len(values)} {name}.")


def lesson(
    documents: Sequence[object],
    y: Iterable[int],
    sources: Sequence[object] | np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and sources as integers, of n texts; one source if none are given.

    Raises:
        InputError: labels that are not 0 and 1, or lengths that differ.
    """
    labels = as_labels(y)
    require_length(len(labels), texts=documents, sources=sources)
    if sources is None:
        return labels, np.zeros(len(labels), np.int64)
    return labels, pd.factorize(np.asarray(sources, object), use_na_sentinel=False)[0]
