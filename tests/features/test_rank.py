"""Family `rank` by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_detector.features.rank import FAMILY


def test_five_tokens_by_hand(document_of):
    values = FAMILY.compute(document_of([1, 2, 3, 4, 5], rank=[1, 10, 100, 1000, 10000]))
    assert list(values) == list(FAMILY.labels)
    ten = math.log(10)
    assert values["mean_log"] == pytest.approx(2 * ten)
    assert values["mean_log_squared"] == pytest.approx(6 * ten**2)
    assert values["std_log"] == pytest.approx(math.sqrt(2) * ten)
    assert values["first"] == pytest.approx(0.2)
    assert values["top_10"] == pytest.approx(0.4)
    assert values["top_100"] == pytest.approx(0.2)
    assert values["top_1000"] == pytest.approx(0.2)
    assert values["beyond"] == pytest.approx(0.2)
    assert values["likelihood_ratio"] == pytest.approx(15 / (10 * ten))


def test_without_any_rank_above_one_the_likelihood_ratio_is_zero(document_of):
    values = FAMILY.compute(document_of([1, 1], rank=[1, 1]))
    assert values["first"] == values["top_10"] == 1
    assert values["mean_log"] == values["likelihood_ratio"] == 0


@given(ranks=st.lists(st.integers(1, 200_000), min_size=1, max_size=50))
def test_the_four_colours_of_gltr_are_all_of_the_text(document_of, ranks):
    values = FAMILY.compute(document_of(np.ones(len(ranks)), rank=ranks))
    colours = [values[name] for name in ("top_10", "top_100", "top_1000", "beyond")]
    assert sum(colours) == pytest.approx(1)
    assert min(colours) >= -1e-12


def test_an_empty_text_is_all_zero(document_of):
    assert set(FAMILY.compute(document_of()).values()) == {0.0}
