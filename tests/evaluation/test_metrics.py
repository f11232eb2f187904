import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betaincinv
from scipy.stats import binomtest, norm
from sklearn.metrics import brier_score_loss, roc_auc_score, roc_curve

from perplexity_detector.errors import InputError
from perplexity_detector.evaluation.metrics import (
    auroc,
    brier,
    evaluate,
    evaluate_by,
    expected_calibration_error,
    proportion,
    threshold_at_fpr,
    tpr_at_fpr,
)

METRIC_LABELS = [
    "auroc",
    "tpr_at_1_percent_fpr",
    "tpr_at_5_percent_fpr",
    "brier",
    "expected_calibration_error",
]


@st.composite
def labelled(draw):
    """Labels of both classes, and scores in [0, 1] with and without ties."""
    scores = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.25, 0.5, 1.0]))
    human = draw(st.lists(scores, min_size=1, max_size=30))
    generated = draw(st.lists(scores, min_size=1, max_size=30))
    return np.repeat([0, 1], [len(human), len(generated)]), np.array(human + generated)


def simulated(count, rng, distance=1.0):
    labels = np.arange(count) % 2
    return labels, norm.cdf(rng.normal(distance * labels))


# --- single figures -------------------------------------------------------------------------


def test_auroc_by_hand():
    # of 2 x 2 pairs: 0.8 > 0.1, 0.8 > 0.4, 0.4 > 0.1, and a tie that counts half
    assert auroc([0, 1, 0, 1], [0.1, 0.4, 0.4, 0.8]) == 3.5 / 4
    assert auroc([0, 1], [-5, 7]) == 1
    assert auroc([1, 0, 1], [2, 2, 2]) == 0.5


@given(labelled())
def test_auroc_and_brier_are_those_of_sklearn(data):
    labels, scores = data
    assert auroc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert brier(labels, scores) == pytest.approx(brier_score_loss(labels, scores), abs=1e-12)


@given(labelled(), st.sampled_from([0.0, 0.01, 0.05, 0.1, 0.3, 0.5, 1.0]))
def test_tpr_at_fpr_is_the_last_point_of_the_curve_within_it(data, fpr):
    labels, scores = data
    rates, found, _ = roc_curve(labels, scores, drop_intermediate=False)
    assert tpr_at_fpr(labels, scores, fpr) == pytest.approx(found[rates <= fpr + 1e-12].max())


@given(labelled(), st.floats(0, 1))
def test_tpr_at_fpr_is_the_share_that_reaches_the_threshold(data, fpr):
    labels, scores = data
    threshold = threshold_at_fpr(scores[labels == 0], fpr)
    assert np.mean(scores[labels == 0] >= threshold) <= fpr + 1e-9
    found = np.mean(scores[labels == 1] >= threshold)
    assert tpr_at_fpr(labels, scores, fpr) == pytest.approx(found)


def test_tpr_at_fpr_by_hand():
    human = np.arange(100) / 100  # 0.00 ... 0.99
    generated = [0.985, 0.94, 0.945, 0.95, 2.0]
    labels = [0] * 100 + [1] * 5
    scores = [*human, *generated]
    # one human text may reach the threshold, 0.99; so it lies above 0.98
    assert tpr_at_fpr(labels, scores, 0.01) == 2 / 5
    # five may, from 0.95; it lies above 0.94
    assert tpr_at_fpr(labels, scores, 0.05) == 4 / 5
    assert tpr_at_fpr(labels, scores, 1) == 1
    # 0.07 * 100 is not 7 in floating point: seven may, from 0.93
    assert 0.92 < threshold_at_fpr(human, 0.07) < 0.93
    assert threshold_at_fpr(human, 1) == -np.inf


def test_ties_stay_below_the_threshold():
    assert tpr_at_fpr([0, 0, 1, 1], [0.5, 0.5, 0.5, 0.5], 0.4) == 0
    assert tpr_at_fpr([0, 0, 1, 1], [0.9, 0.9, 0.9, 1.0], 0.5) == 0.5


def test_brier_by_hand():
    assert brier([0, 1], [0.2, 0.6]) == pytest.approx((0.04 + 0.16) / 2)


def test_calibration_error_by_hand():
    labels = [0, 1, 1, 1]
    probabilities = [0.1, 0.2, 0.7, 0.8]
    # the median parts them: |0.5 - 0.15| and |1 - 0.75|, each half of the texts
    assert expected_calibration_error(labels, probabilities, bins=2) == pytest.approx(0.3)
    assert expected_calibration_error(labels, probabilities, bins=1) == pytest.approx(0.3)
    assert expected_calibration_error([0, 1, 0, 1], [0.5] * 4) == 0
    assert expected_calibration_error([1, 1], [0, 0]) == 1


