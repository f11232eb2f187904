"""`train` as its users run it."""

import pytest

from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.evaluation.metrics import METRIC_LABELS
from perplexity_detector.logs import LOG_FILE
from tests.asked import log_of, refused
from tests.labelled import SAMPLE, sample


def test_train_saves_publishes_and_prints(trained):
    folder, done = trained
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["out-of-fold", "test"]
    for line, name in zip(lines[1:], METRIC_LABELS.values(), strict=True):
        assert line.startswith(name)
    assert "Saved to model, published to data/model." in done.stderr
    assert "Traceback" not in done.stderr
    for place in ("model", "data/model"):
        loaded = TextDetector.from_pretrained(folder / place)
        assert loaded.extractor_.families == ["stylometry", "compression"]
    assert sorted(file.name for file in folder.iterdir()) == ["data", "model"]
    assert sorted(file.name for file in (folder / "data").iterdir()) == [
        ".published", LOG_FILE, "model",
    ]  # fmt: skip


def test_train_warns_of_what_48_texts_cannot_promise(trained):
    _, done = trained
    (sentence,) = [line for line in done.stderr.splitlines() if "too few" in line]
    assert sentence.startswith("20 texts by people are too few to promise")


def test_train_logs_command_timings_and_no_text(trained):
    log = log_of(trained[0])
    assert f"command: train --dataset={SAMPLE} " in log
    assert "--families=stylometry,compression" in log
    for what in ("features", "training", "measuring", "train"):
        assert f"{what}: started" in log
        assert f"{what}: finished after " in log
    assert "prohibition" not in log  # a word of the sample
    assert "prohibition" in SAMPLE.read_text(encoding="utf-8")


def test_train_with_options(here, tmp_path):
    data = sample().rename(
        columns={"id": "name", "text": "essay", "generated": "label", "prompt_id": "prompt"}
    )
    data.to_csv("essays.tsv", index=False, sep="\t")
    code, out, err = here(
        "train", "essays.tsv", "--families=compression", "--track=false", "--fpr=0.25", "--seed=3",
        "--max_words=50", "--per_group=8", "--id_column=name", "--text_column=essay",
        "--label-column=label", "--prompt_column=prompt",
    )  # fmt: skip
    assert (code, err) == (0, "Saved to model, published to data/model.\n")
    loaded = TextDetector.from_pretrained("model")
    assert (loaded.fpr, loaded.random_state) == (0.25, 3)
    assert loaded.training_["texts"] == 24
    assert loaded.training_["max_words"] == 50
    assert "AUROC" in out


@pytest.mark.parametrize("prompts", [[], ["--prompt_column=few"]])
def test_train_without_prompts_warns(here, prompts):
    data = sample().drop(columns="prompt_id")
    data["few"] = data.index % 4
    data.to_csv("essays.csv", index=False)
    code, _, err = here("train", "essays.csv", "--families=compression", "--track=False", *prompts)
    assert code == 0
    assert "no column of prompts or fewer than 5 of them" in err.splitlines()[0]


def test_train_does_not_replace_what_is_not_its_own(here, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "thesis.txt").touch()
    sentence = refused(here("train", SAMPLE, "--families=compression", "--track=False"))
    assert "model holds other things than a detector (thesis.txt)" in sentence
    assert "training: started" not in log_of(tmp_path)


def test_train_learns_from_auxiliary_texts_too(here, tmp_path):
    data = sample()
    data.assign(id="more " + data["id"].astype(str))[data["generated"] == 1].to_csv(
        "more.csv", index=False
    )
    code, _, _ = here(
        "train", SAMPLE, "--families=compression", "--track=false", "--auxiliary=more.csv",
    )  # fmt: skip
    assert code == 0
    loaded = TextDetector.from_pretrained("model")
    assert loaded.training_["texts"] == 40
    assert loaded.training_["n_not_calibrating"] > 24
    sentence = refused(here("train", SAMPLE, "--track=False", "--auxiliary=missing.csv"))
    assert "missing.csv" in sentence
