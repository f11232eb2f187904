"""Features made while the language model reads are those made after it."""

import threading
import time

import numpy as np
import pytest

from perplexity_detector.errors import InputError
from perplexity_detector.features import pipeline
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.registry import available_families


@pytest.fixture(scope="module")
def extractor(tiny_gpt2, essays):
    fitted = FeatureExtractor(list(available_families()), lm=str(tiny_gpt2), device="cpu")
    return fitted.fit(essays[:12], [0, 1] * 6)


@pytest.mark.parametrize("processes", [0, 1])
def test_the_table_is_the_same(extractor, essays, processes, monkeypatch):
    monkeypatch.setattr(pipeline, "CHUNK_TEXTS", 2)
    texts = ["", *essays[:7], "One word"]
    extractor.set_params(processes=processes)
    documents, table = extractor.read_overlapped(texts)
    alone = extractor.read_documents(texts)
    assert [one.text for one in documents] == [one.text for one in alone]
    assert [one.token_count for one in documents] == [one.token_count for one in alone]
    np.testing.assert_allclose(table, extractor.transform(texts), rtol=1e-4, atol=1e-5)


def test_lengths_are_known_where_only_hidden_states_were_read(tiny_gpt2, essays):
    extractor = FeatureExtractor(["stylometry", "representation"], lm=str(tiny_gpt2), device="cpu")
    extractor.fit(essays[:12], [0, 1] * 6)
    documents, _ = extractor.read_overlapped(essays[:3])
    alone = extractor.read_documents(essays[:3])
    assert [one.token_count for one in documents] == [one.token_count for one in alone]
    # their mean over the text is kept: it finds the people whose texts are like this one
    assert all(one.states.means.shape[1] == 1 < len(one.sentences) for one in documents)


def test_families_that_need_no_pass(tiny_gpt2, essays):
    extractor = FeatureExtractor(["contrast"], lm=str(tiny_gpt2)).fit(essays[:12], [0, 1] * 6)
    _, table = extractor.read_overlapped(essays[:3])
    np.testing.assert_allclose(table, extractor.transform(essays[:3]), rtol=1e-6)


def test_a_cache_is_refused(tiny_gpt2, tmp_path):
    cached = FeatureExtractor(["contrast"], lm=str(tiny_gpt2), cache=str(tmp_path))
    with pytest.raises(InputError, match="where a cache is used: leave out cache"):
        cached.read_overlapped(["One text."])


def test_no_texts(extractor):
    _, table = extractor.read_overlapped([])
    assert table.shape == (0, len(extractor.get_feature_names_out()))


def test_items_are_made_ahead_and_in_order():
    made = []

    def items():
        for number in range(10):
            made.append(number)
            yield number

    taken = pipeline.prefetch(items(), max_items=3)
    assert next(taken) == 0
    deadline = time.monotonic() + 10
    while len(made) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(made) == 5  # one taken, three waiting, one in hand
    assert list(taken) == list(range(1, 10))


def test_an_error_comes_where_its_item_would():
    def items():
        yield 1
        raise ValueError("no more")

    taken = pipeline.prefetch(items())
    assert next(taken) == 1
    with pytest.raises(ValueError, match="no more"):
        next(taken)


def test_the_thread_ends_when_nobody_asks_any_more():
    before = threading.active_count()
    taken = pipeline.prefetch(iter(range(1000)))
    assert next(taken) == 0
    taken.close()
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before
