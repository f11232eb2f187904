"""The commands with a baseline, in a shell."""

import os
import subprocess
import sys

import pandas as pd
import pytest

from perplexity_detector.classifier.base import CalibratedClassifier
from tests.labelled import SAMPLE, sample
from tests.paths import ROOT

MODEL = ROOT / "model.py"


def run(*arguments, cwd):
    return subprocess.run(
        [sys.executable, str(MODEL), *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfidf")
    done = run("train", SAMPLE, "--model=tfidf", "--fpr=0.1", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, done


def test_train_saves_publishes_and_tracks(trained):
    folder, done = trained
    assert done.stdout.splitlines()[0].split() == ["out-of-fold", "test"]
    assert "Traceback" not in done.stderr
    for place in ("model", "data/model"):
        assert CalibratedClassifier.from_pretrained(folder / place).name == "tfidf"
    assert (folder / "data" / "mlflow.db").is_file()
    assert {file.name for file in (folder / "data" / "mlartifacts").rglob("*.png")} == {
        "roc.png", "calibration.png", "scores.png"
    }  # fmt: skip


def test_predict_and_evaluate_with_what_was_published(trained):
    folder, _ = trained
    done = run("predict", SAMPLE, "--details", cwd=folder)
    assert done.returncode == 0, done.stderr
    results = pd.read_csv(folder / "data" / "results.csv", keep_default_na=False)
    assert results["id"].tolist() == sample()["id"].tolist()
    right = (results["generated"] > 0.5) == sample()["generated"].astype(bool)
    assert right.mean() > 0.9
    assert results["why"].str.startswith('"').all()
    done = run("evaluate", SAMPLE, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "AUROC" in done.stdout


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--model=tfidf", "--lm=gpt2"], "lm does not apply to the model tfidf: --lm is for "),
        (["--model=binoculars"], "name the second with --performer"),
    ],
)
def test_options_that_do_not_fit(options, sentence, tmp_path):
    done = run("train", SAMPLE, *options, cwd=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "model").exists()
