"""What an answer says of the detector, the text and the time it was made with."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_detector.classifier.provenance import Provenance, detector_sha256, text_sha256
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.version import __version__
from tests.labelled import light_detector, two_styles


@pytest.fixture(scope="module")
def detector() -> TextDetector:
    fitted: TextDetector = light_detector(fpr=0.1).fit(*two_styles(160))
    return fitted


def test_the_hash_of_a_detector_outlives_saving(detector: TextDetector, tmp_path: Path) -> None:
    folder = detector.save_pretrained(tmp_path / "model")
    loaded = TextDetector.from_pretrained(folder)
    assert detector_sha256(loaded) == detector_sha256(detector)
    # whatever version of XGBoost loads it, a booster is saved as it was
    again = loaded.save_pretrained(tmp_path / "again")
    assert (again / "classifier.ubj").read_bytes() == (folder / "classifier.ubj").read_bytes()


def test_another_detector_has_another_hash(detector: TextDetector, tmp_path: Path) -> None:
    loaded = TextDetector.from_pretrained(detector.save_pretrained(tmp_path / "model"))
    texts, labels = two_styles(240, seed=2)
    loaded.recalibrate([text for text, label in zip(texts, labels, strict=True) if not label])
    other = light_detector().fit(*two_styles(160, seed=3))
    hashes = {detector_sha256(one) for one in (detector, loaded, other)}
    assert len(hashes) == 3


def test_the_hash_of_shipped_detectors_is_that_of_their_files() -> None:
    loaded = TextDetector.from_pretrained("fast")
    assert detector_sha256(loaded) == detector_sha256(TextDetector.from_pretrained("fast"))
    assert detector_sha256(loaded) != detector_sha256(TextDetector.from_pretrained("standard"))


def test_provenance(detector: TextDetector) -> None:
    made = Provenance.of(detector, "light")
    assert (made.package_version, made.detector) == (__version__, "light")
    assert made.language_model is None
    assert made.precision is None
    assert (made.settings["fpr"], made.settings["cache"]) == (0.1, False)
    time = datetime.fromisoformat(made.time)
    assert time.utcoffset() == timedelta(0)
    assert abs(datetime.now(timezone.utc) - time) < timedelta(minutes=1)
    old = replace(made, time="2000-01-01T00:00:00+00:00")
    assert old.now().time > old.time
    assert replace(old.now(), time=old.time) == old
    assert json.loads(json.dumps(made.to_dict())) == made.to_dict()


def test_precision_and_model_of_a_detector_that_reads() -> None:
    loaded = TextDetector.from_pretrained("fast", device="cpu")
    made = Provenance.of(loaded)
    assert made.language_model == loaded.language_model_
    assert made.precision == "float32"  # what auto is on a CPU
    assert made.settings["device"] == "cpu"


def test_the_hash_of_a_text_is_that_of_its_file(tmp_path: Path) -> None:
    # SHA-256 of the empty file, and the example of FIPS 180-2
    assert text_sha256("")[:16] == "e3b0c44298fc1c14"
    assert text_sha256("abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


@given(st.text())
def test_the_hash_of_any_text_is_that_of_its_utf_8(text: str) -> None:
    assert text_sha256(text) == hashlib.sha256(text.encode()).hexdigest()


@given(st.text(st.characters(max_codepoint=0xFFFF, min_codepoint=0xD800)))
def test_half_a_surrogate_pair_has_a_hash(text: str) -> None:
    assert len(text_sha256(text)) == 64
    assert text_sha256(text) == text_sha256(text)
    assert text_sha256(text + "\ud800") != text_sha256(text)
