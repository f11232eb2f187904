import logging
import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplexity_detector.detectors.cascade import CascadeDetector
from perplexity_detector.detectors.loading import (
    PUBLISHED,
    load_detector,
    publish,
)
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.errors import ArtefactError, DatasetError
from perplexity_detector.evaluation.measure import measure
from perplexity_detector.evaluation.metrics import METRIC_LABELS
from perplexity_detector.io import artefact_folder
from perplexity_detector.pipelines.evaluate import score_labelled
from perplexity_detector.pipelines.publish import train_and_publish
from perplexity_detector.pipelines.train import split_of, train
from perplexity_detector.sampling.splits import MIN_PROMPTS, assign_splits
from perplexity_detector.text import words
from tests.labelled import light_detector, sample, two_styles


def two_style_frame(texts=200):
    written, labels = two_styles(texts)
    return pd.DataFrame(
        {"id": [f"t{number}" for number in range(texts)], "text": written, "generated": labels}
    )


@pytest.fixture
def warned(caplog):
    caplog.set_level(logging.WARNING)
    return lambda: [record.getMessage() for record in caplog.records]


# --- splits ---------------------------------------------------------------------------------


@settings(deadline=None)
@given(rows=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)), min_size=1, max_size=80))
def test_rows_of_a_prompt_stay_together(rows):
    ids, prompts = (pd.Series(column) for column in zip(*rows, strict=True))
    splits = assign_splits(ids, prompts)
    together = prompts if prompts.nunique() >= MIN_PROMPTS else ids
    assert (pd.Series(splits).groupby(together.to_numpy()).nunique() == 1).all()
    assert set(splits) <= {"train", "valid", "test"}


def test_splits_of_the_dataset_are_kept(warned):
    frame = two_style_frame(60).assign(split=["test", "train", "valid"] * 20)
    assert split_of(frame).tolist() == frame["split"].tolist()
    assert warned() == []
    # two of three are not enough
    assert set(split_of(frame.assign(split="train"))) == {"train", "valid", "test"}


def test_a_split_by_prompt_needs_no_warning(warned):
    splits = pd.Series(split_of(sample()))
    assert splits.groupby(sample()["prompt_id"]).nunique().tolist() == [1] * 12
    assert warned() == []


@pytest.mark.parametrize("prompts", [None, "one", "four"])
def test_few_prompts_are_warned_of(prompts, warned):
    frame = sample().drop(columns="prompt_id")
    if prompts:
        frame["prompt_id"] = "p" if prompts == "one" else frame.index.to_series() % 4
    assert pd.Series(split_of(frame)).value_counts().to_dict() == {
        "train": 28, "valid": 10, "test": 10
    }  # fmt: skip
    (sentence,) = warned()
    assert "no column of prompts or fewer than 5 of them" in sentence
    assert "metrics on new topics will be lower" in sentence


# --- training -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained():
    frame = two_style_frame().assign(source=["odd", "even", "even", "odd"] * 50)
    return train(frame, light_detector(fpr=0.1), max_words=35)


def test_a_training_leaves_a_measured_detector(trained):
    detector, predictions = trained.detector, trained.predictions
    assert list(predictions.columns) == [
        "split", "source", "generated", "probability", "flagged"
    ]  # fmt: skip
    assert predictions["split"].value_counts().to_dict() == {"out-of-fold": 160, "test": 40}
    assert detector.training_["texts"] == 160
    assert 30 < detector.training_["n_not_calibrating"] < 80
    assert detector.training_["sources"] == ["even", "odd"]
    assert detector.training_["max_words"] == 35
    measured = detector.metrics_
    assert list(measured["splits"]) == ["out-of-fold", "test"]
    test = predictions[predictions["split"] == "test"]
    people = test[test["generated"] == 0]
    real = float((people["probability"] >= detector.calibrator_.threshold_at(0.1)).mean())
    assert people["flagged"].mean() == real
    assert measured["splits"]["test"]["fpr"][0] == real
    assert measured["fpr"] == 0.1
    assert set(measured["sources"]["test"]) == {"even", "odd"}
    assert measured["splits"]["test"]["auroc"][0] > 0.7


def test_test_texts_are_not_trained_on(trained):
    fitted = trained.predictions[trained.predictions["split"] == "out-of-fold"]
    calibrator = trained.detector.calibrator_
    for label, kept in ((0, calibrator.human_scores), (1, calibrator.generated_scores)):
        np.testing.assert_allclose(
            kept, np.sort(fitted.loc[fitted["generated"] == label, "probability"])
        )


