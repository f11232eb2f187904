"""The shipped detectors: that they load, keep to their promises, and hold back where they must."""

import pandas as pd
import pytest

from perplexity_detector.detectors.text_detector import TextDetector
from tests.paths import ROOT

SAMPLE = ROOT / "data" / "sample"


@pytest.mark.parametrize("name", ["standard", "fast"])
def test_what_is_no_prose_gets_no_verdict(name, smollm2_folder):
    odd = pd.read_csv(SAMPLE / "odd.csv")
    said = TextDetector.from_pretrained(name).assess(odd["text"], why=False)
    assert set(said["verdict"]) == {"uncertain"}
    assert set(said["note"]) <= {"no running English prose", "unlike the prose it was trained on"}


@pytest.mark.parametrize("name", ["standard", "fast"])
def test_thresholds_are_set_for_every_length_and_told_with_their_bounds(name):
    calibrator = TextDetector.from_pretrained(name).calibrator_
    bins_ = calibrator.length_bins(0.01)
    assert len(bins_) >= 3
    for bin in bins_:
        assert bin.probability < 1
        assert 0.005 < bin.fpr_upper_bound < 0.03
    assert calibrator.threshold_at(0.01, 10) > 1
    assert calibrator.threshold_at(0.05, 200) < calibrator.threshold_at(0.01, 200)
