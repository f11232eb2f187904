import time

import numpy as np
import pytest

from perplexity_detector.features import ngrams

PEOPLE = [[1, 2, 3, 1, 2, 4], [1, 2, 3, 5]]
MODELS = [[6, 2, 3, 6, 2, 3], [6, 2, 3, 7]]


def as_ids(texts):
    return [np.array(text, np.int64) for text in texts]


def learn(people=PEOPLE, models=MODELS, sources=None):
    texts = as_ids([*people, *models])
    labels = np.array([0] * len(people) + [1] * len(models))
    sources = np.zeros(len(texts), np.int64) if sources is None else np.array(sources)
    return ngrams.fit_ngrams(texts, labels, sources)


def naive(people, models, wanted):
    """ln p of each token of a text, token by token, with dictionaries and float64."""
    sides = [people, models]
    vocabulary = {token for text in [*people, *models] for token in text}

    def count(side, gram):
        n = len(gram)
        places = (tuple(text[i : i + n]) for text in sides[side] for i in range(len(text) - n + 1))
        return min(ngrams.MAX_COUNT_PER_SOURCE, sum(place == gram for place in places))

    def holders(gram):
        n = len(gram)
        return sum(
            any(tuple(text[i : i + n]) == gram for i in range(len(text) - n + 1))
            for text in [*people, *models]
        )

    def probability(side, history, token):
        if not history:
            total = sum(count(side, (t,)) for t in vocabulary) + 0.5 * (len(vocabulary) + 1)
            return (count(side, (token,)) + 0.5) / total
        below = probability(side, history[1:], token)
        counts = {t: count(side, (*history, t)) for t in vocabulary}
        total = max(sum(counts.values()), ngrams.DISCOUNT)
        kept = {t: max(c - ngrams.DISCOUNT, 0) / total for t, c in counts.items()
                if holders((*history, t)) >= ngrams.MIN_TEXTS}  # fmt: skip
        if not kept:
            return below
        return kept.get(token, 0) + (1 - sum(kept.values())) * below

    return [
        [np.log(probability(side, tuple(wanted[max(0, i - 3) : i]), wanted[i]))
         for i in range(len(wanted))]
        for side in (0, 1)
    ]  # fmt: skip


@pytest.mark.parametrize("text", [[1, 2, 3, 1, 2, 3], [6, 2, 3, 7, 1], [9, 9, 2, 3], [5]])
def test_scores_are_those_of_a_naive_implementation(text):
    found = ngrams.log_probabilities(learn(), as_ids([text]))
    assert found == pytest.approx(np.array(naive(PEOPLE, MODELS, text)), abs=0.01)


def test_probabilities_of_all_tokens_after_a_history_sum_to_one():
    arrays = learn()
    unseen = 99
    for history in ([], [2], [1, 2], [6, 2, 3], [2, 9], [9]):
        texts = as_ids([[*history, token] for token in [*range(1, 8), unseen]])
        last = ngrams.log_probabilities(arrays, texts)[:, len(history) :: len(history) + 1]
        assert np.exp(last).sum(axis=1) == pytest.approx([1, 1], abs=0.005)


def test_texts_are_scored_one_by_one():
    arrays = learn()
    one, other = as_ids([[1, 2, 3, 5], [6, 2, 3]])
    together = ngrams.log_probabilities(arrays, [one, other])
    apart = [ngrams.log_probabilities(arrays, [text]) for text in (one, other)]
    assert (together == np.concatenate(apart, axis=1)).all()


def test_no_tokens():
    assert ngrams.log_probabilities(learn(), as_ids([[]])).shape == (2, 0)
    assert ngrams.log_probabilities(learn(), []).shape == (2, 0)
    empty = learn([[]], [[]])
    assert np.isfinite(ngrams.log_probabilities(empty, as_ids([[1, 2, 3]]))).all()


def test_texts_of_one_token_teach_single_tokens_only():
    arrays = learn([[1], [1]], [[2], [2]])
    people, models = ngrams.log_probabilities(arrays, as_ids([[1, 2, 1, 2]]))
    assert people[0] > models[0]
    assert people[1] < models[1]


def test_what_one_source_repeats_counts_no_more_than_the_cap():
    often = ngrams.fit_ngrams(
        as_ids([[1, 2] * 500, [1, 2], [3, 4]]), np.array([0, 0, 1]), np.array([0, 1, 1])
    )
    seldom = ngrams.fit_ngrams(
        as_ids([[1, 2] * 40, [1, 2], [3, 4]]), np.array([0, 0, 1]), np.array([0, 1, 1])
    )
    text = as_ids([[1, 2, 1]])
    assert (ngrams.log_probabilities(often, text) == ngrams.log_probabilities(seldom, text)).all()


def test_tokens_of_any_vocabulary_are_distinguished():
    high = [[token + 10_000_000 for token in text] for text in PEOPLE]
    arrays = learn(high, MODELS)
    people, models = ngrams.log_probabilities(arrays, as_ids([high[0]]))
    assert (people > models).all()


def test_arrays_are_small_and_sorted(monkeypatch):
    monkeypatch.setattr(ngrams, "MAX_NGRAMS", 50)
    draw = np.random.default_rng(0)
    texts = [draw.zipf(1.5, 200) % 1000 for _ in range(60)]
    arrays = ngrams.fit_ngrams(texts, np.arange(60) % 2, np.zeros(60, np.int64))
    for order in (2, 3, 4):
        keys = arrays[f"keys_{order}"]
        assert keys.dtype == np.uint32
        assert len(keys) <= 50
        assert (np.diff(keys.astype(np.int64)) >= 0).all()
        assert arrays[f"values_{order}"].dtype == np.float16


def test_scores_200_000_tokens_a_second():
    draw = np.random.default_rng(0)
    texts = [draw.zipf(1.3, 200) % 50_000 for _ in range(500)]
    arrays = ngrams.fit_ngrams(texts, np.arange(500) % 2, np.zeros(500, np.int64))
    seconds = []
    for _ in range(3):
        start = time.process_time()
        for text in texts:
            ngrams.log_probabilities(arrays, [text])
        seconds.append(time.process_time() - start)
    assert 100_000 / min(seconds) > 200_000
