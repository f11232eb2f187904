"""Passages: the runs that are marked, how often falsely, and the share of a text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from perplexity_detector.classifier.passages import (
    MIN_PEOPLE,
    PassageDetector,
    Passages,
    Share,
    _best_segment,
    _maximal_segments,
)

SCORES = st.lists(st.integers(-9, 9), max_size=12).map(lambda ones: np.array(ones, float))


def simulated(texts: int, sentences: int, seed: int, shift: float = 0.0) -> list[np.ndarray]:
    """Evidence of texts, in which single sentences stand out."""
    draw = np.random.default_rng(seed)
    return list(draw.normal(shift, 1.0, (texts, sentences)))


@pytest.fixture(scope="module")
def fitted() -> PassageDetector:
    evidence = [*simulated(3000, 10, 0), *simulated(3000, 10, 1, shift=2.0)]
    labels = np.repeat([0, 1], 3000)
    found = PassageDetector.fit(evidence, labels, np.zeros(6000, int))
    assert found is not None
    return found


@given(SCORES)
def test_the_best_segment_is_the_largest_of_all_runs(scores: np.ndarray) -> None:
    start, stop, total = _best_segment(scores)
    runs = [
        scores[first:last].sum()
        for first in range(len(scores))
        for last in range(first + 1, len(scores) + 1)
    ]
    assert total == max([0.0, *runs])
    assert total == scores[start:stop].sum()


@given(SCORES, st.integers(1, 12))
def test_maximal_segments_do_not_touch_and_leave_no_larger_one_between(
    scores: np.ndarray, threshold: int
) -> None:
    found = _maximal_segments(scores, threshold)
    assert found == sorted(found)
    bounds = [0, *(edge for segment in found for edge in segment), len(scores)]
    assert bounds == sorted(bounds)
    assert all(scores[first:last].sum() >= threshold for first, last in found)
    for first, last in zip(bounds[::2], bounds[1::2], strict=True):
        assert _best_segment(scores[first:last])[2] < threshold


@pytest.mark.parametrize("sentences", [5, 10, 40, 160])
@pytest.mark.parametrize("rate", [0.01, 0.002])
def test_few_texts_by_people_have_a_passage_however_long(
    fitted: PassageDetector, sentences: int, rate: float
) -> None:
    texts = simulated(4000, sentences, seed=sentences)
    marked = sum(bool(fitted.marked_runs(one, rate)) for one in texts)
    # the tail is that of other texts, shorter or longer, so the rate is not exact
    assert binomtest(marked, len(texts), 1.5 * rate, alternative="greater").pvalue > 0.01


def test_an_inserted_run_is_found_where_it_stands(fitted: PassageDetector) -> None:
    text = np.full(20, -1.0)
    text[8:13] = 4.0
    assert fitted.marked_runs(text, 0.01) == [(8, 13)]
    text[2:5] = 4.0
    assert fitted.marked_runs(text, 0.01) == [(2, 5), (8, 13)]
    spans = [(10 * one, 10 * one + 9) for one in range(20)]
    found = fitted.find(text, spans, 0.01)
    assert found.spans == ((20, 49), (80, 129))
    assert 0 < found.share.low <= found.share.value <= found.share.high
    assert found.share.value == pytest.approx(8 / 20, abs=0.15)


def test_the_threshold_rises_as_the_rate_falls_and_the_text_grows(fitted: PassageDetector) -> None:
    assert fitted.threshold(10, 0.01) < fitted.threshold(10, 0.001) < fitted.threshold(99, 0.001)
    # a rate ten times lower is like a text ten times as long
    assert fitted.threshold(10, 0.001) == pytest.approx(fitted.threshold(100, 0.01))
    assert fitted.threshold(1, 0.5) == fitted.tail_start


def test_a_share_is_zero_where_no_passage_is_marked(fitted: PassageDetector) -> None:
    spans = [(0, 5)] * 10
    found = fitted.find(np.full(10, -3.0), spans, 0.01)
    assert found.spans == ()
    assert (found.share.value, found.share.low) == (0.0, 0.0)
    assert found.share.high < 0.5
    # nothing is known of a text whose sentences were not read one by one
    assert fitted.find(np.zeros(0), [], 0.01).share == Share(0.0, 0.0, 1.0)


def test_the_interval_covers_people_and_models(fitted: PassageDetector) -> None:
    for shift, truth in ((0.0, 0.0), (2.0, 1.0)):
        shares = [fitted.share(one) for one in simulated(1000, 10, seed=9, shift=shift)]
        covered = np.mean([share.low <= truth <= share.high for share in shares])
        assert covered > 0.8


@pytest.mark.parametrize(
    ("spans", "high", "is_part"),
    [((), 0.5, False), (((0, 9),), 0.8, True), (((0, 9),), 0.95, False)],
)
def test_a_part_is_marked_and_not_the_whole(
    spans: tuple[tuple[int, int], ...], high: float, is_part: bool
) -> None:
    assert Passages(spans, Share(0.1, 0.0, high)).is_part is is_part


def test_sources_weigh_alike() -> None:
    # one source of people scores high; that it has few texts does not hide it
    evidence = [*simulated(2000, 10, 0), *simulated(200, 10, 1, 1.5), *simulated(500, 10, 2, 3.0)]
    labels = np.repeat([0, 0, 1], [2000, 200, 500])
    sources = np.repeat([0, 1, 0], [2000, 200, 500])
    alike = PassageDetector.fit(evidence, labels, sources)
    pooled = PassageDetector.fit(evidence, labels, np.zeros(2700, int))
    assert alike is not None
    assert pooled is not None
    assert alike.baseline > pooled.baseline


def test_too_few_people_set_nothing() -> None:
    evidence = simulated(MIN_PEOPLE, 10, 0)
    labels = np.r_[np.zeros(MIN_PEOPLE - 1, int), 1]
    assert PassageDetector.fit(evidence, labels, labels) is None
    only_people = np.zeros(MIN_PEOPLE, int)
    assert PassageDetector.fit(evidence, only_people, only_people) is None


def test_arrays_hold_all_of_it(fitted: PassageDetector) -> None:
    arrays = fitted.to_arrays()
    assert PassageDetector.from_arrays(arrays) == fitted
    with pytest.raises(ValueError, match="positive"):
        PassageDetector.from_arrays({**arrays, "tail_scale": np.array([0.0])})
    with pytest.raises(TypeError):
        PassageDetector.from_arrays({"slope": np.array([1.0])})
