"""Canonical text stays the same, however odd the text that it came from."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplexity_detector.text import canonicalise
from tests.hostile.odd_texts import ATOMS, odd_texts
from tests.hostile.sizes import number


@pytest.mark.parametrize(
    "text",
    [
        "> " * 9 + "a",
        "# " * 20 + "a",
        "1. " * 30 + "a",
        "1. - " * 30 + "a",
        "> 1. > - # " * 30 + "a",
        "&" + "amp;" * 12 + "lt;b",
        "*" * 40 + "a" + "*" * 40,
        "_" * 41 + "a" + "_" * 41,
        "[" * 20 + "a" + "](b)" * 20,
    ],
)
def test_deep_nesting_is_settled(text):
    canonical = canonicalise(text)
    assert canonicalise(canonical) == canonical
    assert any(letter in canonical for letter in "ab")  # the words stay


@given(st.lists(st.tuples(st.sampled_from(ATOMS), st.sampled_from([1, 1, 2, 9])), max_size=40))
@settings(max_examples=number(300, 20_000), deadline=None)
def test_canonical_text_stays_the_same(parts):
    canonical = canonicalise("".join(atom * times for atom, times in parts))
    assert canonicalise(canonical) == canonical


def test_thousands_of_odd_texts_stay_the_same():
    for text in odd_texts(number(5_000, 100_000)):
        canonical = canonicalise(text)
        assert canonicalise(canonical) == canonical


def test_a_huge_nest_is_quick():
    # each round takes one level off: as many rounds as levels would take hours
    canonical = canonicalise("> 1. " * 50_000 + "a")
    assert canonicalise(canonical) == canonical
