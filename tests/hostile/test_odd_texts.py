"""Whatever the text, functions of text are total, take linear time, and agree with each other."""

import math
import statistics
import time

import pytest

from perplexity_detector.classifier.disguise import find_flags
from perplexity_detector.classifier.prose_check import is_prose
from perplexity_detector.features import registry
from perplexity_detector.features.document import Document
from perplexity_detector.io.documents.prose import join_broken_words
from perplexity_detector.text import (
    canonicalise,
    crop,
    lower,
    replace_surrogates,
    sentence_spans,
    stray_capitals,
    words,
)
from tests.hostile.odd_texts import ATOMS, odd_texts
from tests.hostile.sizes import number
from tests.labelled import small_detector

FAMILIES = [family for family in registry.FAMILIES.values() if family.requires != "statistics"]


def cropped(text):
    return crop(text, 50)


FUNCTIONS = [
    canonicalise, words, lower, sentence_spans, cropped, replace_surrogates, stray_capitals,
    find_flags, is_prose, join_broken_words,
]  # fmt: skip
#: Characters of texts.
SIZES = [number(4_000, 50_000) * times for times in (1, 2, 4)]
#: With which power of the length time may grow; linear time has 1, quadratic 2.
MOST = 1.6
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


def seconds(function, text, times=3):
    """Processor time, which other processes do not take part in; the least of some."""
    spent = []
    for _ in range(times):
        begin = time.process_time()
        function(text)
        spent.append(time.process_time() - begin)
    return min(spent)


def exponent(sizes, times):
    """The power of the size with which time grows, from the slope in logarithms."""
    return statistics.linear_regression([*map(math.log, sizes)], [*map(math.log, times)]).slope


def of_family(family):
    def compute(text):
        family.compute(Document(text))

    compute.__name__ = family.name
    return compute


ALL = [*FUNCTIONS, *map(of_family, FAMILIES)]


@pytest.mark.parametrize("function", ALL, ids=[one.__name__ for one in ALL])
def test_time_grows_with_the_length(function):
    for atom in ATOMS[:: number(4, 1)]:
        for start in ("", "word "):
            texts = [start + atom * (size // len(atom)) for size in SIZES]
            if seconds(function, texts[-1], times=1) > SOON:
                times = [max(1e-4, seconds(function, text)) for text in texts]
                assert exponent(SIZES, times) < MOST, repr(atom)
