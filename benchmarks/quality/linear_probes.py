"""Family `linear_probes`: the hidden states as version 0.2 read them, for comparison.

Linear discriminants of the mean state of each layer, fitted on their own. The detectors of that
version had them in place of `representation`; see `recipes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from perplexity_detector.features.document import Document
from perplexity_detector.features.family import LearnedFamily

NAME = "linear_probes"
#: Depths at which hidden states are probed, as shares of the model's blocks.
PROBE_DEPTHS = (0.13, 0.27, 0.4, 0.5, 0.6, 0.73, 0.87)
#: Added to the within-source variances (of standardised states, so below 1) before inverting.
SHRINKAGE = 1.0
KINDS = ("probe", "difference")


def labels(depth: float = 1.0) -> dict[str, str]:
    """Features of a model that runs this share of its blocks, and what they measure."""
    return {
        f"{kind}_{100 * probe:.0f}": f"{kind} of hidden states at {100 * probe:.0f} % depth"
        for probe in PROBE_DEPTHS
        if probe <= depth
        for kind in KINDS
    }


def learned_family(depth: float = 1.0) -> LearnedFamily:
    """The family for a model that runs this share of its blocks."""
    return LearnedFamily(
        name=NAME,
        version=1,
        labels=labels(depth),
        fit=partial(fit, layers=len(labels(depth)) // len(KINDS)),
        compute=partial(features, names=list(labels(depth))),
        requires="states",
    )


def fit(
    documents: Sequence[Document], labels: np.ndarray, sources: np.ndarray, layers: int
) -> dict[str, np.ndarray]:
    """Directions in which hidden states of human and generated texts differ, at the first layers.

    Returns:
        `centre` (layers, width), and `directions` (layers, 2, width): discriminant and difference
        of means, scaled so that the scores of the training texts have a standard deviation of 1.
    """
    with_states = [i for i, document in enumerate(documents) if document.states.tokens.size]
    states = np.stack([documents[i].states.mean()[:layers] for i in with_states], axis=1)
    directions = [
        discriminant_directions(of_layer, labels[with_states], sources[with_states])
        for of_layer in states
    ]
    return {"centre": states.mean(axis=1), "directions": np.array(directions, np.float32)}


def features(
    document: Document, arrays: Mapping[str, np.ndarray], names: Sequence[str]
) -> dict[str, float]:
    """Projections of the text's mean states; all 0 for a text with fewer than two tokens."""
    if not document.states.tokens.size:
        return dict.fromkeys(names, 0.0)
    centre = arrays["centre"]
    centred = document.states.mean()[: len(centre)] - centre
    projections = np.einsum("lw,lkw->lk", centred, arrays["directions"])
    return dict(zip(names, projections.ravel().tolist(), strict=True))


def discriminant_directions(
    states: np.ndarray, labels: np.ndarray, sources: np.ndarray
) -> np.ndarray:
    """Discriminant and difference of class means that hold across sources, shape (2, width).

    Fisher's linear discriminant, regularised (Friedman 1989), from statistics of cells (one
    source and class each) with equal weights, however many texts a cell has. The difference is the
    mean of two: that of class means, and the average difference within sources that have both
    classes.

    Args:
        states: shape (texts, width).
        labels: 0 or 1, shape (texts,).
        sources: integers, shape (texts,).
    """
    scale = states.std(axis=0) + 1e-6
    standardised = (states - states.mean(axis=0)) / scale
    means: dict[tuple[int, int], np.ndarray] = {}
    within = np.zeros((states.shape[1],) * 2, np.float32)
    for source, label in sorted(set(zip(sources.tolist(), labels.tolist(), strict=True))):
        cell = standardised[(sources == source) & (labels == label)]
        means[source, label] = cell.mean(axis=0)
        centred = cell - means[source, label]
        within += centred.T @ centred / len(cell)
    by_class = [
        np.mean([mean for (_, of_cell), mean in means.items() if of_cell == label], axis=0)
        for label in (0, 1)
    ]
    difference = by_class[1] - by_class[0]
    paired = [means[s, 1] - means[s, 0] for s, label in means if label and (s, 0) in means]
    if paired:
        difference = (difference + np.mean(paired, axis=0)) / 2
    regularised = within / len(means) + SHRINKAGE * np.eye(len(within), dtype=np.float32)
    directions = np.stack([np.linalg.solve(regularised, difference), difference])
    score_std = (standardised @ directions.T).std(axis=0)
    return np.asarray(directions / (scale * np.maximum(score_std, 1e-9)[:, None]))
