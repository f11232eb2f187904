import hashlib
import json
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from perplexity_detector.classifier import persistence
from perplexity_detector.classifier.detector_hash import detector_sha256
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.errors import ArtefactError, InputError
from perplexity_detector.evaluation.measure import measure
from perplexity_detector.evaluation.metrics import METRIC_LABELS
from perplexity_detector.features.registry import FAMILIES
from perplexity_detector.io import artefact_folder, atomic, tensors
from tests.labelled import LIGHT, light_detector, small_detector, two_styles

TEXTS, LABELS = two_styles(120)
#: Saved by the code of those formats, with the family `compression` alone.
OLDER = Path(__file__).parent / "artefacts"
#: How pickles of protocols 2 to 5 begin.
PICKLES = tuple(b"\x80" + bytes([protocol]) for protocol in range(2, 6))
FILES = [
    "README.md",
    "calibrator.json",
    "classifier.ubj",
    "config.json",
    "learned.safetensors",
    "metrics.json",
]


@pytest.fixture(scope="module")
def detector():
    return light_detector(fpr=0.1).fit(TEXTS, LABELS)


@pytest.fixture
def saved(detector, tmp_path):
    return detector.save_pretrained(tmp_path / "model")


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def config_of(folder):
    return json.loads((folder / "config.json").read_text())


def error_of(folder, **changes):
    with pytest.raises(ArtefactError) as caught:
        TextDetector.from_pretrained(folder, **changes)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


# --- what is kept ---------------------------------------------------------------------------


def test_a_loaded_detector_predicts_the_same(detector, saved):
    loaded = TextDetector.from_pretrained(saved)
    texts, _ = two_styles(30, seed=1)
    np.testing.assert_array_equal(loaded.predict_proba(texts), detector.predict_proba(texts))
    np.testing.assert_array_equal(loaded.predict(texts), detector.predict(texts))
    assert loaded.assess(texts).equals(detector.assess(texts))
    assert loaded.training_ == detector.training_
    assert loaded.classes_.tolist() == [0, 1]
    ours, theirs = loaded.get_params(), detector.get_params()
    assert {**ours, "extractor": None} == {**theirs, "extractor": None}


def test_the_folder_holds_plain_files_with_their_hashes(saved):
    assert names(saved) == FILES
    config = config_of(saved)
    assert config["format_version"] == persistence.FORMAT_VERSION
    assert config["language_model"] is None
    assert config["families"] == {name: FAMILIES[name].version for name in LIGHT}
    assert config["model"] == "detector"
    assert config["sha256"] == {
        name: hashlib.sha256((saved / name).read_bytes()).hexdigest()
        for name in FILES
        if name != "config.json"
    }
    for file in saved.iterdir():
        assert not file.read_bytes().startswith(PICKLES)
    (saved / "classifier.ubj").read_bytes().index(b"learner")


def test_the_card_says_what_is_known(detector, saved):
    card = (saved / "README.md").read_text()
    assert "| language model | none |" in card
    assert "| feature families | stylometry, compression |" in card
    people = detector.training_["n_human"]
    assert f"| training texts | 120, of which {people} by people; and " in card
    assert "| 1.0% | 0 tokens | none: too few texts by people | - |" in card
    assert f"| 10.0% | 0 tokens | {detector.calibrator_.threshold_at(0.1):.4f} |" in card
    assert "Measured" not in card
    assert "Never accuse anyone" in card
    assert "None" not in card


def test_the_card_shows_what_was_measured(detector, tmp_path):
    import pandas as pd

    measured = TextDetector.from_pretrained(detector.save_pretrained(tmp_path / "a"))
    predictions = pd.DataFrame(
        {"split": "test", "generated": LABELS, "probability": [0.2 + 0.6 * y for y in LABELS]}
    )
    predictions["flagged"] = predictions["probability"] >= 0.5
    measured.metrics_ = measure(predictions, 0.1)
    measured.training_.update(max_words=None)
    folder = measured.save_pretrained(tmp_path / "b")
    card = (folder / "README.md").read_text()
    assert "## Measured on the test split" in card
    assert f"| {METRIC_LABELS['auroc']} | 1.000 | 1.000 to 1.000 |" in card
    assert f"| {METRIC_LABELS['brier']} | 0.040 | 0.040 to 0.040 |" in card
    assert "texts cut to" not in card
    assert TextDetector.from_pretrained(folder).metrics_ == measured.metrics_


