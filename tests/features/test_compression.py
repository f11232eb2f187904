"""Family `compression`: repetition is cheap, novelty is dear, overhead is not counted."""

import random
import zlib

import pytest

from perplexity_detector.features.compression import FAMILY, lzma_size, zlib_size
from perplexity_detector.features.document import Document


def random_letters(n, seed):
    return "".join(random.Random(seed).choices("abcdefghijklmnop", k=n))


def test_sizes_leave_out_the_container():
    assert zlib_size("") == lzma_size("") == 0
    text = "the cat sat on the mat " * 20
    # the usual container has two bytes of header, four of checksum; an empty body has two
    assert zlib_size(text) == len(zlib.compress(text.encode(), 9)) - 6 - 2


def test_values_by_hand():
    text = random_letters(600, seed=1)
    values = FAMILY.compute(Document(text))
    assert list(values) == list(FAMILY.labels)
    assert values["zlib"] == zlib_size(text) / 600
    assert values["lzma"] == lzma_size(text) / 600
    assert values["zlib_piece"] == zlib_size(text[:500]) / 500
    added = zlib_size(text) - zlib_size(text[:300])
    assert values["zlib_second_half"] == added / 300
    assert values["zlib_novelty"] == added / zlib_size(text[300:])
    # sixteen letters at random are four bits each
    assert values["zlib"] == pytest.approx(0.5, abs=0.1)
    assert values["lzma"] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("name", ["zlib", "lzma"])
def test_a_repeated_half_is_not_new(name):
    half, other = random_letters(500, seed=2), random_letters(500, seed=3)
    repeated = FAMILY.compute(Document(half + half))
    fresh = FAMILY.compute(Document(half + other))
    assert repeated[f"{name}_novelty"] < 0.1
    assert fresh[f"{name}_novelty"] == pytest.approx(1, abs=0.2)
    assert repeated[f"{name}_second_half"] < 0.05 < fresh[f"{name}_second_half"]


def test_the_cost_of_pieces_does_not_fall_with_length():
    text = "".join(f"{name} met {name[::-1]} and left. " for name in map(str, range(900, 2000)))
    short, long = (FAMILY.compute(Document(text[:n])) for n in (1000, 20_000))
    assert long["zlib"] < 0.9 * short["zlib"]
    assert long["zlib_piece"] == pytest.approx(short["zlib_piece"], rel=0.1)


@pytest.mark.parametrize("text", ["a", "é", "\U0001f600", "\ud800"])
def test_a_single_character_is_finite(text):
    values = FAMILY.values(Document(text))
    assert all(0 <= value < 20 for value in values)
    assert values[0] > 0


def test_an_empty_text_is_all_zero():
    assert set(FAMILY.compute(Document("")).values()) == {0.0}
