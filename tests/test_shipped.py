"""The shipped detectors: that they load, keep to their promises, and hold back where they must."""

from pathlib import Path

import pandas as pd
import pytest

from perplexity_detector.detectors.text_detector import TextDetector

SAMPLE = Path(__file__).parents[1] / "data" / "sample"


@pytest.mark.parametrize("name", ["standard", "fast"])
def test_what_is_no_prose_gets_no_verdict(name, smollm2_folder):
    odd = pd.read_csv(SAMPLE / "odd.csv")
    said = TextDetector.from_pretrained(name).assess(odd["text"], why=False)
    assert set(said["verdict"]) == {"uncertain"}
    assert set(said["note"]) <= {"no running English prose", "unlike the prose it was trained on"}


@pytest.mark.parametrize("name", ["standard", "fast"])
def test_thresholds_are_set_for_every_length_and_told_with_their_bounds(name):
    calibrator = TextDetector.from_pretrained(name).calibrator_
    rungs = calibrator.ladder(0.01)
    assert len(rungs) >= 3
    for rung in rungs:
        assert rung.probability < 1
        assert 0.005 < rung.upper < 0.03
    assert calibrator.threshold_at(0.01, 10) > 1
    assert calibrator.threshold_at(0.05, 200) < calibrator.threshold_at(0.01, 200)
