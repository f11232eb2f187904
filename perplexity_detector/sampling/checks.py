"""Checks of training data: texts, labels, and columns of one length."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from perplexity_detector.errors import InputError


def check_texts(texts: Iterable[str]) -> list[str]:
    """Texts as a list of strings.

    Raises:
        InputError: it is a single string or a table, or an element is not a string.
    """
    if isinstance(texts, str):
        raise InputError("One string was given where a list of texts is needed: write [text].")
    if not isinstance(texts, Iterable) or getattr(texts, "ndim", 1) != 1:
        raise InputError(
            f"A {type(texts).__name__} was given where a list of texts is needed; of a table, "
            "give the column of texts."
        )
    text_list = list(texts)
    for index, text in enumerate(text_list):
        if not isinstance(text, str):
            raise InputError(
                f"Text number {index} is a {type(text).__name__}, not a string; "
                "leave out or fill in missing texts."
            )
    return text_list


def check_labels(y: Iterable[int] | None) -> np.ndarray:
    """Labels as int64 of shape (n,).

    Raises:
        InputError: there are none, or a label is neither 0 nor 1.
    """
    if y is None:  # scikit-learn's words, which its tools look for
        raise InputError("fit requires y to be passed, but the target y is None.")
    labels = np.asarray(list(y))
    if not set(labels.tolist()) <= {0, 1}:
        raise InputError("Labels have to be 0 (human) or 1 (generated).")
    return labels.astype(np.int64)


def check_consistent_length(length: int, **columns: Sequence[object] | np.ndarray | None) -> None:
    """Check that each column has as many values as there are labels; None is allowed.

    Raises:
        InputError: a column has more or fewer.
    """
    for name, values in columns.items():
        if values is not None and len(values) != length:
            raise InputError(f"There are {length} labels and {len(values)} {name}.")


def check_training_data(
    documents: Sequence[object],
    y: Iterable[int],
    sources: Sequence[object] | np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Check labels and sources of n texts, and encode sources as integers.

    Returns:
        Labels and sources, int64 of shape (n,) each; a single source if none are given.

    Raises:
        InputError: a label is not 0 or 1, or lengths differ.
    """
    labels = check_labels(y)
    check_consistent_length(len(labels), texts=documents, sources=sources)
    if sources is None:
        return labels, np.zeros(len(labels), np.int64)
    return labels, pd.factorize(np.asarray(sources, object), use_na_sentinel=False)[0]
