"""Family `representation`: what the language model's hidden states know of the text. Learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from perplexity_detector.features.document import Document
from perplexity_detector.features.family import LearnedFamily

#: Where states are taken, as shares of the model's blocks: smollm2's 4th, 8th, 12th, ... of 30.
PROBE_DEPTHS = (0.13, 0.27, 0.4, 0.5, 0.6, 0.73, 0.87)
#: Added to the within-source variances (of standardised states, so below 1) before inverting.
SHRINKAGE = 1.0
KINDS = ("probe", "difference")
#: A sentence's score is shrunk towards the text's as if so many more tokens had said the same.
SENTENCE_PRIOR = 10.0


def probe_depths(depth: float) -> tuple[float, ...]:
    """The taps that a pass reaches which is left after this share of the blocks."""
    return tuple(tap for tap in PROBE_DEPTHS if tap <= depth)


def learner(depth: float = 1.0) -> LearnedFamily:
    """The family of a pass that is left after this share of the model's blocks."""
    taps = probe_depths(depth)
    labels = {}
    for tap in taps:
        percent = f"{100 * tap:.0f}"
        labels[f"probe_{percent}"] = f"signs of a model in hidden states ({percent} %)"
        labels[f"difference_{percent}"] = f"likeness of hidden states ({percent} %) to models'"
    return LearnedFamily(
        name="representation",
        version=1,
        labels=labels,
        fit=partial(learn_representation, taps=taps),
        compute=representation_features,
        requires="states",
    )


def representation_features(
    document: Document, arrays: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """Linear readings of hidden states averaged over the text's tokens; see `scores`.

    Without unit, any sign, positive towards models' texts; on the scale of the training texts,
    whose standard deviation is 1. All are 0 for a text with fewer than two tokens.

    - `probe_P`: the discriminant at P % of the model's blocks.
    - `difference_P`: the projection on the difference of class means (RepreGuard, Chen 2025).

    What it might read besides, and does not, for it gained nothing on sources left out: the
    spread of states over tokens, the halves of the text apart, states less their leading
    principal components (which cost up to half of what the discriminant knows).
    """
    taps = len(arrays["centre"])
    text = np.zeros((taps, 2))
    if document.states.tokens.size:
        text = scores(document.states.mean(), arrays)
    names = [f"{kind}_{100 * tap:.0f}" for tap in arrays["taps"] for kind in KINDS]
    return dict(zip(names, text.ravel().tolist(), strict=True))


def scores(states: np.ndarray, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Discriminant and projection of states (taps, ..., width), shape (taps, ..., 2)."""
    shape = (len(arrays["centre"]), *(1 for _ in states.shape[2:]), states.shape[-1])
    centred = states - arrays["centre"].reshape(shape)
    return np.asarray(np.einsum("t...w,tkw->t...k", centred, arrays["directions"]))


def sentence_projections(document: Document, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Average over depths of each sentence's discriminant, shape (sentences,)."""
    states = document.states
    text = float(scores(states.mean(), arrays)[:, 0].mean())
    by_sentence = scores(states.means, arrays)[..., 0].mean(axis=0)
    weight = states.tokens / (states.tokens + SENTENCE_PRIOR)
    return np.asarray(text + weight * (by_sentence - text))


def learn_representation(
    documents: Sequence[Document], labels: np.ndarray, sources: np.ndarray, taps: Sequence[float]
) -> dict[str, np.ndarray]:
    """Directions in which the states of people's and models' texts differ, at each depth.

    Returns:
        `taps` (taps,), `centre` (taps, width) and `directions` (taps, 2, width): discriminant
        and difference of means, of such length that the training texts' scores have standard
        deviation 1.
    """
    read = [i for i, document in enumerate(documents) if document.states.tokens.size]
    states = np.stack([documents[i].states.mean() for i in read], axis=1)
    directions = [discriminant_directions(at_tap, labels[read], sources[read]) for at_tap in states]
    return {
        "taps": np.array(taps, np.float32),
        "centre": states.mean(axis=1),
        "directions": np.array(directions, np.float32),
    }


def discriminant_directions(
    states: np.ndarray, labels: np.ndarray, sources: np.ndarray
) -> np.ndarray:
    """Discriminant and difference of class means that hold across sources, shape (2, width).

    Fisher's linear discriminant (Friedman 1989, regularised), but from statistics of cells (one
    source, one class) that weigh alike, however many texts they hold: the variance is that
    within cells, so what merely tells sources and topics apart is not rewarded; the difference
    is half that of class means, and half the average of differences within sources that have
    both classes, so a direction counts as far as sources agree on it.

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
        np.mean([mean for (_, of), mean in means.items() if of == label], axis=0)
        for label in (0, 1)
    ]
    difference = by_class[1] - by_class[0]
    paired = [means[s, 1] - means[s, 0] for s, label in means if label and (s, 0) in means]
    if paired:
        difference = (difference + np.mean(paired, axis=0)) / 2
    regularised = within / len(means) + SHRINKAGE * np.eye(len(within), dtype=np.float32)
    pair = np.stack([np.linalg.solve(regularised, difference), difference])
    spread = (standardised @ pair.T).std(axis=0)
    return np.asarray(pair / (scale * np.maximum(spread, 1e-9)[:, None]))
