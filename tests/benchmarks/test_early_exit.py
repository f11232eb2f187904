"""The figures of early exits, from scores made up by hand."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.quality.cascades import (
    ALONE,
    AUTO,
    CASCADES,
    DEPTHS,
    FNRS,
    FPR_SHARES,
    LAST,
    RULES,
    Rule,
    cheapest,
    figures,
    judged,
    limits,
    limits_of,
    readings,
)
from benchmarks.quality.early_exit_tables import early_exit, early_exit_cascades
from benchmarks.quality.scored import FPR
from perplexity_detector.classifier.verdicts import MAX_FNR

BLOCKS = {
    "blocks_4": 4, "blocks_8": 8, "blocks_12": 12, "fast": 15, "blocks_18": 18, LAST: 30,
}  # fmt: skip
#: Reading takes a tenth of a second a block.
DEPTH = {
    "speeds": {
        f"{share:g}": {"blocks": BLOCKS[name], "texts_per_second": 10 / BLOCKS[name]}
        for name, share in DEPTHS.items()
    }
}
THREE = ("blocks_8", "fast", LAST)


def scored(generated, fold="essays", half="development", **probabilities):
    """All detectors with the same thresholds: 0.9 at 1 % and above it at less, human below 0.1.

    Detectors without probabilities have those of the last.
    """
    columns = {
        "source": fold, "fold": fold, "half": half, "held_out": True, "words": 200,
        "generated": generated,
    }  # fmt: skip
    for name in DEPTHS:
        columns[f"p_{name}"] = probabilities.get(name, probabilities[LAST])
        columns[f"outlier_{name}"] = False
        for fpr, fnr in limits_of(name):
            columns[f"t_{name}_{fpr:g}"] = 1 - 10 * fpr
            columns[f"h_{name}_{fnr:g}"] = 2 * fnr
    return pd.DataFrame(columns, index=range(len(generated)))


def test_a_text_leaves_where_the_first_detector_settles_it():
    frame = scored(
        [1, 1, 1, 0, 0],
        blocks_8=[0.995, 0.95, 0.5, 0.01, 0.05],
        standard=[0.0, 0.95, 0.95, 0.5, 0.05],
    )
    result = judged(frame, AUTO, Rule(0.1, 0.01))
    # the first detector flags from 0.99 and calls human what lies below 0.02
    assert result["left"].tolist() == ["blocks_8", LAST, LAST, "blocks_8", LAST]
    assert result["probability"].tolist() == [0.995, 0.95, 0.95, 0.01, 0.05]
    assert result["flagged"].tolist() == [True, True, True, False, False]
    assert result["uncertain"].tolist() == [False, False, False, False, False]


def test_a_text_leaves_at_the_first_of_several_exits():
    frame = scored(
        [1, 1, 0, 0],
        blocks_8=[0.999, 0.99, 0.005, 0.5],
        fast=[0.0, 0.999, 0.999, 0.5],
        standard=[0.0, 0.0, 0.0, 0.92],
    )
    # each of two exits flags from 0.995 and calls human what lies below 0.01
    result = judged(frame, THREE, Rule(0.1, 0.01))
    assert result["left"].tolist() == ["blocks_8", "fast", "blocks_8", LAST]
    assert result["probability"].tolist() == [0.999, 0.999, 0.005, 0.92]
    assert result["flagged"].tolist() == [True, True, False, True]


def test_an_outlier_does_not_leave():
    frame = scored([1], blocks_8=[0.999], standard=[0.5])
    frame["outlier_blocks_8"] = True
    result = judged(frame, AUTO, Rule(0.1, 0.01))
    assert result["left"][0] == LAST
    assert not result["flagged"][0]
    assert result["uncertain"][0]


@pytest.mark.parametrize("cascade", CASCADES)
def test_the_detectors_of_a_cascade_spend_no_more_than_one_alone(cascade):
    assert limits(cascade[-1:], ALONE) == [(FPR, MAX_FNR)]
    for rule in RULES:
        spent = limits(cascade, rule)
        assert sum(one.fpr for one in spent) == pytest.approx(FPR, abs=1e-6)
        assert sum(one.fnr for one in spent) == pytest.approx(MAX_FNR, abs=1e-6)
        assert all(one in limits_of(name) for name, one in zip(cascade, spent, strict=True))


def test_the_cheapest_rule_is_one_that_loses_little():
    end = {"auroc": 0.97, "tpr_at_1": 0.8, "generated_flagged": 0.7}
    careful, quick, careless = Rule(0.1, 0.01), Rule(0.2, 0.01), Rule(0.5, 0.04)
    rules = {
        careful: {**end, "cost": 0.8},
        quick: {**end, "tpr_at_1": 0.795, "cost": 0.7},
        careless: {**end, "auroc": 0.96, "cost": 0.5},
    }
    assert cheapest(rules, end) == quick
    assert cheapest({careless: rules[careless]}, end) is None


@pytest.fixture(scope="module")
def record():
    draw = np.random.default_rng(0)
    frames = []
    for half, fold in (("development", "essays"), ("confirmation", "news")):
        labels = np.arange(400) % 2
        models, people = draw.choice([0.6, 0.95, 0.9999], 400), draw.choice([0.001, 0.3], 400)
        last = np.where(labels, models, people)
        frames.append(scored(labels, fold, half, standard=last))
    return figures(pd.concat(frames, ignore_index=True), readings(DEPTH))


def test_equal_detectors_lose_nothing_by_an_early_exit(record):
    auto, alone = record["auto"]["development"], record["alone"]
    assert auto["auroc"] == alone[LAST]["development"]["auroc"] == 1
    assert 0 < auto["people_at_blocks_8"] < 1
    assert auto["people_at_blocks_8"] + auto["people_at_standard"] == 1
    assert alone["fast"]["development"]["cost"] == 0.5
    assert alone[LAST]["development"]["cost"] == 1
    assert len(record["rules"]) == len(FPR_SHARES) * len(FNRS)
    assert set(record["sources"]) == {"essays", "news"}
    assert record["auto"]["people"]["share"] == 0
    assert record["auto"]["people"]["texts"] == 400


def test_of_equal_detectors_the_one_that_reads_least_pays_most(record):
    by_detectors = {one["detectors"]: one["development"]["cost"] for one in record["cascades"]}
    assert by_detectors[AUTO] < by_detectors["fast", LAST] < 1


def test_the_tables_say_what_an_exit_saves(record):
    lines = early_exit(record).splitlines()
    # what leaves early takes eight thirtieths of the time here
    first = next(line for line in lines if "first detector" in line)
    assert first.endswith("| 100.0% | 100.0% | 0.27 |")
    auto = next(line for line in lines if "`auto`" in line)
    assert 0.27 < float(auto.split("|")[-2]) < 1
    rows = early_exit_cascades(record).splitlines()[2:]
    assert len(rows) == 2 * (len(DEPTHS) + len(CASCADES))
    assert any(row.startswith("| confirmation | 8, 15, 30 | ") for row in rows)


def test_a_cascade_without_a_rule_that_loses_little_has_no_figures(record):
    one = {"detectors": THREE, "rule": None}
    rows = early_exit_cascades({**record, "cascades": [one]}).splitlines()
    assert rows[-1] == "| confirmation | 8, 15, 30 |" + " - |" * 11
    assert {row.count("|") for row in rows} == {14}
