"""Family `diversity` by hand: DivEye, GPT-who, Lastde."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from perplexity_detector.features.diversity import (
    FAMILY,
    consecutive_cosines,
    histogram_entropy,
    multiscale_diversity_entropy,
    span_variances,
)
from perplexity_detector.features.series import standardised

SURPRISALS = st.lists(st.floats(0, 50, width=32), max_size=120).map(np.array)


def test_moments_and_differences_by_hand(document_of):
    s = [1, 2, 5, 4]  # d = 1, 3, -1 and dd = 2, -4
    values = FAMILY.compute(document_of(s))
    assert list(values) == list(FAMILY.labels)
    assert values["variance"] == pytest.approx(2.5)
    assert values["skewness"] == pytest.approx(stats.skew(s))
    assert values["kurtosis"] == pytest.approx(stats.kurtosis(s))
    assert values["autocorrelation"] == pytest.approx((2 - 2 + 2) / 10)
    assert values["difference_mean"] == pytest.approx(1)
    assert values["difference_variance"] == pytest.approx(8 / 3)
    assert values["difference_skewness"] == pytest.approx(stats.skew([1, 3, -1]))
    assert values["difference_kurtosis"] == pytest.approx(stats.kurtosis([1, 3, -1]))
    assert values["difference_entropy"] == pytest.approx(1)  # three values, three bins
    assert values["second_difference_variance"] == pytest.approx(9)
    assert values["second_difference_entropy"] == pytest.approx(1)
    assert values["second_difference_autocorrelation"] == pytest.approx(-0.5)
    assert values["uid_absolute_difference"] == pytest.approx(5 / 3)
    assert values["uid_squared_difference"] == pytest.approx(11 / 3)
    assert values["uid_most_uniform"] == values["uid_least_uniform"] == pytest.approx(2.5)


def test_a_constant_text_has_no_diversity(document_of):
    values = FAMILY.compute(document_of(np.full(80, 2.3)))
    assert values == pytest.approx(dict.fromkeys(FAMILY.labels, 0.0), abs=1e-9)


def test_spans_find_the_even_and_the_uneven_passage(document_of):
    uneven = np.tile([0.0, 4.0], 30)
    values = FAMILY.compute(document_of(np.concatenate([np.full(60, 2.0), uneven])))
    assert values["uid_most_uniform"] == pytest.approx(0, abs=1e-9)
    assert values["uid_least_uniform"] == pytest.approx(4)


@given(SURPRISALS, st.integers(1, 60))
def test_span_variances_are_those_of_numpy(values, width):
    starts = range(max(1, len(values) - width + 1)) if values.size else []
    spans = [np.var(values[start : start + width]) for start in starts]
    assert span_variances(values, width) == pytest.approx(spans, abs=1e-6)


def test_histogram_entropy_by_hand():
    for values, expected in (([1.0, 1.0, 3.0, 3.0], 0.5), ([1.0] * 5, 0), ([1.0], 0)):
        assert histogram_entropy(standardised(np.array(values))) == pytest.approx(expected)


def test_cosines_by_hand():
    # (1, 0) and (0, 1), then (0, 1) and (1, 1)
    cosines = consecutive_cosines(np.array([1.0, 0, 1, 1]), 2)
    assert cosines == pytest.approx([0, 1 / math.sqrt(2)])
    assert list(consecutive_cosines(np.zeros(4), 2)) == [0, 0]


def test_multiscale_entropy_by_hand():
    # two cosines, 1 / sqrt(2) and 2 / sqrt(6), in two bins: all the entropy two can have
    assert multiscale_diversity_entropy(np.array([0.0, 0, 0, 1, 1, 1])) == pytest.approx([1])


def test_multiscale_entropy_of_a_regular_beat():
    beat = np.tile([1.0, 5.0], 40)
    entropies = multiscale_diversity_entropy(beat)
    # averages over an even number of tokens are constant, every pattern alike
    assert entropies.shape == (15,)
    assert entropies == pytest.approx(np.zeros(15), abs=1e-9)


def test_multiscale_entropy_knows_noise_from_order():
    noise = np.random.default_rng(3).gamma(1, 3, size=300)
    entropies = multiscale_diversity_entropy(noise)
    assert 0.7 < entropies[0] <= 1
    # averaging makes consecutive patterns alike
    assert entropies[-1] < entropies[0]


def test_lastde_is_surprise_over_the_spread_of_entropies(document_of):
    noise = np.random.default_rng(4).gamma(1, 3, size=100).astype(np.float32)
    values = FAMILY.compute(document_of(noise))
    spread = multiscale_diversity_entropy(noise.astype(np.float64)).std()
    assert values["multiscale_entropy_std"] == pytest.approx(spread)
    assert values["lastde"] == pytest.approx(noise.mean() / spread)


@given(SURPRISALS)
def test_entropies_are_shares_of_the_largest_possible(values):
    entropies = multiscale_diversity_entropy(values)
    assert ((entropies >= 0) & (entropies <= 1 + 1e-9)).all()
    assert entropies.size == max(0, min(15, values.size - 5))


def test_an_empty_text_is_all_zero(document_of):
    assert set(FAMILY.compute(document_of()).values()) == {0.0}
