import numpy as np
import pytest
import torch

from perplexity_detector.evaluation.metrics import auroc
from perplexity_detector.features import representation
from perplexity_detector.features.document import Document
from perplexity_detector.lm.pooling import PooledStates

LAYERS, WIDTH = 2, 6


def document(means, tokens=None):
    """Means of shape (layers, sentences, width)."""
    means = np.asarray(means, np.float32)
    tokens = np.full(means.shape[1], 10) if tokens is None else np.asarray(tokens)
    layers = tuple(range(1, len(means) + 1))
    return Document("text", states=PooledStates(layers, means, tokens.astype(np.int32)))


def sample(texts=400, sources=4, seed=0, axes=(0, 0, 0, 0), layers=LAYERS):
    """Each source has a topic of its own along axis 1; its models differ along one of `axes`."""
    draw = np.random.default_rng(seed)
    labels, origin = np.arange(texts) % 2, np.arange(texts) // 2 % sources
    states = draw.normal(size=(texts, layers, 3, WIDTH))
    for one, label, source in zip(states, labels, origin, strict=True):
        one[..., axes[source]] += label
        one[..., 1] += 5 * source
    return [document(one) for one in states], labels, origin


def learn(documents, labels, sources, layers=LAYERS):
    return representation.fit_representation(documents, labels, sources, layers)


def features(one, arrays):
    names = list(representation.labels_at(1))[: 2 + 2 * len(arrays["probe_centre"])]
    return representation.representation_features(one, arrays, names)


def log_odds(documents, arrays):
    return np.array([features(one, arrays)["log_odds"] for one in documents])


def test_the_direction_on_which_sources_agree_is_found():
    arrays = learn(*sample())
    documents, labels, _ = sample(seed=1)
    found = log_odds(documents, arrays)
    along = [one.states.mean()[:, 0].mean() for one in documents]
    assert auroc(labels, found) > auroc(labels, along) - 0.02
    assert found[labels == 0].mean() < 0 < found[labels == 1].mean()
    # the topics are five times as far apart, and tell nothing
    topics = [
        document(np.zeros((LAYERS, 1, WIDTH)) + topic * np.eye(WIDTH)[1]) for topic in (0, 15)
    ]
    step = [document(np.ones((LAYERS, 1, WIDTH)) * np.eye(WIDTH)[0] * shift) for shift in (0, 1)]
    assert abs(np.diff(log_odds(topics, arrays))) < np.diff(log_odds(step, arrays))


def test_a_source_counts_the_same_with_many_texts_as_with_few():
    documents, labels, sources = sample(1600, axes=(2, 0, 0, 0))
    few = np.flatnonzero((sources > 0) | (np.arange(1600) < 320))
    whole = learn(documents, labels, sources)
    thinned = learn([documents[i] for i in few], labels[few], sources[few])
    unseen, known, _ = sample(400, seed=1, axes=(2, 2, 2, 2))
    gaps = [
        np.subtract(*(log_odds(unseen, arrays)[known == label].mean() for label in (1, 0)))
        for arrays in (whole, thinned)
    ]
    assert gaps[1] == pytest.approx(gaps[0], rel=0.25)


def test_spread_is_the_disagreement_of_the_networks():
    arrays = learn(*sample())
    usual, odd = document(np.zeros((LAYERS, 1, WIDTH))), document(np.full((LAYERS, 1, WIDTH), 40))
    spreads = [features(one, arrays)["spread"] for one in (usual, odd)]
    assert 0 < spreads[0] < spreads[1]


def test_sentences_are_shrunk_towards_the_text():
    arrays = learn(*sample())
    means = np.stack([np.full((LAYERS, WIDTH), 3.0), np.zeros((LAYERS, WIDTH))], axis=1)
    text = log_odds([document(means)], arrays)
    alone = log_odds([document(means[:, [0]]), document(means[:, [1]])], arrays)
    for tokens in (1, 10, 1000):
        found = representation.sentence_log_odds(document(means, [tokens, tokens]), arrays)
        weight = tokens / (tokens + representation.SENTENCE_PRIOR_TOKENS)
        assert found == pytest.approx(text + weight * (alone - text), abs=1e-4)


def test_the_only_sentence_has_the_log_odds_of_the_text():
    arrays = learn(*sample())
    one = document(np.ones((LAYERS, 1, WIDTH)), [7])
    assert representation.sentence_log_odds(one, arrays) == pytest.approx(log_odds([one], arrays))


def test_a_text_without_states_has_zeros():
    documents, labels, sources = sample(40)
    arrays = learn([*documents, Document("")], np.append(labels, 0), np.append(sources, 0))
    values = features(Document(""), arrays)
    assert list(values)[:2] == ["log_odds", "spread"]
    assert len(values) == 2 + 2 * LAYERS
    assert set(values.values()) == {0.0}


def test_a_depth_has_the_states_that_it_reaches():
    assert representation.state_depths(0.5) == (0.13, 0.27, 0.4, 0.5)
    assert representation.state_depths(0.1) == ()
    names = representation.learned_family().feature_names
    assert names[:3] == [
        "representation_log_odds",
        "representation_spread",
        "representation_discriminant_13",
    ]
    assert names[-1] == "representation_difference_87"
    assert len(names) == 2 + 2 * len(representation.STATE_DEPTHS)
    assert representation.learned_family(0.5).feature_names == names[: 2 + 2 * 4]
    assert representation.learned_family(0.1).feature_names == []


def test_layers_after_those_of_the_fit_are_ignored():
    documents, labels, sources = sample(layers=3)
    arrays = learn(documents, labels, sources, layers=2)
    first = [document(one.states.means[:2]) for one in documents]
    assert (log_odds(documents, arrays) == log_odds(first, arrays)).all()
    sentences = [representation.sentence_log_odds(one[0], arrays) for one in (documents, first)]
    assert (sentences[0] == sentences[1]).all()
    assert features(documents[0], arrays) == features(first[0], arrays)


def test_the_fitted_family_has_the_values_of_its_stored_arrays():
    documents, labels, sources = sample(layers=len(representation.STATE_DEPTHS))
    learned = representation.learned_family()
    arrays = learned.fit(documents, labels, sources)
    found = [dict(zip(learned.labels, learned.family(arrays).values(one), strict=True))
             for one in documents]  # fmt: skip
    assert [one["log_odds"] for one in found] == pytest.approx(
        log_odds(documents, arrays), abs=1e-4
    )
    for one, values in zip(documents, found, strict=True):
        assert values == pytest.approx(features(one, arrays), abs=1e-3)


def test_two_fits_give_the_same_bytes_and_leave_random_numbers_alone():
    before = torch.get_rng_state()
    fits = [learn(*sample(60)) for _ in range(2)]
    assert torch.equal(torch.get_rng_state(), before)
    first, second = ({name: array.tobytes() for name, array in fit.items()} for fit in fits)
    assert first == second
