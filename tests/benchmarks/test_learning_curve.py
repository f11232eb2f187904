"""Samples of several sizes, of which the smaller ones are parts of the larger."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.quality import samples
from benchmarks.quality.learning_curve import in_sample, with_texts
from benchmarks.quality.learning_curve_tables import learning_curve
from benchmarks.quality.protocol import Fold


@pytest.fixture(scope="module")
def corpus_file(tmp_path_factory):
    rows = [
        {
            "id": f"{source}-{label}-{split}-{number}", "generated": label, "split": split,
            "text": f"The {number} children of {source} were definitely happy to see the house.",
            "source": source, "domain": "essay", "generator": "human", "attack": "none",
            "prompt_id": number,
        }
        for source in ("letters", "stories")
        for label in (0, 1)
        for split in ("train", "valid", "test")
        for number in range(12)
    ]  # fmt: skip
    file = tmp_path_factory.mktemp("corpus") / "corpus.csv"
    pd.DataFrame(rows).to_csv(file, index=False)
    return str(file)


@pytest.mark.parametrize("size", [1, 3, 9])
def test_a_smaller_sample_is_part_of_a_larger_one(corpus_file, size):
    larger, smaller = (samples.corpus(corpus_file, n, 4) for n in (9, size))
    chosen = larger[in_sample(larger, size)]
    key = ["id", "calibration_mask", "text"]
    assert not larger["calibration_mask"].all()  # there are disguised copies
    pd.testing.assert_frame_equal(
        chosen[key].sort_values(key, ignore_index=True),
        smaller[key].sort_values(key, ignore_index=True),
    )


def test_a_fold_keeps_what_is_left_out():
    fold = Fold(
        "source", "x", train=np.array([True, True, False, False]),
        test=np.array([False, False, True, True]), held_out=np.array([False, False, True, False]),
    )  # fmt: skip
    found = with_texts(
        fold, np.array([True, False, True, True]), np.array([True, True, True, False])
    )
    assert found.train.tolist() == [True, False, False, False]
    assert found.test.tolist() == [False, False, True, False]
    assert found.held_out.tolist() == [False, False, True, False]


def test_the_table_has_a_row_for_each_size_detector_and_half():
    def folds(auroc):
        figures = {
            "auroc": auroc, "tpr_at_1": 0.5, "tpr_at_5": 0.75, "brier": 0.1, "ece": 0.1,
            "fpr_1": 0.01, "fpr_5": 0.05, "n_human": 200.0, "n_generated": 200.0,
        }  # fmt: skip
        people = {"letters": {"fpr_1": 0.02}, "stories": {"fpr_1": 0.03}}
        return [
            {
                "kind": "source", "name": half, "half": half,
                "detectors": dict.fromkeys(("standard", "fast"), figures),
                "people": dict.fromkeys(("standard", "fast"), people),
                "without_verdict": {
                    name: {"all": {"share": 0.25}} for name in ("standard", "fast")
                },
            }
            for half in ("development", "confirmation")
        ]  # fmt: skip

    record = {"sizes": {"400": {"folds": folds(0.9)}, "50": {"folds": folds(0.7)}}}
    rows = learning_curve(record, {"folds": folds(0.8)}).splitlines()[2:]
    assert len(rows) == 12
    assert [row.split(" | ")[2] for row in rows[:3]] == ["50", "100", "400"]
    assert rows[2] == (
        "| development | **`standard`** | 400 | 0.900 | 0.900 | 0.500 | 0.750 | 1.0% | 3.0% | 5.0% "
        "| 25.0% |"
    )
