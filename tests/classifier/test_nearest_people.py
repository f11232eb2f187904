import numpy as np
import pytest

from perplexity_detector.classifier import nearest_people
from perplexity_detector.classifier.nearest_people import NearestPeople
from perplexity_detector.features.document import Document
from perplexity_detector.lm.pooling import PooledStates

WIDTH, KINDS = 64, 3
#: Where each kind of text lies, and where models differ from people.
AXES = np.linalg.qr(np.random.default_rng(9).normal(size=(WIDTH, KINDS + 1)))[0].T


def documents(kinds, labels, seed=0, tokens=200):
    """Texts of some kinds by people (0) and by models (1)."""
    draw = np.random.default_rng(seed)
    states = draw.normal(size=(len(kinds), WIDTH), scale=0.1)
    states += 4 * AXES[kinds] + 3 * np.outer(labels, AXES[KINDS])
    states = states.astype(np.float32)
    lengths = np.broadcast_to(tokens, len(kinds))
    return [
        Document("text", states=PooledStates((1,), one[None, None], np.array([n - 1], np.int32)))
        for one, n in zip(states, lengths, strict=True)
    ]


@pytest.fixture(autouse=True)
def few_neighbours(monkeypatch):
    monkeypatch.setattr(nearest_people, "NEIGHBOURS", 200)
    monkeypatch.setattr(nearest_people, "MIN_PEOPLE", 600)


def fit(texts=3000, seed=0):
    """People who write kind 2 score higher than others."""
    draw = np.random.default_rng(seed)
    kinds, labels = np.arange(texts) % KINDS, np.arange(texts) // KINDS % 2
    probabilities = draw.uniform(0, 0.4, texts) + 0.4 * (kinds == 2)
    read = documents(kinds, labels, seed)
    return NearestPeople.fit(read, labels, kinds, probabilities)


def test_a_kind_whose_people_score_high_has_a_high_threshold():
    people = fit()
    kinds = np.repeat(np.arange(KINDS), 50)
    for label in (0, 1):  # who wrote it makes no difference
        found = people.thresholds(documents(kinds, np.full(150, label), seed=1), 0.05)
        assert found[kinds < 2] == pytest.approx(0.38, abs=0.03)
        assert found[kinds == 2] == pytest.approx(0.78, abs=0.03)


def test_the_rate_is_kept_in_each_kind():
    people = fit()
    draw = np.random.default_rng(2)
    kinds = np.repeat(np.arange(KINDS), 1000)
    scores = draw.uniform(0, 0.4, 3000) + 0.4 * (kinds == 2)
    flagged = scores >= people.thresholds(documents(kinds, np.zeros(3000), seed=2), 0.05)
    for kind in range(KINDS):
        assert 0.02 < flagged[kinds == kind].mean() < 0.08


def test_length_counts_among_other_things():
    draw = np.random.default_rng(3)
    tokens = np.where(np.arange(6000) // 2 % 2, 60, 600)
    labels = np.arange(6000) % 2
    probabilities = draw.uniform(0, 0.4, 6000) + 0.4 * (tokens == 60)
    kinds = np.arange(6000) // 4 % KINDS
    people = NearestPeople.fit(
        documents(kinds, labels, tokens=tokens), labels, kinds, probabilities
    )
    short, long = (
        people.thresholds(documents(np.zeros(40, int), np.zeros(40), tokens=n), 0.05).mean()
        for n in (60, 600)
    )
    assert short > long + 0.03


def test_a_low_rate_asks_more_people():
    people = fit()
    (low,) = people.thresholds(documents([0], np.zeros(1)), 0.004)
    assert low > 0.7  # 1250 neighbours reach into the kind that scores high
    assert np.isinf(people.thresholds(documents([0], np.zeros(1)), 0.0001)).all()


def test_a_text_like_no_people_has_no_threshold():
    people = fit()
    (far,) = documents([0], np.zeros(1))
    states = far.states
    far = Document(
        "text",
        states=PooledStates((1,), states.means + 40 * AXES[0].astype(np.float32), states.tokens),
    )
    assert np.isinf(people.thresholds([far, Document("")], 0.05)).all()
    assert people.thresholds([], 0.05).shape == (0,)


def test_few_people_or_no_states_set_none():
    assert fit(texts=1000) is None
    labels = np.arange(2000) % 2
    unread = [Document("text")] * 2000
    assert NearestPeople.fit(unread, labels, labels, np.zeros(2000)) is None


def test_arrays_give_the_same_thresholds():
    people = fit()
    again = NearestPeople.from_arrays(people.to_arrays())
    some = documents(np.arange(30) % KINDS, np.zeros(30), seed=4)
    assert np.array_equal(again.thresholds(some, 0.01), people.thresholds(some, 0.01))


def test_a_text_longer_than_all_is_as_one_of_the_longest():
    people = fit()
    same, longer = (
        people.thresholds(documents([0, 1], np.zeros(2), tokens=n), 0.05) for n in (200, 5000)
    )
    assert np.array_equal(same, longer)
