"""The figures of an early exit, from scores made up by hand."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.quality import early_exit
from benchmarks.quality.early_exit import FIRST, FNRS, FPR_SHARES, LAST, Rule, figures, judged
from benchmarks.quality.early_exit_tables import early_exit as table
from perplexity_detector.classifier.verdicts import MAX_FNR

DEPTH = {"speeds": {"0.5": {"blocks": 15, "texts_per_second": 6.0},
                    "1": {"blocks": 30, "texts_per_second": 3.0}}}  # fmt: skip


def scored(first, last, generated, fold="essays", half="development"):
    """Both detectors with the same thresholds: 0.9 at 1 % and above it at less, human below 0.1."""
    n = len(first)
    frame = pd.DataFrame(
        {
            "source": fold, "fold": fold, "half": half, "held_out": True, "words": 200,
            "generated": generated, f"p_{FIRST}": first, f"p_{LAST}": last,
            f"outlier_{FIRST}": False, f"outlier_{LAST}": False,
        }, index=range(n),
    )  # fmt: skip
    for name in (FIRST, LAST):
        for rate in early_exit._rates(name):
            frame[f"t_{name}_{rate:g}"] = 1 - 10 * rate
        for fnr in (*FNRS, MAX_FNR):
            frame[f"h_{name}_{fnr:g}"] = 2 * fnr
    return frame


def test_a_text_leaves_where_the_first_detector_settles_it():
    frame = scored([0.995, 0.95, 0.5, 0.01, 0.05], [0.0, 0.95, 0.95, 0.5, 0.05], [1, 1, 1, 0, 0])
    result = judged(frame, Rule(0.1, 0.01))
    # the first detector flags from 0.99 and calls human what lies below 0.02
    assert result["early"].tolist() == [True, False, False, True, False]
    assert result["probability"].tolist() == [0.995, 0.95, 0.95, 0.01, 0.05]
    assert result["flagged"].tolist() == [True, True, True, False, False]
    assert result["uncertain"].tolist() == [False, False, False, False, False]


def test_an_outlier_does_not_leave():
    frame = scored([0.999], [0.5], [1])
    frame[f"outlier_{FIRST}"] = True
    result = judged(frame, Rule(0.1, 0.01))
    assert (result["early"][0], result["flagged"][0], result["uncertain"][0]) == (
        False,
        False,
        True,
    )


@pytest.fixture(scope="module")
def record():
    draw = np.random.default_rng(0)
    frames = []
    for half, fold in (("development", "essays"), ("confirmation", "news")):
        labels = np.arange(400) % 2
        last = np.clip(labels * 0.6 + draw.uniform(0, 0.4, 400), 0, 1)
        frames.append(scored(last, last, labels, fold, half))
    return figures(pd.concat(frames, ignore_index=True))


def test_equal_detectors_lose_nothing_by_an_early_exit(record):
    used = record["used"]["development"]
    assert used["auto"]["auroc"] == used[LAST]["auroc"] == 1
    assert 0 < used["auto"]["people_early"] < 1
    assert used[FIRST]["people_early"] == 1
    assert used[LAST]["people_early"] == 0
    assert len(record["rules"]) == len(FPR_SHARES) * len(FNRS)
    assert set(record["sources"]) == {"essays", "news"}
    assert record["people"]["auto"]["share"] == 0
    assert record["people"]["auto"]["texts"] == 400


def test_the_table_says_what_an_exit_saves(record):
    lines = table(record, DEPTH).splitlines()
    # what leaves early takes half the time here
    first = next(line for line in lines if "`fast`" in line)
    assert first.endswith("| 100.0% | 100.0% | 0.50 |")
    auto = next(line for line in lines if "`auto`" in line)
    assert 0.5 < float(auto.split("|")[-2]) < 1
