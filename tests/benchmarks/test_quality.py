import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality.fold_data import FittedFold
from benchmarks.quality.fold_evaluator import compute_metrics
from benchmarks.quality.protocol import Fold
from benchmarks.quality.record import BY_DETECTOR, copy_other_benchmarks, with_detector
from benchmarks.quality.stress import recalibrated
from perplexity_detector.classifier.calibration import Calibrator
from perplexity_detector.features.document import Document
from perplexity_detector.lm.kernels.int8_linear import can_quantise
from tests.paths import ROOT

CORPUS = Path(os.environ.get("PERPLEXITY_CORPUS", ROOT.parent / "shared/data/corpus.parquet"))


@pytest.mark.skipif(not CORPUS.exists(), reason=f"needs the corpus, {CORPUS}")
def test_quality_stays_above_its_floor(smollm2_folder):
    precision = "int8" if can_quantise() else "float32"  # the same AUROC in half of the time
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.quality", f"--corpus={CORPUS}", "--quick",
         f"--precision={precision}"],
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "floor" in done.stdout


def test_flagged_rates_are_of_held_out_texts():
    tested = np.array([True] * 6 + [False] * 2)
    held_out = np.array([True, True, True, True, False, False, False, False])
    fold = Fold("source", "x", ~tested, tested, held_out)
    labels = np.array([0, 0, 1, 1, 0, 0])
    probabilities = np.array([0.1, 0.6, 0.7, 0.9, 0.95, 0.2])
    thresholds = np.array([[0.8] * 6, [0.5, 0.65, 0.5, 0.5, 0.5, 0.5]])
    found = compute_metrics(fold, labels, probabilities, thresholds)
    assert found["n_human"] == found["n_generated"] == 2
    assert found["fpr_1"] == 0
    assert found["tpr_1"] == 0.5
    assert found["fpr_5"] == 0  # 0.6 is under the threshold of its length
    assert found["tpr_5"] == 1
    assert found["auroc"] == 6 / 8


class Fitted(FittedFold):
    """Human texts of a source score higher than those that set the thresholds."""

    def __init__(self):
        unset = Calibrator(1.0, 0.0, np.zeros(0), np.zeros(0), np.zeros(0))
        calibrator = unset.with_human_scores(np.linspace(0, 0.5, 500), np.zeros(500))
        object.__setattr__(self, "calibrator", calibrator)  # of a frozen data class

    def probabilities(self, table):
        return table[:, 0]

    def thresholds(self, documents, fpr):
        return self.calibrator.thresholds(fpr, np.zeros(len(documents)))


def test_recalibration_is_tested_on_other_texts():
    table = np.random.default_rng(2).uniform(0.3, 0.9, (600, 1))
    human = np.arange(600) < 400
    documents = [Document("")] * 600
    found = recalibrated(Fitted(), table, human, documents, own=100)
    assert found["n_human"] == 300
    assert found["before_5"] > 0.6
    assert 0.01 < found["after_5"] < 0.12
    assert found["after_1"] < 0.05
    assert recalibrated(Fitted(), table, np.arange(600) < 199, documents, own=100) == {}


def record_of(rules, **others):
    return {"folds": [{"kind": "source", "name": "x", "detectors": {"rules": rules, **others}}]}


def test_what_other_benchmarks_measured_on_the_same_folds_is_kept():
    earlier = record_of({"auroc": 0.7}, encoder={"auroc": 0.8}, binoculars={"auroc": 0.9}, old={})
    earlier |= {"networks": {"seconds": {"encoder": {"x": 1}}}, "binoculars": {"texts": 5}}
    same, other = record_of({"auroc": 0.7 + 1e-16}), record_of({"auroc": 0.6})
    copy_other_benchmarks(same, earlier)
    assert same["networks"] == earlier["networks"]
    assert set(same["folds"][0]["detectors"]) == {"rules", "encoder", "binoculars"}
    copy_other_benchmarks(other, earlier)
    assert other == record_of({"auroc": 0.6})


def test_one_detector_can_be_measured_anew():
    def fold(value, *names):
        by_detector = {name: {"auroc": value} for name in names or ("standard", "fast")}
        parts = {part: {**by_detector} for part in BY_DETECTOR}
        return {"name": "x", "n_calibrating": 9, **parts}

    earlier = {"seconds": 5, "standard": 0.7, "fast": 0.7, "folds": [fold(0.7)]}
    results = {"fast": 0.9, "folds": [fold(0.9, "fast", "fast 0.2")]}
    record = with_detector(earlier, "fast", results)
    assert (record["standard"], record["fast"], record["seconds"]) == (0.7, 0.9, 5)
    for part in BY_DETECTOR:
        values = {name: one["auroc"] for name, one in record["folds"][0][part].items()}
        assert values == {"standard": 0.7, "fast": 0.9, "fast 0.2": 0.9}
    other = {"fast": 0.9, "folds": [{**fold(0.9), "n_calibrating": 8}]}
    with pytest.raises(ValueError, match="n_calibrating"):
        with_detector(earlier, "fast", other)
