"""Canonical text stays the same, however odd the text that it came from."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplexity_detector.text import canonicalise

#: What uncovers something else when it is removed, and plain text between.
ATOMS = [
    "> ", "# ", "- ", "1. ", "***", "**", "*", "_", "__", "~~", "`", "```\n", "\n", "\n\n", " ",
    "\t", "a", "word", "tHe", "[", "](", ")", "!", "&amp;", "&", "amp;", "lt;", "&#62;", "''",
    "'", '"', "\\", "\\n", "\\r", " n't", "'s", ",", ".", "\u0301", "\u200b", "\ud800", "а", "ﬁ",
    "Ａ", "…", "—", "•", "---", "\u00a0", "\u2028", "＆", "＞", "＃", "＊", "＿", "～", "\x1c",
    "\x85", "İ", "ſ", "&#x26;", "&nbsp;",
]  # fmt: skip


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
@settings(max_examples=300, deadline=None)
def test_canonical_text_stays_the_same(parts):
    canonical = canonicalise("".join(atom * times for atom, times in parts))
    assert canonicalise(canonical) == canonical


def test_thousands_of_odd_texts_stay_the_same():
    draw = random.Random(0)
    for _ in range(5_000):
        atoms = draw.choices(ATOMS, k=draw.randint(1, 40))
        canonical = canonicalise("".join(atom * draw.choice([1, 1, 1, 2, 9]) for atom in atoms))
        assert canonicalise(canonical) == canonical


def test_a_huge_nest_is_quick():
    # each round takes one level off: as many rounds as levels would take hours
    canonical = canonicalise("> 1. " * 50_000 + "a")
    assert canonicalise(canonical) == canonical