def test_settings_from_a_grid_can_be_kept(detector, tmp_path):
    fitted = light_detector(max_depth=np.int64(2), learning_rate=np.float32(0.25))
    fitted.extractor.families = np.array(LIGHT)
    fitted.fit(TEXTS, LABELS)
    loaded = TextDetector.from_pretrained(fitted.save_pretrained(tmp_path / "model"))
    assert (loaded.max_depth, loaded.learning_rate) == (2, 0.25)
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), fitted.predict_proba(TEXTS))


def test_settings_of_the_machine_are_not_kept_but_can_be_given(detector, tmp_path):
    detector.extractor.set_params(batch_tokens=7, cache="somewhere")
    try:
        saved = detector.save_pretrained(tmp_path / "model")
    finally:
        detector.extractor.set_params(batch_tokens=None, cache=None)
    assert set(config_of(saved)["extractor"]) == {
        *("families", "lm", "revision", "depth", "canonical")
    }
    loaded = TextDetector.from_pretrained(saved, device="cpu", progress=True)
    assert (loaded.extractor_.device, loaded.extractor_.progress) == ("cpu", True)
    assert loaded.extractor_.batch_tokens is None
    with pytest.raises(InputError, match="An extractor has no setting colour, shape"):
        TextDetector.from_pretrained(saved, colour=1, shape=2)


# --- whole or not at all --------------------------------------------------------------------


@pytest.mark.parametrize("failing", ["_sha256", "replace_folder"])
@pytest.mark.parametrize("kind", [OSError, KeyboardInterrupt])
def test_an_interrupted_save_leaves_the_old_folder(detector, saved, monkeypatch, failing, kind):
    before = {file.name: file.read_bytes() for file in saved.iterdir()}

    def fail(*given):
        raise kind("no more")

    monkeypatch.setattr(artefact_folder, failing, fail)
    with pytest.raises(ArtefactError if kind is OSError else kind):
        detector.save_pretrained(saved)
    assert {file.name: file.read_bytes() for file in saved.iterdir()} == before
    assert names(saved.parent) == ["model"]


def test_a_failing_rename_brings_the_old_folder_back(detector, saved, monkeypatch):
    path_type = type(saved)
    rename = path_type.rename

    def fail_once(self, target):
        if self.name == "new":
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(atomic, "_exchange", lambda *folders: False)
    monkeypatch.setattr(path_type, "rename", fail_once)
    with pytest.raises(ArtefactError, match=r"cannot be written to .*: Permission denied"):
        detector.save_pretrained(saved)
    assert names(saved) == FILES
    assert names(saved.parent) == ["model"]
    TextDetector.from_pretrained(saved)


def test_saving_again_replaces(detector, saved):
    (saved / ".DS_Store").touch()
    light_detector(fpr=0.2, n_estimators=3).fit(TEXTS, LABELS).save_pretrained(saved)
    assert names(saved) == FILES
    assert TextDetector.from_pretrained(saved).fpr == 0.2
    assert names(saved.parent) == ["model"]


def test_publishing_copies_and_replaces(detector, saved, tmp_path):
    target = tmp_path / "data" / "model"
    artefact_folder.publish(saved, target)
    again = light_detector(fpr=0.2, n_estimators=3).fit(TEXTS, LABELS)
    artefact_folder.publish(again.save_pretrained(tmp_path / "other"), target)
    assert names(target) == FILES
    assert names(target.parent) == ["model"]
    assert TextDetector.from_pretrained(target).fpr == 0.2
    assert TextDetector.from_pretrained(saved).fpr == 0.1


def test_folders_with_other_things_are_refused(detector, saved, tmp_path):
    for name in ("notes.txt", "model.safetensors"):
        folder = tmp_path / f"with {name}"
        folder.mkdir()
        (folder / "config.json").write_text("{}")  # as a language model's folder has
        (folder / name).write_text("mine")
        for write in (detector.save_pretrained, lambda to: artefact_folder.publish(saved, to)):
            with pytest.raises(ArtefactError, match=rf"holds other things .*\({name}\); choose"):
                write(folder)
        assert names(folder) == sorted(["config.json", name])


