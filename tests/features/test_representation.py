import numpy as np
import pytest

from perplexity_detector.features import representation
from perplexity_detector.features.document import Document
from perplexity_detector.lm.pooling import PooledStates

PROBE_DEPTHS = (0.27, 0.5)
WIDTH = 6


def document(means, tokens=None):
    """Means of shape (depths, sentences, width)."""
    means = np.asarray(means, np.float32)
    tokens = np.full(means.shape[1], 10) if tokens is None else np.asarray(tokens)
    return Document("text", states=PooledStates((1, 2), means, tokens.astype(np.int32)))


def sample(texts=400, sources=4, seed=0, gap=1.0):
    """Each source has a topic of its own along axis 1; models differ from people along axis 0."""
    draw = np.random.default_rng(seed)
    labels, origin = np.arange(texts) % 2, np.arange(texts) // 2 % sources
    states = draw.normal(size=(texts, 2, 3, WIDTH))
    states[..., 0] += gap * labels[:, None, None]
    states[..., 1] += 5 * origin[:, None, None]
    return [document(one) for one in states], labels, origin


def learn(documents, labels, sources):
    return representation.fit_representation(documents, labels, sources, PROBE_DEPTHS)


def test_the_direction_on_which_sources_agree_is_found():
    documents, labels, sources = sample()
    arrays = learn(documents, labels, sources)
    for probe, difference in arrays["directions"]:
        assert np.argmax(np.abs(probe)) == 0
        assert np.argmax(np.abs(difference)) == 0
    values = [representation.representation_features(one, arrays) for one in documents]
    scores = np.array([value["probe_50"] for value in values])
    assert scores[labels == 1].mean() > scores[labels == 0].mean() + 0.5
    assert scores.std() == pytest.approx(1, abs=1e-3)


def test_a_source_counts_the_same_with_many_texts_as_with_few():
    documents, labels, sources = sample(800)
    few = np.flatnonzero((sources > 0) | (np.arange(800) < 400))
    whole = learn(documents, labels, sources)["directions"]
    thinned = learn([documents[i] for i in few], labels[few], sources[few])["directions"]
    cosine = np.sum(whole * thinned, axis=-1) / np.linalg.norm(whole, axis=-1)
    assert (cosine / np.linalg.norm(thinned, axis=-1) > 0.95).all()


def test_directions_that_separate_only_sources_are_ignored():
    documents, labels, sources = sample(gap=0.5)
    # models in one source only: topic and label go together there
    kept = np.flatnonzero((labels == 0) | (sources == 3) | (sources == 2))
    arrays = learn([documents[i] for i in kept], labels[kept], sources[kept])
    probe = np.abs(arrays["directions"][0, 0])
    assert probe[0] > probe[2:].max()


def test_pair_against_the_formula():
    draw = np.random.default_rng(1)
    states, labels = draw.normal(size=(60, 3)), np.arange(60) % 2
    sources = np.zeros(60, np.int64)
    pair = representation.discriminant_directions(states, labels, sources)
    scale = states.std(axis=0) + 1e-6
    z = (states - states.mean(axis=0)) / scale
    difference = z[labels == 1].mean(axis=0) - z[labels == 0].mean(axis=0)
    within = (np.cov(z[labels == 0].T, bias=True) + np.cov(z[labels == 1].T, bias=True)) / 2
    probe = np.linalg.inv(within + representation.SHRINKAGE * np.eye(3)) @ difference
    for found, expected in zip(pair, (probe, difference), strict=True):
        assert found * scale * (z @ expected).std() == pytest.approx(expected, rel=1e-6)


def test_sentences_are_shrunk_towards_the_text():
    documents, labels, sources = sample()
    arrays = learn(documents, labels, sources)
    means = np.stack([np.full((2, WIDTH), 3.0), np.zeros((2, WIDTH))], axis=1)
    long = representation.sentence_projections(document(means, [1000, 1000]), arrays)
    short = representation.sentence_projections(document(means, [1, 1]), arrays)
    assert np.ptp(short) == pytest.approx(np.ptp(long) / 11, rel=0.02)
    assert np.mean(short) == pytest.approx(np.mean(long), abs=1e-5)


def test_a_text_without_states_has_zeros():
    documents, labels, sources = sample(40)
    arrays = learn([*documents, Document("")], np.append(labels, 0), np.append(sources, 0))
    values = representation.representation_features(Document(""), arrays)
    assert list(values) == list(arrays_labels := _labels())
    assert set(values.values()) == {0.0}
    assert len(arrays_labels) == 2 * len(PROBE_DEPTHS)


def _labels():
    return [f"{kind}_{percent}" for percent in (27, 50) for kind in ("probe", "difference")]


def test_a_depth_has_the_taps_that_it_reaches():
    assert representation.probe_depths(0.5) == (0.13, 0.27, 0.4, 0.5)
    whole = representation.learned_family().labels
    half = representation.learned_family(0.5).labels
    assert set(half) < set(whole)
    assert "probe_60" not in half