@given(labelled(), st.integers(1, 20), st.randoms())
def test_calibration_error_does_not_depend_on_order(data, bins, random):
    labels, scores = data
    order = list(range(len(labels)))
    random.shuffle(order)
    error = expected_calibration_error(labels, scores, bins)
    assert 0 <= error <= 1
    assert error == pytest.approx(expected_calibration_error(labels[order], scores[order], bins))


def test_calibration_error_of_calibrated_and_shifted_probabilities():
    rng = np.random.default_rng(0)
    truth = rng.uniform(0.2, 0.8, 20_000)
    labels = (rng.uniform(size=20_000) < truth).astype(int)
    assert expected_calibration_error(labels, truth) < 0.02
    assert expected_calibration_error(labels, truth + 0.1) == pytest.approx(0.1, abs=0.02)


def test_share():
    scores = [0.1, 0.5, 0.5, 0.9]
    rate = proportion(np.array(scores) >= 0.5)
    expected = binomtest(3, 4).proportion_ci(0.95, method="exact")
    assert rate == pytest.approx((0.75, expected.low, expected.high))
    # of n texts none: the rule of three, exactly 1 - 0.025^(1/n)
    assert proportion([0] * 10) == pytest.approx((0, 0, 1 - 0.025**0.1))
    assert proportion([1] * 10) == pytest.approx((1, 0.025**0.1, 1))


# --- all figures ----------------------------------------------------------------------------


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_intervals_of_proportions_are_quantiles_of_beta_distributions(counts):
    hits, total = counts
    low = betaincinv(hits, total - hits + 1, 0.025) if hits else 0
    high = betaincinv(hits + 1, total - hits, 0.975) if hits < total else 1
    estimate = proportion(np.arange(total) < hits)
    assert estimate.value == hits / total
    assert estimate[1:] == pytest.approx((low, high), abs=1e-12)


def test_evaluate_gives_each_figure_within_its_interval():
    labels, scores = simulated(400, np.random.default_rng(1))
    groups = np.arange(400) // 8
    for estimates in (
        evaluate(labels, scores, resamples=200),
        evaluate(labels, scores, groups, resamples=200),
    ):
        assert list(estimates) == METRIC_LABELS
        for estimate in estimates.values():
            assert estimate.low <= estimate.value <= estimate.high
            assert estimate.low < estimate.high
        assert estimates["auroc"].value == auroc(labels, scores)
        assert estimates["tpr_at_1_percent_fpr"].value == tpr_at_fpr(labels, scores, 0.01)
        assert estimates["tpr_at_5_percent_fpr"].value == tpr_at_fpr(labels, scores, 0.05)
        assert estimates["brier"].value == pytest.approx(brier(labels, scores))
        error = expected_calibration_error(labels, scores)
        assert estimates["expected_calibration_error"].value == pytest.approx(error)


def test_evaluate_repeats_itself_and_heeds_the_seed():
    labels, scores = simulated(60, np.random.default_rng(2))
    first = evaluate(labels, scores, resamples=100)
    assert evaluate(labels, scores, resamples=100) == first
    assert evaluate(labels, scores, resamples=100, seed=1)["auroc"] != first["auroc"]


def test_the_bootstrap_is_that_of_drawing_rows():
    labels, scores = simulated(200, np.random.default_rng(3))
    rng = np.random.default_rng(4)
    human, generated = np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)
    drawn = []
    for _ in range(1000):
        rows = np.concatenate([rng.choice(human, len(human)), rng.choice(generated, 100)])
        drawn.append(roc_auc_score(labels[rows], scores[rows]))
    estimate = evaluate(labels, scores, resamples=2000)["auroc"]
    assert estimate[1:] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.008)


def test_groups_are_drawn_whole():
    rng = np.random.default_rng(5)
    groups = np.repeat(np.arange(20), 20)
    labels = np.arange(400) % 2
    # what a prompt does to its scores is shared by all its texts
    quality = np.repeat(rng.normal(size=20), 20)
    scores = norm.cdf(quality * (2 * labels - 1) + rng.normal(size=400) * 0.1)
    by_row = evaluate(labels, scores, resamples=300)["auroc"]
    by_group = evaluate(labels, scores, groups, resamples=300)["auroc"]
    assert by_group.high - by_group.low > 2 * (by_row.high - by_row.low)


def test_texts_without_a_group_are_groups_of_their_own():
    labels, scores = simulated(100, np.random.default_rng(6))
    alone = evaluate(labels, scores, np.arange(100), resamples=100)
    for nothing in ("", None, np.nan):
        assert evaluate(labels, scores, [nothing] * 100, resamples=100) == alone


def test_one_group_has_no_interval():
    estimate = evaluate([0, 1, 1], [0.1, 0.2, 0.3], ["a", "a", "a"])["auroc"]
    assert estimate.value == 1
    assert np.isnan(estimate[1:]).all()


def test_resamples_with_one_class_are_left_out():
    estimates = evaluate([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.8], ["a", "a", "b", "b"], resamples=50)
    assert estimates["auroc"] == (0.75, 0.75, 0.75)
    assert np.isfinite(list(estimates.values())).all()


