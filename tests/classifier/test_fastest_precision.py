"""The precision that is chosen for a machine: by verdicts and time, once."""

from __future__ import annotations

import json
import platform
import time
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from perplexity_detector.classifier import fastest_precision as fastest
from perplexity_detector.classifier.fastest_precision import ADVANTAGE, EXACT, Trial
from perplexity_detector.classifier.provenance import Provenance
from perplexity_detector.detectors.loading import load_detector
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.pipelines.predict import RESULTS, run_fingerprint
from perplexity_detector.pipelines.tasks import load_predict_task
from tests.labelled import light_detector, small_detector, two_styles

CANDIDATES = fastest.candidates()
several = pytest.mark.skipif(
    len(CANDIDATES) < 2, reason="this processor is quick in one precision alone"
)


@pytest.fixture(scope="module")
def fitted(tiny_gpt2: Path) -> TextDetector:
    made: TextDetector = small_detector(tiny_gpt2, ["perplexity", "entropy", "rank"], device="cpu")
    made.set_params(fpr=0.3)
    return made


@pytest.fixture(scope="module")
def folder(fitted: TextDetector, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fitted.save_pretrained(tmp_path_factory.mktemp("saved") / "model")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    place = tmp_path / "home"
    monkeypatch.setenv("PERPLEXITY_DETECTOR_HOME", str(place))
    return place


def load(folder: Path, precision: str | None = "auto") -> TextDetector:
    return TextDetector.from_pretrained(folder, device="cpu", precision=precision)


def keep(detector: Any, precision: str) -> Path:
    """Keep a choice for this machine, as if it had been measured."""
    identity = fastest.identify(detector)
    file = fastest.kept_in(identity)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"precision": precision, "identity": identity}))
    return file


# --- the choice -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trials", "expected"),
    [
        ({"float32": Trial(0, 2.0)}, "float32"),
        ({"float32": Trial(0, 2.0), "bfloat16": Trial(0, 1.0)}, "bfloat16"),
        ({"float32": Trial(0, 2.0), "bfloat16": Trial(0, 1.0), "int8": Trial(0, 0.5)}, "int8"),
        ({"float32": Trial(0, 2.0), "bfloat16": Trial(0, 1.0), "int8": Trial(1)}, "bfloat16"),
        ({"float32": Trial(0, 2.0), "bfloat16": Trial(3), "int8": Trial(0, 1.0)}, "int8"),
        ({"float32": Trial(0, 2.0), "bfloat16": Trial(None), "int8": Trial(1)}, "float32"),
        # faster by so little that chance may have done it
        ({"float32": Trial(0, 2.0), "bfloat16": Trial(0, 1.9)}, "float32"),
        ({"float32": Trial(0, 2.0), "bfloat16": Trial(0, 1.0), "int8": Trial(0, 0.95)}, "bfloat16"),
    ],
)
def test_the_fastest_that_changes_no_verdict(trials: dict[str, Trial], expected: str) -> None:
    assert fastest.choose(trials) == expected


@given(st.floats(0.1, 100), st.lists(st.tuples(st.integers(0, 3), st.floats(0.1, 100)), max_size=4))
def test_what_is_chosen_changes_nothing_and_pays(
    exact: float, others: list[tuple[int, float]]
) -> None:
    trials = {EXACT: Trial(0, exact)} | {
        str(number): Trial(changed, None if changed else seconds)
        for number, (changed, seconds) in enumerate(others)
    }
    chosen = fastest.choose(trials)
    assert trials[chosen].changed == 0
    seconds = trials[chosen].seconds
    assert seconds is not None
    assert chosen == EXACT or seconds * ADVANTAGE < exact
    # none that changes nothing is faster by more than chance, once for each that was compared
    for one in trials.values():
        assert one.seconds is None or seconds <= one.seconds * ADVANTAGE ** len(trials)


@several
def test_a_precision_that_changes_a_verdict_is_not_chosen(fitted: TextDetector) -> None:
    texts = json.loads(fastest._TEXTS.read_text(encoding="utf-8"))
    found = {
        name: [one.probability for one in fitted.with_reading(precision=name).assess_texts(texts)]
        for name in CANDIDATES
    }
    other = CANDIDATES[-1]
    pairs = np.array([found[EXACT], found[other]]).T
    between = pairs[np.argmax(np.abs(pairs[:, 0] - pairs[:, 1]))].mean()
    assert between not in pairs  # some probability differs

    class Narrow(TextDetector):
        """Its threshold lies between what two precisions say of a text."""

        def thresholds(self, documents: Any, fpr: float | None = None) -> np.ndarray:
            return np.full(len(documents), between)

    narrow = Narrow(**fitted.get_params(deep=False))
    narrow.__dict__.update(vars(fitted))
    trials = fastest.measure(narrow)
    assert trials[EXACT].changed == 0
    changed = trials[other].changed
    assert changed is not None
    assert changed > 0
    assert trials[other].seconds is None  # nobody needs to know
    assert fastest.fastest_precision(narrow) != other


# --- what is kept ---------------------------------------------------------------------------


