"""Values of some spans of a text, distributed over other spans."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from perplexity_detector.explanation.tokens import realign

CUTS = st.lists(st.integers(0, 100), max_size=8)


def spans_of(cuts: list[int], length: int) -> np.ndarray:
    edges = sorted({0, length, *(cut % (length + 1) for cut in cuts)})
    return np.array(list(pairwise(edges)))


@settings(deadline=None)
@given(st.integers(1, 40), CUTS, CUTS)
def test_the_sum_is_kept(length: int, cuts: list[int], other_cuts: list[int]) -> None:
    spans, others = spans_of(cuts, length), spans_of(other_cuts, length)
    values = np.random.default_rng(length).normal(size=len(spans))
    shared = realign(values, spans, others)
    assert shared.shape == (len(others),)
    np.testing.assert_allclose(shared.sum(), values.sum(), atol=1e-9)
    np.testing.assert_allclose(realign(values, spans, spans), values, atol=1e-9)


def test_a_character_of_several_tokens_is_shared() -> None:
    # an emoji can be several tokens of bytes with the same offsets
    spans = np.array([[0, 1], [0, 1], [1, 3]])
    others = np.array([[0, 1], [0, 1], [0, 1], [1, 2], [2, 3]])
    shared = realign(np.array([1.0, 2.0, 4.0]), spans, others)
    np.testing.assert_allclose(shared, [1, 1, 1, 2, 2])


def test_no_spans() -> None:
    empty = np.zeros((0, 2), int)
    assert realign(np.zeros(0), empty, empty).shape == (0,)
