import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logit

from perplexity_detector.classifier.calibration import Calibrator, clopper_pearson_upper
from perplexity_detector.errors import InputError

PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=60)
RATES = st.floats(0.005, 0.5)
#: 1 - fpr is rounded, which matters where fpr times the number of texts is whole.
ROUNDING = 1e-9


def calibrator(human=(), generated=(), tokens=None):
    lengths = np.zeros(len(human)) if tokens is None else np.array(tokens)
    return Calibrator(
        1.0, 0.0, np.zeros(0), np.sort(np.array(generated)), np.zeros(0, np.int64)
    ).with_human_scores(np.array(human, float), lengths)


def fit(margins, labels, weights):
    return Calibrator.fit(margins, labels, weights, np.zeros(len(labels)))


# --- thresholds -----------------------------------------------------------------------------


def test_threshold_by_hand():
    nine = calibrator(human=np.arange(1, 10) / 10)
    # ceil((9 + 1)(1 - 0.1)) = 9: the largest must be exceeded
    assert nine.threshold_at(0.1) == np.nextafter(0.9, 1)
    # ceil(10 * 0.8) = 8, ceil(10 * 0.75) = 8, ceil(10 * 0.5) = 5
    assert nine.threshold_at(0.2) == np.nextafter(0.8, 1)
    assert nine.threshold_at(0.25) == np.nextafter(0.8, 1)
    assert nine.threshold_at(0.5) == np.nextafter(0.5, 1)
    # ceil(10 * 0.95) = 10 of 9
    assert nine.threshold_at(0.05) == math.inf


@pytest.mark.parametrize(("fpr", "least"), [(0.01, 99), (0.05, 19), (0.001, 999), (0.1, 9)])
def test_a_rate_needs_a_number_of_texts(fpr, least):
    assert calibrator(human=np.linspace(0, 1, least)).threshold_at(fpr) > 1
    assert calibrator(human=np.linspace(0, 0.9, least)).threshold_at(fpr) < 1
    assert calibrator(human=np.linspace(0, 0.9, least - 1)).threshold_at(fpr) == math.inf


@settings(deadline=None)
@given(human=PROBABILITIES, fpr=RATES)
def test_validation_texts_keep_the_rate(human, fpr):
    threshold = calibrator(human=human).threshold_at(fpr)
    assert np.mean(np.array(human) >= threshold) <= fpr + ROUNDING


@settings(deadline=None)
@given(
    scores=st.lists(st.floats(0, 1), min_size=2, max_size=60, unique=True),
    fpr=RATES,
)
def test_a_new_text_keeps_the_rate_whichever_of_them_it_is(scores, fpr):
    # exchangeable: each of the n + 1 is as likely to be the new one
    above = sum(
        score >= calibrator(human=scores[:place] + scores[place + 1 :]).threshold_at(fpr)
        for place, score in enumerate(scores)
    )
    assert above <= fpr * len(scores) + ROUNDING


@settings(deadline=None)
@given(human=PROBABILITIES, low=RATES, high=RATES)
def test_a_higher_rate_never_has_a_higher_threshold(human, low, high):
    low, high = sorted((low, high))
    assert calibrator(human=human).threshold_at(high) <= calibrator(human=human).threshold_at(low)


@pytest.mark.parametrize("fpr", [0, 1, -0.1, 5, math.nan])
def test_rates_that_are_none(fpr):
    with pytest.raises(InputError, match="between 0 and 1"):
        calibrator(human=[0.5]).threshold_at(fpr)


def test_threshold_of_misses_by_hand():
    nineteen = calibrator(generated=np.arange(1, 20) / 20)
    # floor((19 + 1) * 0.05) = 1, floor(20 * 0.1) = 2
    assert nineteen.threshold_at_fnr(0.05) == 0.05
    assert nineteen.threshold_at_fnr(0.1) == 0.1
    assert calibrator(generated=np.arange(1, 19) / 20).threshold_at_fnr(0.05) == -math.inf


@settings(deadline=None)
@given(generated=PROBABILITIES, rate=RATES)
def test_few_generated_texts_lie_under_it(generated, rate):
    threshold = calibrator(generated=generated).threshold_at_fnr(rate)
    assert np.mean(np.array(generated) < threshold) <= rate + ROUNDING


# --- thresholds by length -------------------------------------------------------------------


def test_lengths_have_thresholds_of_their_own():
    # 1,000 short texts by people score up to .9, 1,000 long ones up to .4
    short, long = np.linspace(0, 0.9, 1000), np.linspace(0, 0.4, 1000)
    both = calibrator([*short, *long], tokens=[60] * 1000 + [300] * 1000)
    bins = both.length_bins(0.05)
    assert [one.from_tokens for one in bins] == [60, 300]
    assert [one.n_human for one in bins] == [1000, 1000]
    assert both.threshold_at(0.05, 80) == calibrator(short).threshold_at(0.05)
    assert both.threshold_at(0.05, 300) == calibrator(long).threshold_at(0.05)
    assert both.threshold_at(0.05, 9999) == both.threshold_at(0.05, 300)
    assert both.threshold_at(0.05) == calibrator([*short, *long]).threshold_at(0.05)
    found = both.thresholds(0.05, np.array([59, 60, 299, 300]))
    assert found.tolist() == [math.inf, *[bins[0].probability] * 2, bins[1].probability]


