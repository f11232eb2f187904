"""Family `representation` (learned): what networks and linear probes read from hidden states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from perplexity_detector.features import linear_probes, network
from perplexity_detector.features.document import Document
from perplexity_detector.features.family import LearnedFamily
from perplexity_detector.lm.pooling import PooledStates

#: Depths at which hidden states are read, as shares of the model's blocks: after the 4th, 8th,
#: 12th, ... of smollm2's 30 blocks.
STATE_DEPTHS = (0.13, 0.27, 0.4, 0.5, 0.6, 0.73, 0.87)
#: Weight of what is assumed of a sentence before it is read, in tokens.
SENTENCE_PRIOR_TOKENS = 10.0

#: Features of the networks, which read all layers together.
NETWORK_LABELS = {
    "log_odds": "likeness of hidden states to model-written text",
    "spread": "disagreement about hidden states",
}


def state_depths(depth: float) -> tuple[float, ...]:
    """The depths of states that a model reaches which runs this share of its blocks."""
    return tuple(reached for reached in STATE_DEPTHS if reached <= depth)


def labels_at(depth: float) -> dict[str, str]:
    """Features of a model that runs this share of its blocks, and what they measure."""
    layers = [f"{100 * reached:.0f}" for reached in state_depths(depth)]
    probes = {
        f"{kind}_{layer}": f"{kind} of hidden states at {layer} % depth"
        for layer in layers
        for kind in linear_probes.KINDS
    }
    return {**NETWORK_LABELS, **probes} if layers else {}


def learned_family(depth: float = 1.0) -> LearnedFamily:
    """The family for a model that runs this share of its blocks; without features if too few."""
    labels = labels_at(depth)
    return LearnedFamily(
        name="representation",
        version=3,
        labels=labels,
        fit=partial(fit_representation, layers=len(state_depths(depth))),
        compute=partial(representation_features, names=list(labels)),
        requires="states",
        prepare=network.in_single_precision,
        trial=partial(_trial_document, layers=len(state_depths(depth))),
    )


def representation_features(
    document: Document, arrays: Mapping[str, np.ndarray], names: Sequence[str]
) -> dict[str, float]:
    """What is learned from hidden states, averaged over the text's tokens.

    All features are 0 for a text with fewer than two tokens; the others may have any sign, but for
    the spread.

    - `log_odds`: of networks that the text is generated, their mean. The states of all layers go
      into them together (`network.fit_networks`).
    - `spread`: standard deviation of the log-odds over the networks, from 0.
    - `discriminant_13`, `difference_13`, ...: projections of the states of one layer on a linear
      discriminant and on the difference of the class means (`linear_probes.fit_probes`).
    """
    if not document.states.tokens.size:
        return dict.fromkeys(names, 0.0)
    by_network = text_log_odds(document, arrays)
    probes = linear_probes.projections(document.states.mean(), arrays).ravel()
    values = [by_network.mean(), by_network.std(), *probes]
    return dict(zip(names, map(float, values), strict=True))


def text_log_odds(document: Document, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Log-odds by the text's hidden states, one of each network, shape (seeds,)."""
    return np.asarray(_log_odds(document.states.mean()[:, None], arrays)[0])


def sentence_log_odds(document: Document, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Each sentence's log-odds, by its own hidden states, shape (sentences with states,).

    Shrunk towards the whole text's, the more so the shorter the sentence.
    """
    text = text_log_odds(document, arrays).mean()
    return _shrunk_sentence_log_odds(document, arrays, text)


def sentence_evidence(document: Document, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """As `sentence_log_odds`, but shrunk towards 0: the text's own log-odds play no part."""
    return _shrunk_sentence_log_odds(document, arrays, 0.0)


def fit_representation(
    documents: Sequence[Document], labels: np.ndarray, sources: np.ndarray, layers: int
) -> dict[str, np.ndarray]:
    """Networks and linear probes over the mean states of the first `layers` layers."""
    with_states = [i for i, document in enumerate(documents) if document.states.tokens.size]
    states = np.stack([documents[i].states.mean()[:layers] for i in with_states])
    labels, sources = labels[with_states], sources[with_states]
    return {
        **network.fit_networks(states.reshape(len(states), -1), labels, sources),
        **linear_probes.fit_probes(states.swapaxes(0, 1), labels, sources),
    }


def _trial_document(arrays: Mapping[str, np.ndarray], layers: int) -> Document:
    width = arrays["probe_centre"].shape[1]
    states = np.zeros((layers, 1, width), np.float32)
    return Document("A trial.", states=PooledStates(tuple(range(layers)), states, np.array([2])))


def _shrunk_sentence_log_odds(
    document: Document, arrays: Mapping[str, np.ndarray], towards: float
) -> np.ndarray:
    states = document.states
    by_sentence = _log_odds(states.means, arrays).mean(axis=1)
    weight = states.tokens / (states.tokens + SENTENCE_PRIOR_TOKENS)
    return np.asarray(towards + weight * (by_sentence - towards))


def _log_odds(states: np.ndarray, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Log-odds (n, seeds) of states (layers, n, width), of which networks may read the first."""
    n_layers, n, width = states.shape
    rows = states.swapaxes(0, 1).reshape(n, n_layers * width)
    return network.log_odds(rows[:, : len(arrays["centre"])].astype(np.float32), arrays)
