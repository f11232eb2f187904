"""What a classifier learns from: no learned family describes a text that taught it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.family import Document


def training_table(
    extractor: FeatureExtractor,
    documents: Sequence[Document],
    labels: np.ndarray,
    groups: Sequence[object] | None,
    sources: Sequence[object],
    held_out: np.ndarray,
    seed: int = 0,
) -> np.ndarray:
    """Features for a training; the extractor's families learn, and none describes what it saw.

    Args:
        extractor: of the documents, n of them.
        documents: as the extractor read them.
        labels: 0 or 1, shape (n,).
        groups: the prompt of each, shape (n,), if known.
        sources: where each comes from, shape (n,).
        held_out: True for what the families do not learn from, shape (n,).
        seed: of the folds.

    Returns:
        float64 of shape (n, features).
    """
    learned, others = np.flatnonzero(~held_out).tolist(), np.flatnonzero(held_out).tolist()
    lessons = [documents[i] for i in learned]
    origins = [sources[i] for i in learned]
    prompts = None if groups is None else [groups[i] for i in learned]
    table = np.empty((len(documents), len(extractor.get_feature_names_out())))
    table[learned] = extractor.cross_fitted_table(lessons, labels[learned], prompts, origins, seed)
    extractor.learn(lessons, labels[learned], origins)
    table[others] = extractor.table([documents[i] for i in others])
    return table


def training_summary(
    labels: np.ndarray, sources: Sequence[object], held_out: np.ndarray
) -> dict[str, Any]:
    """What a classifier was trained on, as plain values; arguments as for `training_table`."""
    return {
        "texts": int((~held_out).sum()),
        "validation_texts": int(held_out.sum()),
        "people": int((~held_out & (labels == 0)).sum()),
        "sources": sorted({str(source) for source in sources if source}),
    }