def test_scores_that_are_no_probabilities():
    estimates = evaluate([0, 1, 0, 1], [-3, 8, 2, 1], probabilities=False, resamples=20)
    assert list(estimates) == METRIC_LABELS[:3]
    assert estimates["auroc"].value == 0.75


@pytest.mark.parametrize("grouped", [False, True])
def test_intervals_cover_the_truth(grouped):
    """AUROC of two normals a standard deviation apart is Phi(1 / sqrt 2)."""
    rng = np.random.default_rng(7)
    truth = norm.cdf(np.sqrt(0.5))
    covered = []
    for _ in range(200):
        labels, scores = simulated(160, rng)
        groups = np.arange(160) // 4 if grouped else None
        estimate = evaluate(labels, scores, groups, probabilities=False, resamples=200)["auroc"]
        covered.append(estimate.low <= truth <= estimate.high)
    # 95 % of 200, give or take three standard errors and the bootstrap's own shortfall
    assert 0.88 <= np.mean(covered) <= 0.99


def test_evaluate_is_fast_enough():
    labels, scores = simulated(5000, np.random.default_rng(8))
    start = time.perf_counter()
    evaluate(labels, scores, np.arange(5000) // 10)
    assert time.perf_counter() - start < 10


@pytest.mark.parametrize(
    ("labels", "scores", "expected"),
    [
        ([1, 1], [0.1, 0.2], "All 2 texts are labelled 1"),
        ([0, 1], [0.1], "2 labels and 1 scores"),
        ([0, 2], [0.1, 0.2], "not 0 .human. or 1"),
        ([0, 1], [0.1, np.nan], "finite"),
        ([0, np.nan], [0.1, 0.2], "finite"),
        ([], [], "one or more"),
        ([[0, 1]], [[0.1, 0.2]], "lists"),
        ([0, 1], [0.1, 1.2], "not between 0 and 1"),
        ([0, 1], ["a", "b"], "not a number"),
    ],
)
def test_what_cannot_be_evaluated(labels, scores, expected):
    with pytest.raises(InputError, match=expected):
        evaluate(labels, scores)


def test_arguments_out_of_range():
    with pytest.raises(InputError, match="false-positive rate of 5"):
        tpr_at_fpr([0, 1], [0, 1], 5)
    with pytest.raises(InputError, match="number of bins is 0"):
        expected_calibration_error([0, 1], [0, 1], bins=0)
    with pytest.raises(InputError, match="4 texts and 2 groups"):
        evaluate([0, 1, 0, 1], [0, 1, 0, 1], ["a", "b"])
    with pytest.raises(InputError):
        proportion([])


# --- by group -------------------------------------------------------------------------------


def test_evaluate_by():
    labels, scores = simulated(200, np.random.default_rng(9))
    source = np.where(np.arange(200) < 120, "web", "essays")
    frame = pd.DataFrame(
        {"generated": labels, "score": scores, "source": source, "prompt_id": np.arange(200) // 4}
    )
    only_human = pd.DataFrame({"generated": [0, 0], "score": [0.2, 0.6], "source": "forum"})
    frame = pd.concat([frame, only_human])
    frame["flagged"] = frame["score"] >= 0.5
    table = evaluate_by(frame, "source", group="prompt_id", flagged="flagged", resamples=50)
    assert list(table.index) == ["essays", "forum", "web"]
    assert table.index.name == "source"
    assert table["texts"].tolist() == [80, 2, 120]
    assert table["human"].tolist() == [40, 2, 60]
    assert table["generated"].tolist() == [40, 0, 60]

    web = evaluate(labels[:120], scores[:120], np.arange(120) // 4, resamples=50)
    row = table.loc["web"].to_dict()
    assert [row[name] for name in ("auroc", "auroc_low", "auroc_high")] == list(web["auroc"])
    rate = proportion(scores[:120][labels[:120] == 1] >= 0.5)
    assert [row[name] for name in ("tpr", "tpr_low", "tpr_high")] == list(rate)

    forum = table.loc["forum"]
    assert forum[["auroc", "tpr_at_1_percent_fpr", "tpr_at_5_percent_fpr", "tpr"]].isna().all()
    assert forum["brier"] == pytest.approx((0.04 + 0.36) / 2)
    assert forum["fpr"] == 0.5


def test_evaluate_by_keeps_texts_without_a_value():
    frame = pd.DataFrame(
        {"generated": [0, 1, 1], "score": [0.1, 0.9, 0.8], "attack": ["a", "a", None]}
    )
    assert evaluate_by(frame, "attack", resamples=5)["texts"].tolist() == [2, 1]


def test_evaluate_by_a_column_that_is_not_there():
    with pytest.raises(InputError, match="no column 'domain'"):
        evaluate_by(pd.DataFrame({"generated": [0], "score": [0.5]}), "domain")
