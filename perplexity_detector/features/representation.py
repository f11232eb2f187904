"""Family `representation` (learned): linear discriminants of the model's hidden states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from perplexity_detector.features.document import Document
from perplexity_detector.features.family import LearnedFamily

#: Depths at which hidden states are probed, as shares of the model's blocks: after the 4th, 8th,
#: 12th, ... of smollm2's 30 blocks.
PROBE_DEPTHS = (0.13, 0.27, 0.4, 0.5, 0.6, 0.73, 0.87)
#: Added to the within-source variances (of standardised states, so below 1) before inverting.
SHRINKAGE = 1.0
KINDS = ("probe", "difference")
#: Weight of the whole text's score in a sentence's score, in tokens.
SENTENCE_PRIOR_TOKENS = 10.0


def probe_depths(depth: float) -> tuple[float, ...]:
    """The probe depths that a model reaches which runs this share of its blocks."""
    return tuple(probe for probe in PROBE_DEPTHS if probe <= depth)


def learned_family(depth: float = 1.0) -> LearnedFamily:
    """The family for a model that runs this share of its blocks."""
    depths = probe_depths(depth)
    labels = {}
    for probe in depths:
        percent = f"{100 * probe:.0f}"
        labels[f"probe_{percent}"] = (
            f"likeness of hidden states to model-written text ({percent} % depth)"
        )
        labels[f"difference_{percent}"] = f"the same by difference of means ({percent} % depth)"
    return LearnedFamily(
        name="representation",
        version=1,
        labels=labels,
        fit=partial(fit_representation, depths=depths),
        compute=representation_features,
        requires="states",
    )


def representation_features(
    document: Document, arrays: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """Linear projections of hidden states averaged over the text's tokens; see `scores`.

    Without unit, any sign, positive towards generated texts, scaled to a standard deviation of 1
    over the training texts. All are 0 for a text with fewer than two tokens.

    - `probe_P`: the discriminant at P % of the model's blocks.
    - `difference_P`: the projection on the difference of class means (RepreGuard, Chen 2025).

    Not used, since they did not improve results on held-out sources: the variance of states over
    tokens, each half of the text on its own, and states without their leading principal
    components (which loses up to half of the discriminant's power).
    """
    text = np.zeros((len(arrays["centre"]), len(KINDS)))
    if document.states.tokens.size:
        text = scores(document.states.mean(), arrays)
    names = [f"{kind}_{100 * probe:.0f}" for probe in arrays["taps"] for kind in KINDS]
    return dict(zip(names, text.ravel().tolist(), strict=True))


def scores(states: np.ndarray, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Discriminant and projection of states (depths, ..., width), shape (depths, ..., 2)."""
    shape = (len(arrays["centre"]), *(1 for _ in states.shape[2:]), states.shape[-1])
    centred = states - arrays["centre"].reshape(shape)
    return np.asarray(np.einsum("t...w,tkw->t...k", centred, arrays["directions"]))


def sentence_projections(document: Document, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Each sentence's discriminant, averaged over depths, shape (sentences,).

    Shrunk towards the whole text's, the more so the shorter the sentence.
    """
    states = document.states
    text = float(scores(states.mean(), arrays)[:, 0].mean())
    by_sentence = scores(states.means, arrays)[..., 0].mean(axis=0)
    weight = states.tokens / (states.tokens + SENTENCE_PRIOR_TOKENS)
    return np.asarray(text + weight * (by_sentence - text))


def fit_representation(
    documents: Sequence[Document], labels: np.ndarray, sources: np.ndarray, depths: Sequence[float]
) -> dict[str, np.ndarray]:
    """Directions in which hidden states of human and generated texts differ, at each depth.

    Returns:
        `taps` (depths,), the probe depths; `centre` (depths, width); and `directions`
        (depths, 2, width): discriminant and difference of means, scaled so that the scores of
        the training texts have a standard deviation of 1.
    """
    with_states = [i for i, document in enumerate(documents) if document.states.tokens.size]
    states = np.stack([documents[i].states.mean() for i in with_states], axis=1)
    directions = [
        discriminant_directions(at_depth, labels[with_states], sources[with_states])
        for at_depth in states
    ]
    return {
        "taps": np.array(depths, np.float32),  # saved detectors have this name
        "centre": states.mean(axis=1),
        "directions": np.array(directions, np.float32),
    }


def discriminant_directions(
    states: np.ndarray, labels: np.ndarray, sources: np.ndarray
) -> np.ndarray:
    """Discriminant and difference of class means that hold across sources, shape (2, width).

    Fisher's linear discriminant, regularised (Friedman 1989), from statistics of cells (one
    source and class each) with equal weights, however many texts a cell has. The covariance is
    that within cells, so directions that separate only sources or topics gain nothing. The
    difference is the mean of two: that of class means, and the average difference within sources
    that have both classes, which favours directions on which sources agree.

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
        np.mean([mean for (_, cell_label), mean in means.items() if cell_label == label], axis=0)
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