def test_texts_are_cut_to_whole_sentences(monkeypatch):
    seen = []
    frame = sample()
    inside = light_detector(n_estimators=2)
    documents = type(inside.extractor).read_documents

    def spied(self, texts):
        seen.extend(texts)
        return documents(self, texts)

    monkeypatch.setattr(type(inside.extractor), "read_documents", spied)
    train(frame, inside, max_words=60)
    assert 48 < len(set(seen)) < 70  # some again in disguise; some again, to time them
    assert max(len(words(text)) for text in seen) <= 60
    assert min(len(words(text)) for text in seen) > 15
    assert "**" not in "".join(seen)
    seen.clear()
    train(frame, light_detector(n_estimators=2), max_words=None)
    assert max(len(words(text)) for text in seen) > 200


def test_samples_are_limited():
    counts = (
        train(two_style_frame(), light_detector(n_estimators=2), per_group=20,
              per_group_held_out=5)
        .predictions.groupby(["split", "generated"])
        .size()
    )  # fmt: skip
    assert counts.to_dict() == {
        ("out-of-fold", 0): 25, ("out-of-fold", 1): 25, ("test", 0): 5, ("test", 1): 5,
    }  # fmt: skip


def test_a_split_without_one_of_the_classes():
    frame = two_style_frame(30).assign(split=["train", "valid", "test"] * 10)
    frame.loc[frame["split"] == "test", "generated"] = 1
    with pytest.raises(DatasetError, match="The test split has 10 texts, and not both classes"):
        train(frame, light_detector())
    with pytest.raises(DatasetError, match=r"(has|have) [123] texts, and not both classes"):
        train(two_style_frame(4), light_detector())


def test_measures_by_hand():
    predictions = pd.DataFrame(
        {
            "split": ["valid"] * 4 + ["test"] * 4,
            "source": ["a"] * 6 + ["b"] * 2,
            "generated": [0, 0, 1, 1, 0, 1, 1, 1],
            "probability": [0.1, 0.6, 0.7, 0.9, 0.5, 0.9, 0.2, 0.8],
            "flagged": [False, False, True, True, False, True, False, True],
        }
    )
    measured = measure(predictions, 0.05)
    valid = measured["splits"]["valid"]
    assert set(valid) == set(METRIC_LABELS)
    assert valid["auroc"][0] == 1
    assert valid["fpr"][0] == 0
    assert valid["tpr"][0] == 1
    assert valid["brier"][0] == pytest.approx((0.01 + 0.36 + 0.09 + 0.01) / 4)
    test = measured["splits"]["test"]
    assert test["auroc"][0] == pytest.approx(2 / 3)
    assert test["tpr"][0] == pytest.approx(2 / 3)
    low, high = test["tpr"][1:]
    assert 0 < low < 2 / 3 < high < 1
    assert measured["sources"]["test"]["b"]["auroc"] is None  # no text by a person
    assert measured["sources"]["test"]["b"]["tpr"] == 0.5
    assert measured["fpr"] == 0.05


# --- publishing ----------------------------------------------------------------------------


def test_a_rate_that_cannot_be_kept_is_warned_of(tmp_path, warned):
    settings = {"max_words": None, "seed": 0}
    places = tmp_path / "model", tmp_path / "data"
    train_and_publish(two_style_frame(), light_detector(fpr=0.1), settings, *places)
    assert [sentence for sentence in warned() if "too few to promise" in sentence] == []
    train_and_publish(two_style_frame(), light_detector(fpr=0.01), settings, *places)
    sentence = warned()[-1]
    assert "76 texts by people are too few to promise a false-positive rate of 0.01" in sentence
    assert "or a higher rate" in sentence
    assert TextDetector.from_pretrained(tmp_path / "data" / "model").fpr == 0.01


@pytest.mark.parametrize("place", ["model", "data/model"])
def test_a_path_that_exists_is_an_error_before_training(place, tmp_path):
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / "mine.txt").touch()
    untouched = light_detector()
    with pytest.raises(ArtefactError, match=r"holds other things .*\(mine.txt\)"):
        train_and_publish(two_style_frame(), untouched, {}, tmp_path / "model", tmp_path / "data")
    assert not hasattr(untouched, "booster_")