def test_a_rate_that_few_people_can_set_has_one_threshold_for_all_lengths():
    human, tokens = np.linspace(0, 0.9, 300), np.arange(50, 350)
    assert len(calibrator(human, tokens=tokens).length_bins(0.01)) == 1  # 3 of 300 may be flagged
    assert len(calibrator(human, tokens=tokens).length_bins(0.05)) == 3  # 15 of 300
    assert len(calibrator(human, tokens=tokens).length_bins(0.3)) == 5  # at most
    assert calibrator(human, tokens=tokens).threshold_at(0.001, 200) == math.inf


@settings(deadline=None, max_examples=30)
@given(
    texts=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 500)), min_size=1, max_size=200),
    fpr=RATES,
)
def test_the_rate_is_kept_within_every_length(texts, fpr):
    human, tokens = map(np.array, zip(*texts, strict=True))
    fitted = calibrator(human, tokens=tokens)
    bins = fitted.length_bins(fpr)
    starts = [one.from_tokens for one in bins]
    assert starts == sorted(set(starts))
    for one, end in zip(bins, [*starts[1:], math.inf], strict=True):
        inside = human[(tokens >= one.from_tokens) & (tokens < end)]
        assert one.n_human == len(inside)
        assert np.mean(inside >= one.probability) <= fpr + ROUNDING
        # the bound of what was seen is above what was seen
        assert np.mean(inside >= one.probability) <= one.fpr_upper_bound <= 1


def test_upper_bound_by_hand():
    # none of n flagged: the rate at which that happens one time in twenty, 1 - 0.05 ** (1 / n)
    assert clopper_pearson_upper(0, 59) == pytest.approx(1 - 0.05 ** (1 / 59))
    assert clopper_pearson_upper(3, 3) == 1
    assert clopper_pearson_upper(0, 0) == 1


def test_too_short_a_text_has_no_threshold():
    tokens = [10, *[100] * 999]
    fitted = calibrator(np.linspace(0, 0.9, 1000), tokens=tokens)
    assert fitted.min_tokens == 100
    assert fitted.threshold_at(0.05, 99) == math.inf
    assert fitted.threshold_at(0.05, 100) < 1


# --- Platt's sigmoid ------------------------------------------------------------------------


@pytest.mark.parametrize("texts", [1, 3, 20])
def test_two_margins_reach_their_targets(texts):
    # with as many at -1 and +1, the sigmoid meets (n + 1) / (n + 2) at +1: slope ln(n + 1)
    labels = np.repeat([0, 1], texts)
    fitted = fit(2.0 * labels - 1, labels, np.ones(2 * texts))
    assert fitted.slope == pytest.approx(math.log(texts + 1), rel=1e-3)
    assert fitted.intercept == pytest.approx(0, abs=1e-3)
    assert fitted.probabilities(np.array([1.0]))[0] == pytest.approx(
        (texts + 1) / (texts + 2), rel=1e-3
    )


def test_against_a_plain_minimiser():
    draw = np.random.default_rng(0)
    labels = np.repeat([0, 1], [30, 12])
    margins = draw.normal(3 * labels - 1, 2)
    weights = draw.uniform(0.2, 2, len(labels))
    target = np.where(labels == 1, 13 / 14, 1 / 32)

    def loss(line):
        z = line[0] * margins + line[1]
        return -np.sum(weights * (target * log_expit(z) + (1 - target) * log_expit(-z)))

    slope, intercept = minimize(loss, [1.0, 0.0], tol=1e-10).x
    fitted = fit(margins, labels, weights)
    assert fitted.slope == pytest.approx(slope, rel=0.01)
    assert fitted.intercept == pytest.approx(intercept, rel=0.01)
    np.testing.assert_allclose(
        fitted.human_scores, np.sort(expit(fitted.slope * margins[labels == 0] + fitted.intercept))
    )
    assert len(fitted.generated_scores) == 12
    assert (np.diff(fitted.generated_scores) >= 0).all()


@settings(deadline=None, max_examples=30)
@given(
    margins=st.lists(st.floats(-15, 15), min_size=4, max_size=30),
    data=st.data(),
)
def test_it_never_falls(margins, data):
    labels = np.array([0, 1, *(data.draw(st.sampled_from([0, 1])) for _ in margins[2:])])
    fitted = fit(np.array(margins), labels, np.ones(len(labels)))
    probabilities = fitted.probabilities(np.linspace(-30, 30, 50))
    assert (np.diff(probabilities) >= 0).all()
    assert ((probabilities >= 0) & (probabilities <= 1)).all()


def test_margins_that_point_the_wrong_way_say_nothing():
    labels = np.repeat([0, 1], [8, 8])
    fitted = fit(4.0 - 3 * labels, labels, np.ones(16))
    # (9/10 + 1/10) / 2, whatever the margin
    np.testing.assert_allclose(fitted.probabilities(np.array([-20.0, 0, 20])), 0.5, atol=1e-4)
    assert fitted.intercept == pytest.approx(logit(0.5), abs=1e-9)


def test_as_json_and_back():
    saved = Calibrator(
        1.5, -0.25, np.array([0.1, 1 / 3]), np.array([0.7]), np.array([80, 70], np.int64)
    )
    values = json.loads(json.dumps(saved.to_json()))
    assert values["method"] == "platt"
    back = Calibrator.from_json(values)
    assert (back.slope, back.intercept) == (1.5, -0.25)
    assert back.human_scores.tolist() == [0.1, 1 / 3]
    assert back.generated_scores.tolist() == [0.7]
    assert back.human_lengths.tolist() == [80, 70]
    assert values["thresholds"]["0.1"] == [
        {
            "from_tokens": 70,
            "probability": None,
            "n_human": 2,
            "fpr_upper_bound": pytest.approx(1 - 0.05**0.5),
        }
    ]
    assert back.human_scores.dtype == np.float64
