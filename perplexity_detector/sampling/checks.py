"""Checks of training data: texts, labels, and columns of one length."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from perplexity_detector.errors import InputError


def check_texts(texts: Iterable[str]) -> list[str]:
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


def check_labels(y: Iterable[int]) -> np.ndarray:
    """Labels as int64 of shape (n,).

    Raises:
        InputError: one of them is neither 0 nor 1.
    """
    labels = np.asarray(list(y))
    if not set(labels.tolist()) <= {0, 1}:
        raise InputError("Labels are 0 for a text by a person and 1 for one by a model.")
    return labels.astype(np.int64)


def check_consistent_length(length: int, **columns: Sequence[object] | np.ndarray | None) -> None:
    """Check that what is given beside the labels has a value for each of them.

    Raises:
        InputError: it has more or fewer.
    """
    for name, values in columns.items():
        if values is not None and len(values) != length:
            raise InputError(f"There are {length} labels and {len(values)} {name}.")


def check_training_data(
    documents: Sequence[object],
    y: Iterable[int],
    sources: Sequence[object] | np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and sources as integers, of n texts; one source if none are given.

    Raises:
        InputError: labels that are not 0 and 1, or lengths that differ.
    """
    labels = check_labels(y)
    check_consistent_length(len(labels), texts=documents, sources=sources)
    if sources is None:
        return labels, np.zeros(len(labels), np.int64)
    return labels, pd.factorize(np.asarray(sources, object), use_na_sentinel=False)[0]
