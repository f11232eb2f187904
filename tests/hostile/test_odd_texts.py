"""Whatever the text, functions of text are total, take linear time, and agree with each other."""

import math
import time

import pytest

from perplexity_detector.classifier.disguise import find_flags
from perplexity_detector.features import registry
from perplexity_detector.features.document import Document
from perplexity_detector.text import canonicalise, crop, lower, sentence_spans, words
from tests.hostile.odd_texts import ATOMS, odd_texts
from tests.hostile.sizes import number
from tests.labelled import small_detector

FAMILIES = [family for family in registry.FAMILIES.values() if family.requires != "statistics"]
FUNCTIONS = [
    canonicalise, words, lower, sentence_spans, find_flags, lambda text: crop(text, 50),
]  # fmt: skip
#: Characters of a text.
SIZE = number(4_000, 100_000)
#: How much longer a text may take that is four times as long; quadratic time makes it 16 times.
MOST = 10
#: Seconds below which a clock says nothing.
SOON = 0.02


def test_functions_and_families_are_total():
    for text in odd_texts(number(400, 100_000), seed=1):
        canonical = canonicalise(text)
        spans = sentence_spans(canonical)
        assert all(0 <= start < end <= len(canonical) for start, end in spans)
        assert spans == sorted(spans)
        assert len(words(crop(canonical, 5))) <= max(5, len(words(canonical)))
        for flag in find_flags(text):
            assert flag.count > 0
            assert all(0 <= start < end <= len(text) for start, end in flag.positions)
        for family in FAMILIES:
            values = family.compute(Document(canonical))
            assert all(map(math.isfinite, values.values())), family.name


def test_a_whole_detector_answers(tiny_gpt2):
    detector = small_detector(tiny_gpt2, ["perplexity", "rank", "stylometry"])
    texts = list(odd_texts(number(100, 3_000), seed=2))
    assessed = detector.assess(texts)
    assert len(assessed) == len(texts)
    assert assessed["probability"].between(0, 1).all()
    assert set(assessed["verdict"]) <= {"human", "generated", "uncertain"}


def seconds(function, text):
    """Processor time, which other processes do not take part in; the least of three."""
    spent = []
    for _ in range(3):
        begin = time.process_time()
        function(text)
        spent.append(time.process_time() - begin)
    return min(spent)


@pytest.mark.parametrize("function", FUNCTIONS, ids=[one.__name__ for one in FUNCTIONS])
def test_time_grows_with_the_length(function):
    for atom in ATOMS:
        for start in ("", "word "):
            small, large = (start + atom * (size // len(atom)) for size in (SIZE, 4 * SIZE))
            longest = seconds(function, large)
            assert longest < SOON or longest < MOST * seconds(function, small), repr(atom)
