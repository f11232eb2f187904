"""The recipes that are measured: both shipped detectors, and what version 0.2 shipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.quality.auxiliary import CONTINUED
from benchmarks.quality.fold_data import FittedFold, FoldData, Texts
from benchmarks.quality.protocol import Fold

#: The shipped detectors, and the share of the language model's blocks that each reads.
SHIPPED = {"standard": 1.0, "fast": 0.5}
#: Source of auxiliary texts that a detector is better trained without.
EXCLUDED_SOURCES = {"fast": CONTINUED}


def version_0_2(name: str) -> str:
    """Name in the record of a shipped detector by the recipe of version 0.2."""
    return f"{name} 0.2"


def fit_detectors(
    names: Sequence[str],
    texts: Texts,
    fold: Fold,
    earlier: bool,
    depths: Mapping[str, float] = SHIPPED,
) -> dict[str, FittedFold]:
    """Detectors fitted on a fold's training texts, by their names in the record.

    Args:
        names: of `depths`.
        texts: all texts.
        fold: of them.
        earlier: whether to fit the recipe of version 0.2 too, on the same texts and features.
        depths: share of the language model's blocks that each detector reads.
    """
    fitted = {}
    for name, data in training_data(names, texts, fold.train, depths).items():
        depth = depths[name]
        fitted[name] = FittedFold.fit(data, data.columns_at_depth(depth))
        if earlier:
            columns = data.columns_of_version_0_2(depth)
            fitted[version_0_2(name)] = FittedFold.fit(data, columns, nearest_people=False)
    return fitted


def training_data(
    names: Sequence[str],
    texts: Texts,
    train: np.ndarray,
    depths: Mapping[str, float] = SHIPPED,
) -> dict[str, FoldData]:
    """Each detector's training data; detectors that learn from the same texts share theirs.

    Args:
        names: of `depths`.
        texts: all texts.
        train: which of them may be trained on, bool of shape (texts,).
        depths: share of the language model's blocks that each detector reads.
    """
    masks = {
        name: train & (texts.rows["source"] != EXCLUDED_SOURCES.get(name)).to_numpy()
        for name in names
    }
    data: dict[str, FoldData] = {}
    for name, mask in masks.items():
        alike = [other for other in names if np.array_equal(masks[other], mask)]
        if alike[0] in data:
            data[name] = data[alike[0]]
        else:
            data[name] = FoldData.from_texts(texts, mask, [depths[other] for other in alike])
    return data
