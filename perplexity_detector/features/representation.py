"""Family `representation` (learned): what a small network reads from the model's hidden states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from perplexity_detector.features import network
from perplexity_detector.features.document import Document
from perplexity_detector.features.family import LearnedFamily

#: Depths at which hidden states are read, as shares of the model's blocks: after the 4th, 8th,
#: 12th, ... of smollm2's 30 blocks.
STATE_DEPTHS = (0.13, 0.27, 0.4, 0.5, 0.6, 0.73, 0.87)
#: Weight of the whole text's log-odds in a sentence's log-odds, in tokens.
SENTENCE_PRIOR_TOKENS = 10.0

LABELS = {
    "log_odds": "likeness of hidden states to model-written text",
    "spread": "disagreement about hidden states",
}


def state_depths(depth: float) -> tuple[float, ...]:
    """The depths of states that a model reaches which runs this share of its blocks."""
    return tuple(reached for reached in STATE_DEPTHS if reached <= depth)


def learned_family(depth: float = 1.0) -> LearnedFamily:
    """The family for a model that runs this share of its blocks; without features if too few."""
    return LearnedFamily(
        name="representation",
        version=2,
        labels=LABELS if state_depths(depth) else {},
        fit=partial(fit_representation, layers=len(state_depths(depth))),
        compute=representation_features,
        requires="states",
        prepare=network.in_single_precision,
    )


def representation_features(
    document: Document, arrays: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """What networks make of the hidden states, averaged over the text's tokens.

    The states after several blocks go into the networks together (`network.fit_networks`). Both
    features are 0 for a text with fewer than two tokens.

    - `log_odds`: that the text is generated, mean over the networks; any sign.
    - `spread`: standard deviation of the log-odds over the networks, from 0.
    """
    if not document.states.tokens.size:
        return dict.fromkeys(LABELS, 0.0)
    by_network = _log_odds(document.states.mean()[:, None], arrays)[0]
    return {"log_odds": float(by_network.mean()), "spread": float(by_network.std())}


def sentence_log_odds(document: Document, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Each sentence's log-odds, by its own hidden states, shape (sentences with states,).

    Shrunk towards the whole text's, the more so the shorter the sentence.
    """
    states = document.states
    text = _log_odds(states.mean()[:, None], arrays).mean()
    by_sentence = _log_odds(states.means, arrays).mean(axis=1)
    weight = states.tokens / (states.tokens + SENTENCE_PRIOR_TOKENS)
    return np.asarray(text + weight * (by_sentence - text))


def fit_representation(
    documents: Sequence[Document], labels: np.ndarray, sources: np.ndarray, layers: int
) -> dict[str, np.ndarray]:
    """Networks over the mean states of the first `layers` layers; see `network.fit_networks`."""
    with_states = [i for i, document in enumerate(documents) if document.states.tokens.size]
    states = [documents[i].states.mean()[:layers].ravel() for i in with_states]
    return network.fit_networks(np.stack(states), labels[with_states], sources[with_states])


def _log_odds(states: np.ndarray, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Log-odds (n, seeds) of states (layers, n, width), of which networks may read the first."""
    n_layers, n, width = states.shape
    rows = states.swapaxes(0, 1).reshape(n, n_layers * width)
    return network.log_odds(rows[:, : len(arrays["centre"])].astype(np.float32), arrays)
