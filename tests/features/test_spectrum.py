"""Family `spectrum`: pure rhythms, noise, and Parseval's theorem."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_detector.features.spectrum import FAMILY, power_spectrum


@pytest.mark.parametrize(
    ("cycles", "band"), [(2, "low"), (10, "middle"), (16, "middle"), (40, "high"), (64, "high")]
)
def test_a_pure_rhythm_lies_in_its_band(document_of, cycles, band):
    t = np.arange(128)
    values = FAMILY.compute(document_of(5 + np.cos(2 * np.pi * cycles * t / 128)))
    assert list(values) == list(FAMILY.labels)
    shares = {name: values[name] for name in ("low", "middle", "high")}
    assert shares.pop(band) == pytest.approx(1, abs=1e-6)
    assert list(shares.values()) == pytest.approx([0, 0], abs=1e-6)
    assert values["centroid"] == pytest.approx(cycles / 128, abs=1e-6)
    assert values["flatness"] < 1e-4


def test_an_alternation_is_the_fastest_rhythm(document_of):
    values = FAMILY.compute(document_of(np.tile([1.0, 3.0], 20)))
    assert values["high"] == pytest.approx(1)
    assert values["centroid"] == pytest.approx(0.5)


def test_noise_is_flat(document_of):
    generator = np.random.default_rng(5)
    rows = [FAMILY.compute(document_of(generator.gamma(1, 3, size=256))) for _ in range(100)]
    average = {name: np.mean([row[name] for row in rows]) for name in FAMILY.labels}
    assert average["low"] == pytest.approx(1 / 8, abs=0.02)
    assert average["middle"] == pytest.approx(3 / 8, abs=0.03)
    assert average["high"] == pytest.approx(1 / 2, abs=0.03)
    assert average["centroid"] == pytest.approx(0.25, abs=0.01)
    assert average["slope"] == pytest.approx(0, abs=0.1)
    assert average["flatness"] == pytest.approx(np.exp(-np.euler_gamma), abs=0.03)


def test_a_random_walk_is_slow(document_of):
    steps = np.random.default_rng(6).normal(size=300).cumsum()
    values = FAMILY.compute(document_of(steps - steps.min()))
    assert values["low"] > 0.8
    assert values["slope"] < -1


@given(st.lists(st.integers(0, 100), min_size=2, max_size=65))
def test_power_is_the_fourier_sum_and_adds_up_to_the_variance(values):
    n = len(values)
    series = np.array(values, float)
    frequencies, power = power_spectrum(series)
    if np.ptp(series) == 0:
        assert power.size == 0
        return
    assert frequencies == pytest.approx(np.arange(1, n // 2 + 1) / n)
    z = (series - series.mean()) / series.std()
    waves = np.exp(-2j * np.pi * np.outer(frequencies, np.arange(n)))
    expected = np.abs(waves @ z) ** 2 / np.where(frequencies == 0.5, 2, 1)
    assert expected.sum() == pytest.approx(n**2 / 2)
    assert power == pytest.approx(expected / expected.mean(), abs=1e-9)


@pytest.mark.parametrize("surprisal", [[], [2.0], [2.0] * 50])
def test_no_rhythm_is_all_zero(document_of, surprisal):
    assert set(FAMILY.compute(document_of(surprisal)).values()) == {0.0}
