"""The shipped detectors: what they answer, and where they withhold a verdict."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from perplexity_detector.classifier.verdicts import NO_PROSE, OUTLIER
from perplexity_detector.detectors.text_detector import TextDetector
from tests.paths import SAMPLE_FOLDER

#: By version 0.3.0, in float32 on a CPU: features, probabilities and verdicts of every fourth
#: essay of the sample.
RECORDED = Path(__file__).parent / "recorded"
#: How far another processor's rounding may move a probability.
ROUNDING = 0.02


@pytest.fixture(scope="module", params=["standard", "fast"])
def shipped(request):
    recorded = json.loads((RECORDED / "sample.json").read_text())[request.param]
    features = load_file(RECORDED / "features.safetensors")[request.param]
    return TextDetector.from_pretrained(request.param, device="cpu"), recorded, features


def test_recorded_features_give_the_recorded_probabilities(shipped):
    detector, recorded, features = shipped
    probabilities = detector.calibrator_.probabilities(detector.raw_scores(features))
    np.testing.assert_allclose(probabilities, recorded["probability"], atol=1e-6)


def test_the_sample_gives_the_recorded_probabilities(shipped, essays, smollm2_folder):
    detector, recorded, features = shipped
    assessed = detector.assess_texts(essays[::4])
    probabilities = [one.probability for one in assessed]
    found = np.stack([one.features for one in assessed]).astype(np.float32)
    same_rounding = np.array_equal(found, features)
    np.testing.assert_allclose(found, features, rtol=1e-2, atol=1e-2)
    np.testing.assert_allclose(
        probabilities, recorded["probability"], atol=1e-6 if same_rounding else ROUNDING
    )
    if same_rounding:
        assert [one.verdict for one in assessed] == recorded["verdict"]


def test_what_is_no_prose_gets_no_verdict(shipped, smollm2_folder):
    detector, _, _ = shipped
    odd = pd.read_csv(SAMPLE_FOLDER / "odd.csv")
    assessed = detector.assess(odd["text"], why=False)
    assert set(assessed["verdict"]) == {"uncertain"}
    assert set(assessed["note"]) <= {NO_PROSE, OUTLIER}


def test_every_length_has_a_threshold_with_its_bound(shipped):
    calibrator = shipped[0].calibrator_
    bins = calibrator.length_bins(0.01)
    assert len(bins) >= 3
    for one in bins:
        assert one.probability < 1
        assert 0.005 < one.fpr_upper_bound < 0.03
    assert calibrator.threshold_at(0.01, 10) > 1
    assert calibrator.threshold_at(0.05, 200) < calibrator.threshold_at(0.01, 200)
