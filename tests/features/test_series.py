"""Moments of series, against scipy and by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from perplexity_detector.features import series

SERIES = arrays(np.float64, st.integers(3, 60), elements=st.integers(0, 1000).map(float))


@given(SERIES)
def test_skewness_and_kurtosis_are_those_of_scipy(values):
    z = series.standardised(values)
    if np.ptp(values) == 0:
        assert series.skewness(z) == 0
        assert series.excess_kurtosis(z) == 0
    else:
        assert series.skewness(z) == pytest.approx(stats.skew(values), abs=1e-9)
        assert series.excess_kurtosis(z) == pytest.approx(stats.kurtosis(values), abs=1e-9)


def test_a_series_that_is_constant_but_for_rounding_has_no_moments():
    values = np.full(7, 0.1)
    values[3] += 1e-17
    assert not series.standardised(values).any()
    assert series.autocorrelation(series.standardised(values)) == 0


def test_nothing_gives_zero():
    nothing = np.zeros(0)
    for function in (
        series.mean,
        series.variance,
        series.std,
        series.skewness,
        series.excess_kurtosis,
        series.autocorrelation,
        series.shannon_entropy,
    ):
        assert function(nothing) == 0
    assert series.quantiles(nothing, [0.1, 0.9]) == [0, 0]
    assert series.moving_sums(np.ones(2), 3).size == 0
    assert series.ratio(1, 0) == 0
    assert series.per_hundred(3, 0) == 0


@settings(deadline=None)
@given(
    arrays(np.float64, st.integers(1, 30), elements=st.floats(-1e6, 1e6)),
    st.lists(st.floats(0, 1), max_size=4),
)
def test_quantiles_are_numpys_to_the_last_bit(values, probabilities):
    probabilities = [0.0, 0.05, 0.5, 0.95, 1.0, *probabilities]
    assert series.quantiles(values, probabilities) == np.quantile(values, probabilities).tolist()


def test_values_by_hand():
    assert series.autocorrelation(series.standardised(np.array([2.0, 0, 2, 0]))) == pytest.approx(
        -3 / 4
    )
    assert series.shannon_entropy(np.array([2, 0, 2])) == pytest.approx(math.log(2))
    assert list(series.moving_sums(np.array([1.0, 2, 3, 4]), 2)) == [3, 5, 7]
    assert series.quantiles(np.array([0.0, 10]), [0.25]) == [2.5]
    assert series.per_hundred(1, 8) == 12.5
