"""Family `burstiness` by hand, and Goh and Barabasi's measure at its three landmarks."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_detector.features.burstiness import FAMILY, goh_barabasi


def test_two_sentences_by_hand(document_of):
    tokens = ["Go", ".", " Please", " stay", " here", "."]
    document = document_of([1, 3, 4, 4, 4, 4], rank=[500, 1, 500, 500, 1, 1], tokens=tokens)
    values = FAMILY.compute(document)
    assert list(values) == list(FAMILY.labels)
    low, high = math.exp(2), math.exp(4)
    assert values["sentence_perplexity_std"] == pytest.approx((high - low) / 2)
    assert values["sentence_perplexity_cv"] == pytest.approx((high - low) / (high + low))
    assert values["sentence_surprisal_std"] == pytest.approx(1)
    assert values["sentence_length_std"] == 1
    assert values["sentence_length_cv"] == pytest.approx(0.5)
    # r = 1/2, n = 2
    assert values["sentence_length_goh_barabasi"] == pytest.approx(
        (math.sqrt(3) / 2 - 1) / ((math.sqrt(3) - 2) / 2 + 1)
    )
    surprisal = np.array([1, 3, 4, 4, 4, 4])
    assert values["surprisal_cv"] == pytest.approx(surprisal.std() / surprisal.mean())
    # surprises stand at 0, 2 and 3: the gaps are 2 and 1, r = 1/3
    assert values["gap_goh_barabasi"] == pytest.approx(
        (math.sqrt(3) / 3 - 1) / ((math.sqrt(3) - 2) / 3 + 1)
    )


def test_even_values_are_minus_one():
    assert goh_barabasi(np.full(9, 4.0)) == pytest.approx(-1)


@pytest.mark.parametrize("n", [2, 5, 300])
def test_a_single_event_among_nothing_is_one(n):
    assert goh_barabasi(np.eye(n)[0]) == pytest.approx(1)


def test_a_poisson_process_is_about_zero():
    gaps = np.random.default_rng(1).exponential(size=20_000)
    assert goh_barabasi(gaps) == pytest.approx(0, abs=0.02)


def test_the_correction_takes_out_the_number_of_events():
    generator = np.random.default_rng(2)
    few = [goh_barabasi(generator.exponential(size=8)) for _ in range(4000)]
    plain = [
        (gaps.std() - gaps.mean()) / (gaps.std() + gaps.mean())
        for gaps in generator.exponential(size=(4000, 8))
    ]
    assert abs(np.mean(few)) < 0.05 < abs(np.mean(plain))


@given(st.lists(st.floats(0, 1e6), max_size=40))
def test_it_stays_between_minus_one_and_one(values):
    assert -1 - 1e-9 <= goh_barabasi(np.array(values)) <= 1 + 1e-9


def test_an_empty_text_is_all_zero(document_of):
    assert set(FAMILY.compute(document_of()).values()) == {0.0}
