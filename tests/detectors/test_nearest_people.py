"""Nearest people set a detector's thresholds, until it is recalibrated."""

import numpy as np
import pytest

from perplexity_detector.classifier import nearest_people
from perplexity_detector.detectors.text_detector import TextDetector
from tests.labelled import sample, small_detector


@pytest.fixture
def detector(tiny_llama, monkeypatch):
    monkeypatch.setattr(nearest_people, "NEIGHBOURS", 8)
    monkeypatch.setattr(nearest_people, "MIN_PEOPLE", 16)
    return small_detector(tiny_llama, ["stylometry", "representation"], depth=0.5)


def test_each_text_has_a_threshold_of_its_own(detector):
    documents = detector.read_documents(sample()["text"])  # longer than what it was trained on
    found = detector.thresholds(documents, 0.3)
    assert np.isfinite(found).mean() > 0.5
    assert len(set(found)) > 1


def test_saved_people_set_the_same_thresholds(detector, tmp_path):
    documents = detector.read_documents(sample()["text"])
    loaded = TextDetector.from_pretrained(detector.save_pretrained(tmp_path / "saved"))
    assert np.array_equal(loaded.thresholds(documents, 0.3), detector.thresholds(documents, 0.3))
    assert "people whose texts are most like it" in (tmp_path / "saved/README.md").read_text()


def test_recalibration_replaces_them(detector, tmp_path):
    own = [f"{text} {number}" for number in range(5) for text in sample()["text"][:20]]
    detector.recalibrate(own)
    assert detector.nearest_people_ is None
    documents = detector.read_documents(sample()["text"])
    tokens = np.array([document.token_count for document in documents])
    expected = detector.calibrator_.thresholds(0.3, tokens)
    assert np.array_equal(detector.thresholds(documents, 0.3), expected)
    saved = detector.save_pretrained(tmp_path / "saved")
    assert TextDetector.from_pretrained(saved).nearest_people_ is None


def test_few_people_leave_thresholds_to_length(tiny_llama):
    detector = small_detector(tiny_llama, ["representation"], depth=0.5)
    assert detector.nearest_people_ is None
    assert "nearest_people" not in detector.training_
