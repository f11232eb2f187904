"""Linear probes: directions along which the hidden states of human and generated texts differ."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

#: Added to the within-source variances (of standardised states, so below 1) before inverting.
SHRINKAGE = 1.0
#: What a layer's directions are: a linear discriminant, and the difference of the class means.
KINDS = ("discriminant", "difference")


def fit_probes(
    states: np.ndarray, labels: np.ndarray, sources: np.ndarray
) -> dict[str, np.ndarray]:
    """Fit `KINDS` at each layer, on its own.

    Args:
        states: mean hidden states, shape (layers, n, width).
        labels: 0 human, 1 generated, shape (n,).
        sources: integers, shape (n,).

    Returns:
        `probe_centre` (layers, width), and `probe_directions` (layers, 2, width), scaled so that
        the projections of these texts have a standard deviation of 1.
    """
    directions = [_directions(of_layer, labels, sources) for of_layer in states]
    return {
        "probe_centre": states.mean(axis=1),
        "probe_directions": np.array(directions, np.float32),
    }


def projections(states: np.ndarray, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Projections of a text's states on the directions of each layer, shape (layers, 2).

    Args:
        states: shape (layers, width); layers after those of the fit are ignored.
        arrays: as `fit_probes` returns them.
    """
    centre = arrays["probe_centre"]
    centred = states[: len(centre)] - centre
    return np.asarray(np.einsum("lw,lkw->lk", centred, arrays["probe_directions"]))


def _directions(states: np.ndarray, labels: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Discriminant and difference of class means that hold across sources, shape (2, width).

    Fisher's linear discriminant, regularised (Friedman 1989), from statistics of cells (one
    source and class each) with equal weights, however many texts a cell has. The difference is the
    mean of two: that of class means, and the average difference within sources that have both
    classes.

    Args:
        states: shape (n, width).
        labels: 0 or 1, shape (n,).
        sources: integers, shape (n,).
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