@several
def test_what_was_measured_is_kept(folder: Path, home: Path) -> None:
    chosen = load(folder).extractor_.precision
    assert chosen in CANDIDATES
    (file,) = home.rglob("*.json")
    kept = json.loads(file.read_text())
    assert kept["precision"] == chosen
    assert list(kept["trials"]) == CANDIDATES
    assert kept["trials"][EXACT]["changed"] == 0
    before = file.stat().st_mtime_ns
    assert load(folder).extractor_.precision == chosen
    assert [one.stat().st_mtime_ns for one in home.rglob("*.json")] == [before]


@several
@pytest.mark.parametrize("precision", CANDIDATES)
def test_what_is_kept_is_used(fitted: TextDetector, folder: Path, precision: str) -> None:
    keep(fitted, precision)
    loaded = load(folder)
    assert loaded.extractor_.precision == precision
    assert Provenance.of(loaded).precision == precision
    assert run_fingerprint(loaded, RESULTS)["precision"] == precision
    task = load_predict_task(".", str(folder), device="cpu", precision="auto")
    assert task.fingerprint()["precision"] == precision


@several
@pytest.mark.parametrize("what", ["processor", "torch", "package", "language_model", "detector"])
def test_what_was_kept_of_another_is_not_used(fitted: TextDetector, what: str) -> None:
    file = keep(fitted, CANDIDATES[-1])
    identity = fastest.identify(fitted)
    assert fastest.read(file, identity) == CANDIDATES[-1]
    another = identity | {what: "another"}
    assert fastest.kept_in(another) != file
    assert fastest.read(file, another) is None


@several
def test_another_processor_measures_anew(
    folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(folder)
    known: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    another = {**known, "cpu_name": "Z80"}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: another, raising=False)
    monkeypatch.setattr(platform, "processor", lambda: "Z80")
    load(folder)
    named = {
        json.loads(file.read_text())["identity"]["processor"]["name"]
        for file in home.rglob("*.json")
    }
    assert len(named) == 2
    assert "Z80" in named


@several
@pytest.mark.parametrize(
    "damaged",
    [b"", b"{", b"[]", b"null", b'"int8"', b"\xff\xfe", b"[" * 100_000, b'{"precision": "int8"}'],
    ids=["empty", "cut", "list", "null", "text", "no UTF-8", "nested", "without identity"],
)
def test_a_damaged_file_holds_nothing(fitted: TextDetector, damaged: bytes) -> None:
    file = keep(fitted, CANDIDATES[-1])
    file.write_bytes(damaged)
    assert fastest.read(file, fastest.identify(fitted)) is None


@several
def test_a_damaged_file_is_replaced(fitted: TextDetector, folder: Path) -> None:
    file = keep(fitted, CANDIDATES[-1])
    file.write_bytes(file.read_bytes()[:-9])
    chosen = load(folder).extractor_.precision
    assert fastest.read(file, fastest.identify(fitted)) == chosen


@several
@pytest.mark.parametrize("precision", ["float16", "int8", "auto", None, 8, ["bfloat16"]])
def test_a_kept_precision_that_is_none_is_not_used(fitted: TextDetector, precision: Any) -> None:
    assert fastest.read(keep(fitted, precision), fastest.identify(fitted)) is None


@several
def test_where_nothing_can_be_kept_it_is_float32(
    folder: Path, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home.write_text("a file, where the folder would be")
    assert load(folder).extractor_.precision == EXACT
    assert "PERPLEXITY_DETECTOR_HOME names another folder" in caplog.text


@several
def test_who_comes_second_waits_and_reads(fitted: TextDetector) -> None:
    identity = fastest.identify(fitted)
    found: list[str | None] = []
    with fastest._locked(fastest.kept_in(identity)):
        second = Thread(target=lambda: found.append(fastest.fastest_precision(fitted)))
        second.start()
        time.sleep(0.3)
        assert not found
        # what it would hardly find itself
        measured = fastest.choose(fastest.measure(fitted))
        keep(fitted, CANDIDATES[-1] if measured == EXACT else EXACT)
        expected = fastest.read(fastest.kept_in(identity), identity)
    second.join(timeout=60)
    assert found == [expected]


# --- whose precision ------------------------------------------------------------------------


def test_without_a_language_model_there_is_none(tmp_path: Path, home: Path) -> None:
    folder = light_detector().fit(*two_styles(40)).save_pretrained(tmp_path / "model")
    assert load(folder).extractor_.precision is None
    assert not home.exists()


def test_by_default_nothing_is_measured(folder: Path, home: Path) -> None:
    loaded = load(folder, None)
    assert Provenance.of(loaded).precision == EXACT
    assert not home.exists()


@several
@pytest.mark.parametrize("precision", CANDIDATES)
def test_a_cascade_reads_in_one_precision(
    tmp_path: Path, smollm2_folder: Path, precision: str
) -> None:
    keep(load_detector(tmp_path, "auto", device="cpu"), precision)
    loaded: Any = load_detector(tmp_path, "auto", device="cpu", precision="auto")
    used = [one.extractor_.precision for one in (loaded, loaded.first_, loaded.last)]
    assert used == [precision] * 3


def test_other_settings_leave_a_detector_as_it_was(fitted: TextDetector) -> None:
    other = fitted.with_reading(precision="bfloat16", cache="somewhere")
    assert (other.extractor_.precision, other.extractor_.cache) == ("bfloat16", "somewhere")
    assert (fitted.extractor_.precision, fitted.extractor_.cache) == (None, None)
    assert other.booster_ is fitted.booster_
