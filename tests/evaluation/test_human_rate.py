"""How often people are flagged, and how many texts it takes to promise a rate."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from perplexity_detector.errors import InputError
from perplexity_detector.evaluation.human_rate import (
    describe_human_rate,
    share_flagged,
    texts_needed,
)


def upper_bound(flagged, texts):
    """By scipy's own Clopper-Pearson interval."""
    test = binomtest(flagged, texts, alternative="less")
    return test.proportion_ci(0.95, method="exact").high


def test_the_rule_of_three():
    # the textbook's figures: ln(0.05) / ln(1 - rate), rounded up
    assert [texts_needed(rate) for rate in (0.001, 0.01, 0.05, 0.1)] == [2995, 299, 59, 29]


@settings(deadline=None, max_examples=40)
@given(rate=st.floats(0.002, 0.5), flagged=st.integers(0, 12))
def test_it_is_the_smallest_number_whose_bound_keeps_the_rate(rate, flagged):
    needed = texts_needed(rate, flagged)
    assert upper_bound(flagged, needed) <= rate * (1 + 1e-9)
    assert needed == flagged + 1 or upper_bound(flagged, needed - 1) > rate * (1 - 1e-9)


@pytest.mark.parametrize("rate", [0, 1, -0.1, 7])
def test_a_rate_that_is_none(rate):
    with pytest.raises(InputError, match="between 0 and 1"):
        texts_needed(rate)


def test_what_is_said():
    flagged = np.arange(120) < 2
    assert share_flagged(flagged) == "2 of 120 flagged, 1.7 % [0.2 %, 5.9 %]"
    first, second = describe_human_rate(flagged, 0.01).splitlines()
    assert first == "Texts by people: 2 of 120 flagged, 1.7 % [0.2 %, 5.9 %]"
    assert second == (
        "To promise at most 1 % at 95 % confidence, it takes 299 texts by people with none "
        "flagged, or 628 with the 2 flagged here."
    )
    assert "At 95 % confidence, that promises at most 10 %." in describe_human_rate(flagged, 0.1)
    enough = describe_human_rate(np.zeros(299, bool), 0.01)
    assert enough.endswith("that promises at most 1 %.")
    assert "with none flagged." in describe_human_rate(np.zeros(298, bool), 0.01)