def test_the_published_detector_is_used_and_else_the_shipped_one(
    trained, tmp_path, monkeypatch, warned
):
    trained.detector.save_pretrained(tmp_path / "shipped" / "standard")
    trained.detector.save_pretrained(tmp_path / "shipped" / artefact_folder.CASCADE_FIRST)
    monkeypatch.setattr(artefact_folder, "PRETRAINED", tmp_path / "shipped")
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "data"
    shipped = load_detector(data)
    assert isinstance(shipped, CascadeDetector)
    assert shipped.fpr == 0.1
    (sentence,) = warned()
    assert "There is no detector in" in sentence
    assert "the shipped one is used" in sentence

    other = light_detector(fpr=0.2, n_estimators=2).fit(*two_styles(60))
    other.save_pretrained(data / PUBLISHED)
    assert load_detector(data).fpr == 0.2
    assert load_detector(data, "standard").fpr == 0.1
    assert load_detector(data, lm="elsewhere", fpr=0.3).fpr == 0.3
    assert load_detector(data, lm="elsewhere").extractor_.lm == "elsewhere"
    assert len(warned()) == 1


def test_the_shipped_detector_does_not_replace_a_published_one_that_is_lost(trained, tmp_path):
    data = tmp_path / "data"
    publish(trained.detector.save_pretrained(tmp_path / "model"), data)
    shutil.rmtree(data / PUBLISHED)
    with pytest.raises(ArtefactError, match="missing or incomplete"):
        load_detector(data)


def test_labelled_rows_are_scored(trained):
    frame = two_style_frame(40).assign(split=["valid", "test"] * 20)
    scored = score_labelled(frame, trained.detector)
    np.testing.assert_array_equal(
        scored["probability"], trained.detector.predict_proba(frame["text"])[:, 1]
    )
    test = score_labelled(frame, trained.detector, split="test")
    assert test["id"].tolist() == frame["id"][1::2].tolist()
    cut = score_labelled(frame, trained.detector, max_words=20)
    assert (cut["probability"] != scored["probability"]).any()
    for rows, split in ((frame, "train"), (frame.drop(columns="split"), "test")):
        with pytest.raises(DatasetError, match=rf"No row has '{split}' in a column `split`"):
            score_labelled(rows, trained.detector, split=split)


def test_auxiliary_texts_are_learned_from_and_measured_nowhere(trained):
    frame = two_style_frame().assign(source=["odd", "even", "even", "odd"] * 50)
    auxiliary = frame[frame["generated"] == 1].head(30)
    ids = [f"auxiliary-{i}" for i in auxiliary["id"]]
    auxiliary = auxiliary.assign(id=ids, source="auxiliary")
    more = train(frame, light_detector(fpr=0.1), max_words=35, auxiliary=auxiliary)
    before, after = trained.detector, more.detector
    assert after.training_["texts"] == before.training_["texts"]
    assert after.training_["n_not_calibrating"] == before.training_["n_not_calibrating"] + 30
    assert "auxiliary" not in after.training_["sources"]
    assert len(after.calibrator_.human_scores) == len(before.calibrator_.human_scores)
    assert len(after.calibrator_.generated_scores) == len(before.calibrator_.generated_scores)
    assert len(more.predictions) == len(trained.predictions)
    assert not np.array_equal(more.predictions["probability"], trained.predictions["probability"])


# --- what was learned from -------------------------------------------------------------------


def test_the_card_lists_each_source_with_its_texts_and_licence(tmp_path):
    frame = two_style_frame(120)
    licence_of = {"alpha": "MIT", "beta": None}
    sources = pd.Series(["alpha" if number % 3 == 0 else "beta" for number in range(120)])
    frame = frame.assign(source=sources, licence=sources.map(licence_of))
    detector = train(frame, light_detector(), augmentation_rate=0).detector
    listed = detector.training_["texts_by_source"]
    assert [row["source"] for row in listed] == ["alpha", "beta"]
    assert sum(row["human"] + row["generated"] for row in listed) == detector.training_["texts"]
    card = (detector.save_pretrained(tmp_path / "saved") / "README.md").read_text()
    alpha, beta = listed
    assert f"| alpha | {alpha['human']} | {alpha['generated']} | MIT |" in card
    assert f"| beta | {beta['human']} | {beta['generated']} | - |" in card


def test_a_dataset_without_sources_lists_none():
    detector = train(two_style_frame(120), light_detector(), augmentation_rate=0).detector
    assert detector.training_["texts_by_source"] == []
