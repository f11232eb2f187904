"""Learned families, from texts to predictions: nothing leaks, nothing is lost on the way."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from perplexity_detector.command_line import My_TextClassifier_Model
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.errors import InputError
from perplexity_detector.evaluation.metrics import auroc
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.text import crop
from tests.labelled import SAMPLE, sample

LEARNED = ["contrast", "representation"]


@pytest.fixture(scope="module")
def texts():
    return [crop(text, 40) for text in sample()["text"]]


@pytest.fixture(scope="module")
def labels():
    return sample()["generated"].to_numpy()


def extractor_of(lm, **settings):
    return FeatureExtractor(families=LEARNED, lm=str(lm), **settings)


def small_detector(extractor):
    return TextDetector(extractor, n_estimators=20, learning_rate=0.2, n_jobs=1)


def test_a_family_that_is_not_fitted_is_refused(tiny_llama):
    with pytest.raises(NotFittedError, match="Family contrast is not fitted: call fit"):
        extractor_of(tiny_llama).transform(["One text."])
    with pytest.raises(InputError, match="Family contrast is learned: it needs texts and labels"):
        extractor_of(tiny_llama).fit()


def test_fit_transform_returns_out_of_fold_features(tiny_llama, texts, labels):
    extractor = extractor_of(tiny_llama)
    crossed = extractor.fit_transform(texts, labels)
    seen = extractor.transform(texts)
    assert crossed.shape == seen.shape == (len(texts), len(extractor.get_feature_names_out()))
    mean = list(extractor.get_feature_names_out()).index("contrast_mean")
    assert auroc(labels, seen[:, mean]) > 0.99  # in-sample
    assert auroc(labels, crossed[:, mean]) < auroc(labels, seen[:, mean])


def test_shuffled_labels_lead_nowhere(tiny_llama):
    draw = np.random.default_rng(0)
    vocabulary = [f"w{number}" for number in range(300)]
    written = [" ".join(draw.choice(vocabulary, 40)) + "." for _ in range(700)]
    shuffled = draw.permutation(np.arange(700) % 2)
    known = np.arange(700) < 300
    extractor = FeatureExtractor([*LEARNED, "stylometry", "compression"], lm=str(tiny_llama))
    detector = small_detector(extractor)
    detector.fit([written[i] for i in np.flatnonzero(known)], shuffled[known])
    unseen = detector.predict_proba([written[i] for i in np.flatnonzero(~known)])[:, 1]
    # of 400 texts at chance, the AUROC has a standard deviation of .029
    assert abs(auroc(shuffled[~known], unseen) - 0.5) < 0.1
    crossed = extractor.fit_transform([written[i] for i in np.flatnonzero(known)], shuffled[known])
    for column in crossed.T:  # as many columns as it has, so four standard deviations
        assert abs(auroc(shuffled[known], column) - 0.5) < 4 * 0.034


@pytest.mark.parametrize("depth", [1.0, 0.5])
def test_a_saved_detector_predicts_the_same(tiny_gpt2, texts, labels, tmp_path, depth):
    detector = small_detector(extractor_of(tiny_gpt2, depth=depth)).fit(texts, labels)
    loaded = TextDetector.from_pretrained(detector.save_pretrained(tmp_path / "model"))
    assert (loaded.predict_proba(texts) == detector.predict_proba(texts)).all()
    pd.testing.assert_frame_equal(loaded.assess(texts), detector.assess(texts))
    assert (loaded.assess(texts)["tokens"] > 0).all()
    assert loaded.extractor_.depth == depth


def test_a_shallow_pass_has_no_statistics(tiny_llama):
    with pytest.raises(InputError, match=r"Family rank needs the whole model: .* set depth=1"):
        FeatureExtractor(["rank"], lm=str(tiny_llama), depth=0.5).transform(["One text."])
    given = FeatureExtractor(lm=str(tiny_llama), depth=0.5)
    assert {name.split("_")[0] for name in given.get_feature_names_out()} == {
        "stylometry", "compression",
    }  # fmt: skip


@pytest.mark.parametrize("depth", [0, -1, 1.5, True, "half", None])
def test_a_depth_is_a_share(depth):
    with pytest.raises(InputError, match=f"share of the model's blocks, such as 0.5, not {depth}"):
        FeatureExtractor(depth=depth).transform(["One text."])


def test_the_cache_makes_no_difference_but_rounding(tiny_llama, texts, labels, tmp_path):
    plain = extractor_of(tiny_llama).fit_transform(texts, labels)
    cached = [
        extractor_of(tiny_llama, cache=str(tmp_path)).fit_transform(texts, labels) for _ in range(2)
    ]
    assert (cached[0] == cached[1]).all()
    assert cached[0] == pytest.approx(plain, abs=0.05)


def test_a_text_in_capitals_contrasts_as_in_small_letters(tiny_llama, texts, labels):
    extractor = FeatureExtractor(["contrast"], lm=str(tiny_llama)).fit(texts, labels)
    assert (
        extractor.transform([texts[0].upper()]) == extractor.transform([texts[0].lower()])
    ).all()


@pytest.mark.parametrize("depth", [1.0, 0.5])
def test_training_on_any_model_leads_to_a_detector_that_predicts(tiny_gpt2, tmp_path, depth):
    commands = My_TextClassifier_Model(str(tmp_path))
    commands.train(str(SAMPLE), lm=str(tiny_gpt2), fpr=0.3, depth=depth, track=False)
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["extractor"]["depth"] == depth
    assert {"contrast", "representation"} < set(config["families"])
    assert ("rank" in config["families"]) == (depth == 1)
    card = (tmp_path / "model" / "README.md").read_text()
    assert "texts a second" in card
    assert ("without perplexity, rank" in card) == (depth < 1)
    commands.predict(str(SAMPLE), details=True)
    results = pd.read_csv(tmp_path / "data" / "results.csv")
    assert results["generated"].between(0, 1).all()
    assert (results["tokens"] > 0).all()
    assert results["why"].str.len().gt(0).all()


@pytest.mark.parametrize("name", ["standard", "fast"])
def test_shipped_detectors_part_the_sample(smollm2_folder, texts, labels, name):
    detector = TextDetector.from_pretrained(name)
    assert auroc(labels, detector.predict_proba(texts)[:, 1]) > 0.9