def test_places_that_cannot_be_written(detector, saved, tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    for write in (detector.save_pretrained, lambda to: artefact_folder.publish(saved, to)):
        with pytest.raises(ArtefactError, match="cannot be a detector's folder"):
            write(file)
        with pytest.raises(ArtefactError, match=r"cannot be (written|published) to "):
            write(file / "model")
    assert file.read_text() == "mine"


def test_an_empty_folder_is_used(detector, tmp_path):
    (tmp_path / "model").mkdir()
    assert names(detector.save_pretrained(tmp_path / "model")) == FILES


# --- older formats --------------------------------------------------------------------------


@pytest.mark.parametrize("version", [2, 3])
def test_artefacts_of_older_formats_give_the_same_probabilities(version):
    loaded = TextDetector.from_pretrained(OLDER / f"format{version}")
    texts, _ = two_styles(40)
    recorded = json.loads((OLDER / "probabilities.json").read_text())[f"format{version}"]
    np.testing.assert_allclose(loaded.predict_proba(texts[:6])[:, 1], recorded, atol=1e-6)
    assert loaded.training_["n_human"] == 20
    assert (loaded.outlier_detector_ is None) == (version == 2)


@pytest.mark.parametrize("version", [2, 3])
def test_what_was_loaded_from_an_older_format_is_saved_in_the_newest(version, tmp_path):
    loaded = TextDetector.from_pretrained(OLDER / f"format{version}")
    folder = loaded.save_pretrained(tmp_path / "new")
    assert config_of(folder)["format_version"] == persistence.FORMAT_VERSION
    again = TextDetector.from_pretrained(folder)
    texts, _ = two_styles(10)
    assert again.assess(texts).equals(loaded.assess(texts))


def test_a_damaged_artefact_of_an_older_format_is_named(tmp_path):
    shutil.copytree(OLDER / "format3", tmp_path / "old")
    (tmp_path / "old" / "calibrator.json").write_text("{}")
    assert "calibrator.json is missing or not what was saved" in error_of(tmp_path / "old")


@pytest.fixture(scope="module")
def with_ngrams(tiny_gpt2):
    return small_detector(tiny_gpt2, ["contrast", "stylometry"])


def test_ngrams_have_a_file_of_their_own(with_ngrams, tmp_path):
    folder = with_ngrams.save_pretrained(tmp_path / "new")
    assert names(folder) == sorted([*FILES, persistence.NGRAMS_FILE])
    again = TextDetector.from_pretrained(folder)
    assert detector_sha256(again) == detector_sha256(with_ngrams)
    (folder / persistence.NGRAMS_FILE).unlink()
    assert "ngrams.safetensors is missing or not what was saved" in error_of(folder)


def test_format_4_had_ngrams_among_the_other_arrays(with_ngrams, tmp_path):
    files = with_ngrams.to_files()
    arrays = tensors.from_bytes(files["learned.safetensors"])
    arrays |= tensors.from_bytes(files.pop(persistence.NGRAMS_FILE))
    written = with_ngrams.save_pretrained(tmp_path / "new")
    kept = {name: (written / name).read_bytes() for name in FILES if name != "config.json"}
    kept["learned.safetensors"] = tensors.to_bytes(arrays)
    artefact_folder.write(tmp_path / "old", {**config_of(written), "format_version": 4}, kept)
    loaded = TextDetector.from_pretrained(tmp_path / "old")
    assert detector_sha256(loaded) == detector_sha256(with_ngrams)


# --- what shipped detectors share -----------------------------------------------------------


@pytest.fixture
def package(detector, tmp_path, monkeypatch):
    """A folder of shipped detectors with one detector."""
    monkeypatch.setattr(artefact_folder, "PRETRAINED", tmp_path / "shipped")
    detector.save_pretrained(tmp_path / "shipped" / "standard")
    return tmp_path / "shipped"


def test_shipped_detectors_share_a_file_that_is_the_same(package, detector):
    fast = detector.save_pretrained(package / "auto" / "first")
    (fast / "learned.safetensors").unlink()
    loaded = TextDetector.from_pretrained(fast)
    assert detector_sha256(loaded) == detector_sha256(detector)


def test_shipped_detectors_share_no_file_that_differs(package, detector):
    fast = detector.save_pretrained(package / "fast")
    (fast / "learned.safetensors").unlink()
    content = (package / "standard" / "learned.safetensors").read_bytes()
    (package / "standard" / "learned.safetensors").write_bytes(content + b"\n")
    assert str(fast / "learned.safetensors") in error_of(fast)


def test_a_detector_of_somebody_else_is_given_no_file_of_a_shipped_one(package, saved):
    (saved / "learned.safetensors").unlink()
    assert str(saved / "learned.safetensors") in error_of(saved)


# --- what cannot be loaded ------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in FILES if name != "config.json"])
def test_an_altered_or_missing_file_is_named(saved, name):
    content = (saved / name).read_bytes()
    (saved / name).write_bytes(content[:-2] + b"0\n")
    assert str(saved / name) in error_of(saved)
    (saved / name).unlink()
    assert f"{saved / name} is missing or not what was saved" in error_of(saved)


def test_a_file_that_nobody_vouches_for(saved):
    config = config_of(saved)
    del config["sha256"]["classifier.ubj"]
    (saved / "config.json").write_text(json.dumps(config))
    assert "classifier.ubj is missing or not what was saved" in error_of(saved)


def test_another_format_version(saved):
    config = config_of(saved)
    (saved / "config.json").write_text(json.dumps({**config, "format_version": 99}))
    assert "has format version 99, and this package reads 2 to 5" in error_of(saved)


@pytest.mark.parametrize("content", ["", "{", "[]", "7", "\xff"])
def test_a_config_that_is_none(saved, content):
    (saved / "config.json").write_bytes(content.encode("latin-1"))
    assert str(saved) in error_of(saved)


@pytest.mark.parametrize("missing", ["sha256", "model", "features", "training"])
def test_a_config_that_lacks_something(saved, missing):
    config = config_of(saved)
    del config[missing]
    (saved / "config.json").write_text(json.dumps(config))
    assert f"config.json lacks {missing}; train the detector again" in error_of(saved)


@pytest.mark.parametrize(
    ("part", "value"),
    [("extractor", {"colour": 1}), ("hyper_parameters", {"colour": 1}), ("families", [1])],
)
def test_a_config_of_other_settings(saved, part, value):
    config = {**config_of(saved), part: value}
    (saved / "config.json").write_text(json.dumps(config))
    assert "is not as it was saved" in error_of(saved)


def test_features_that_have_changed_since(saved):
    config = config_of(saved)
    for families, what in (
        ({**config["families"], "compression": 0}, "compression"),
        ({**config["families"], "telepathy": 1}, "telepathy"),
    ):
        (saved / "config.json").write_text(json.dumps({**config, "families": families}))
        assert f"other features than this package computes ({what})" in error_of(saved)
    features = [*config["features"][:-1], "renamed"]
    (saved / "config.json").write_text(json.dumps({**config, "features": features}))
    assert "(their names differ)" in error_of(saved)
    (saved / "config.json").write_text(json.dumps(config))
    assert "(their names differ)" in error_of(saved, families=["stylometry"])


def test_nothing_there(tmp_path):
    assert f"There is no detector in {tmp_path / 'no'} (no config.json)" in error_of(
        tmp_path / "no"
    )
    assert "There is no detector in telepathic" in error_of("telepathic")


def test_a_shipped_detector_has_a_name(saved, tmp_path, monkeypatch):
    shutil.copytree(saved, tmp_path / "shipped" / "small")
    monkeypatch.setattr(artefact_folder, "PRETRAINED", tmp_path / "shipped")
    assert TextDetector.from_pretrained("small").fpr == 0.1
    assert "use a shipped one (small)." in error_of(tmp_path / "no")


def test_threads_are_kept(saved):
    loaded = TextDetector.from_pretrained(saved)
    assert loaded.n_jobs == 1
    context = json.loads(loaded.booster_.save_config())["learner"]["generic_param"]
    assert context["nthread"] == "1"


def test_a_reader_meets_one_training_or_the_other_while_a_new_one_is_published(tmp_path):
    folders = [
        light_detector(n_estimators=5, random_state=seed)
        .fit(TEXTS, LABELS)
        .save_pretrained(tmp_path / str(seed))
        for seed in (0, 1)
    ]
    target = tmp_path / "published"
    artefact_folder.publish(folders[0], target)
    done = threading.Event()

    def publish_again_and_again():
        while not done.is_set():
            for folder in folders:
                artefact_folder.publish(folder, target)
                time.sleep(0.1)

    publisher = threading.Thread(target=publish_again_and_again)
    publisher.start()
    try:
        for _ in range(40):
            assert artefact_folder.exists(target)
            assert TextDetector.from_pretrained(target).random_state in (0, 1)
    finally:
        done.set()
        publisher.join()
