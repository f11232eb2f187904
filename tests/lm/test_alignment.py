"""The sentence of each token, against plain loops and worked by hand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from perplexity_detector.lm.alignment import (
    last_start_before,
    sentence_of_token,
    tokens_by_sentence,
)
from perplexity_detector.text import sentence_spans

NO_TOKENS = np.zeros((0, 2), np.int32)


@st.composite
def texts_and_offsets(draw):
    """A text and tokens that cover it or not, overlap (bytes of one character), or are empty."""
    text = draw(st.text(st.sampled_from('ab. !?\n"é\U0001f600\ud800'), max_size=40))
    ends = st.integers(0, len(text))
    tokens = draw(st.lists(st.tuples(ends, ends).map(sorted), max_size=20).map(sorted))
    return text, np.array(tokens, np.int32).reshape(-1, 2)


def test_a_token_belongs_to_the_sentence_it_ends_in():
    spans = [(0, 4), (5, 8)]  # "One. Two"
    offsets = np.array([[0, 3], [3, 4], [4, 8]])  # " Two" carries its space
    assert sentence_of_token(spans, offsets).tolist() == [0, 0, 1]
    assert [tokens.tolist() for tokens in tokens_by_sentence(spans, offsets)] == [[0, 1], [2]]


def test_a_token_between_sentences():
    spans = [(1, 5), (6, 9)]  # " One. Two "
    offsets = np.array([[0, 1], [1, 5], [5, 6], [6, 9], [9, 10]])
    assert last_start_before([1, 6], offsets).tolist() == [-1, 0, 0, 1, 1]
    assert sentence_of_token(spans, offsets).tolist() == [0, 0, 0, 1, 1]
    assert [tokens.tolist() for tokens in tokens_by_sentence(spans, offsets)] == [[1], [3]]


def test_no_sentences_and_no_tokens():
    assert sentence_of_token([], NO_TOKENS).tolist() == []
    assert sentence_of_token([], np.array([[0, 1]])).tolist() == [0]
    assert sentence_of_token([(0, 4)], NO_TOKENS).tolist() == []
    assert tokens_by_sentence([], np.array([[0, 1]])) == []
    assert tokens_by_sentence([(0, 4)], NO_TOKENS) == []


@given(texts_and_offsets())
def test_every_token_has_a_sentence(case):
    text, offsets = case
    spans = sentence_spans(text)
    expected, reached = [], 0
    for _, end in offsets:
        reached = max([reached, *(i for i, (start, _) in enumerate(spans) if start < end)])
        expected.append(reached)
    assert sentence_of_token(spans, offsets).tolist() == expected


@given(texts_and_offsets())
def test_tokens_of_each_sentence(case):
    text, offsets = case
    spans = sentence_spans(text)
    # tokens whose ends rise, as a tokenizer gives them
    offsets = offsets[np.argsort(offsets[:, 1], kind="stable")]
    expected = [
        [i for i, (_, last) in enumerate(offsets) if start < last <= end] for start, end in spans
    ]
    found = [tokens.tolist() for tokens in tokens_by_sentence(spans, offsets)]
    assert found == [tokens for tokens in expected if tokens]
