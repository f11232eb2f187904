"""What holds of each model that the registry knows, however it works."""

import json

import numpy as np
import pytest
from sklearn.base import clone

from perplexity_detector.classifier import persistence
from perplexity_detector.classifier.base import CalibratedClassifier
from perplexity_detector.detectors.registry import CLASSES, make_detector
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.errors import ArtefactError, InputError
from perplexity_detector.evaluation.metrics import auroc
from tests.labelled import two_styles

NAMES = list(CLASSES)
LEARNING = ["rules", "tfidf", "encoder", "first_layers", "diveye", "gltr", "repreguard"]
NEURAL = ["encoder", "first_layers"]
NEW, _ = two_styles(12, seed=1)
ODD = ["", "😀" * 30, "\ud800", "<|endoftext|> [SEP]", "word " * 10_000, "a"]


@pytest.mark.parametrize("name", NAMES)
def test_a_loaded_detector_predicts_the_same(name, fitted, tmp_path):
    model = fitted(name)
    folder = model.save_pretrained(tmp_path / "model")
    # what was cached went through half precision
    loaded = CalibratedClassifier.from_pretrained(folder, cache=model.extractor_.cache)
    assert type(loaded) is CLASSES[name]
    # a network's sums can be taken in another order
    np.testing.assert_allclose(
        loaded.predict_proba(NEW), model.predict_proba(NEW), rtol=0, atol=1e-6
    )
    assert loaded.predict(NEW).tolist() == model.predict(NEW).tolist()
    assert loaded.assess(NEW)["why"].tolist() == model.assess(NEW)["why"].tolist()
    assert {**loaded.get_params(), "extractor": None}.keys() >= {"fpr", "random_state"}
    assert loaded.training_ == model.training_
    again = loaded.save_pretrained(tmp_path / "again")
    assert json.loads((again / "config.json").read_text()) == json.loads(
        (folder / "config.json").read_text()
    )


def test_the_number_of_trees_is_that_of_the_booster(fitted):
    model = fitted("diveye")
    assert model.training_["trees"] == len(model.fitted_["booster"].get_dump())


@pytest.mark.parametrize("name", NAMES)
def test_an_artefact_is_plain_files_with_their_hashes(name, fitted, tmp_path):
    folder = fitted(name).save_pretrained(tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    assert config["model"] == name
    assert config["format_version"] == persistence.FORMAT_VERSION
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert set(files) == {"config.json", *config["sha256"]}
    own = CLASSES[name].artefact_files
    assert set(files) == {*own, "config.json", "calibrator.json", "metrics.json", "README.md"}
    pickles = tuple(b"\x80" + bytes([protocol]) for protocol in range(2, 6))
    assert not any(content.startswith((*pickles, b"PK")) for content in files.values())
    assert str(tmp_path) not in files["config.json"].decode()
    kept = next(iter(CLASSES[name].artefact_files), "calibrator.json")
    (folder / kept).write_bytes(files[kept][:-1] + b"?")
    with pytest.raises(ArtefactError, match=f"{kept} is missing or not what was saved"):
        CalibratedClassifier.from_pretrained(folder)


@pytest.mark.parametrize("name", NAMES)
def test_odd_texts_have_finite_margins(name, fitted):
    model = fitted(name)
    assert np.isfinite(model.decision_function(ODD)).all()
    assessed = model.assess(ODD)
    assert assessed["probability"].between(0, 1).all()
    assert assessed["verdict"][0] == "uncertain"
    assert model.assess([]).empty


@pytest.mark.parametrize("name", NAMES)
def test_settings_are_scikit_learns(name, small):
    model = small(name, random_state=3)
    copy = clone(model)
    assert copy.get_params(deep=False).keys() == model.get_params(deep=False).keys()
    assert (copy.random_state, copy.fpr) == (3, 0.1)
    assert type(copy.new_extractor()) is CLASSES[name].extractor_class
    assert type(CLASSES[name]().new_extractor()) is CLASSES[name].extractor_class


@pytest.mark.parametrize("name", LEARNING)
def test_baselines_separate_two_styles(name, fitted):
    texts, labels = two_styles(60, seed=2, mixed=0.1)
    assert auroc(np.array(labels), fitted(name).decision_function(texts)) > 0.7


@pytest.mark.parametrize("name", LEARNING)
def test_shuffled_labels_teach_nothing(name, small):
    texts, labels = two_styles(120)
    shuffled = np.random.default_rng(0).permutation(labels)
    scores = small(name).fit(texts, shuffled).oof_probabilities_
    known = np.isfinite(scores)
    assert known.all() != (name in NEURAL)
    if name in NEURAL:
        assert known.sum() == 24
    assert 0.2 < auroc(shuffled[known], scores[known]) < 0.8


def test_networks_can_score_every_fold(small):
    texts, labels = two_styles(20)
    model = small("encoder", epochs=1).set_params(n_scored_folds=None)
    assert np.isfinite(model.fit(texts, labels).oof_probabilities_).all()


def test_a_folder_of_another_class_is_refused(fitted, tmp_path):
    folder = fitted("tfidf").save_pretrained(tmp_path / "model")
    with pytest.raises(ArtefactError, match="holds the model tfidf; load it with Tfidf"):
        TextDetector.from_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model": "oracle"}))
    with pytest.raises(ArtefactError, match="holds a model 'oracle' that this package does not"):
        CalibratedClassifier.from_pretrained(folder)


def test_a_model_takes_the_place_of_another(fitted, tmp_path):
    for name in ("tfidf", "encoder", "rules", "detector"):
        fitted(name).save_pretrained(tmp_path / "model")
        loaded = CalibratedClassifier.from_pretrained(tmp_path / "model")
        assert loaded.name == name
    assert not (tmp_path / "model" / "vocabulary.json").exists()


@pytest.mark.parametrize(
    ("name", "settings", "sentence"),
    [
        ("oracle", {}, "There is no model 'oracle': choose from detector, rules, tfidf, "),
        ("tfidf", {"lm": "gpt2"}, "lm does not apply to the model tfidf: lm is for detector, "),
        (
            "rules",
            {"epochs": 2},
            "epochs does not apply to the model rules: epochs is for ",
        ),
        ("lrr", {"families": ["rank"]}, "families does not apply to the model lrr: .* detector."),
        ("lrr", {"depth": 0.5}, "depth does not apply to the model lrr: depth is for detector."),
        ("detector", {"performer": "a"}, "performer does not .*: performer is for binoculars."),
        ("encoder", {"colour": 1}, "leave out colour; no model has it."),
        ("detector", {"families": ["no"]}, "There is no feature family 'no'; choose from"),
    ],
)
def test_settings_that_do_not_fit(name, settings, sentence):
    with pytest.raises(InputError, match=sentence):
        make_detector(name, **settings)


def test_a_model_reads_no_more_than_it_needs(tiny_gpt2):
    for name in ("log_likelihood", "log_rank", "entropy", "lrr", "fast_detect_gpt", "lastde"):
        extractor = make_detector(name, lm=str(tiny_gpt2)).new_extractor()
        assert [family.name for family in extractor.chosen_families()] == list(
            CLASSES[name].families
        )
        (document,) = extractor.read_documents(["A few words."])
        assert len(document.statistics)
        assert not document.states.tokens.size
    for name in ("rules", "tfidf", "encoder", "first_layers"):
        assert not make_detector(name).new_extractor().reads_tokens()
