"""Kaggle's notebook: its cells here, and in a fresh environment that has nothing but the wheels."""

import runpy
import sys

import nbformat
import numpy as np
import pandas as pd
import pytest

from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.evaluation.metrics import auroc
from tests.labelled import SAMPLE, sample
from tests.paths import ROOT


def cells(*left_out):
    """The code of the notebook as a program, without some cells."""
    notebook = nbformat.read(ROOT / "notebooks" / "kaggle.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert {*left_out} <= {cell.id for cell in code}
    return "\n\n".join(cell.source for cell in code if cell.id not in left_out)


@pytest.fixture
def competition(tmp_path):
    """As the competition mounts it: essays with its columns, among them its placeholder."""
    essays = sample().groupby("generated").head(2)[["id", "prompt_id", "text"]]
    more = [{"id": "0000aaaa", "prompt_id": "2", "text": "Aaa bbb ccc."}, {"id": "1e5"}]
    essays = pd.concat([essays, pd.DataFrame(more)], ignore_index=True)
    essays.to_csv(tmp_path / "test_essays.csv", index=False)
    return tmp_path


@pytest.fixture
def run_here(competition, monkeypatch):
    """Runs the cells but the installation with these variables; gives the submission."""
    monkeypatch.chdir(competition)

    def run(**variables):
        for name, value in {**variables, "COMPETITION": str(competition)}.items():
            monkeypatch.setenv(name, value)
        exec(cells("install"), {})
        return pd.read_csv(competition / "submission.csv", dtype={"id": str})

    return run


def check(submission, competition):
    asked = pd.read_csv(competition / "test_essays.csv", dtype={"id": str})
    assert list(submission.columns) == ["id", "generated"]
    assert submission["id"].tolist() == asked["id"].tolist()
    assert np.isfinite(submission["generated"]).all()
    assert submission["generated"].nunique() >= len(asked) - 1


def test_the_cells_load_a_detector_and_write_a_submission(competition, run_here, smollm2_folder):
    submission = run_here(DETECTOR="fast")
    check(submission, competition)
    texts = pd.read_csv(competition / "test_essays.csv")["text"].fillna("")
    scores = TextDetector.from_pretrained("fast").decision_function(texts)
    np.testing.assert_allclose(submission["generated"], scores, atol=1e-4)


def test_the_cells_train_a_model_and_write_a_submission(competition, run_here):
    submission = run_here(TRAINING=str(SAMPLE), MODEL="tfidf")
    check(submission, competition)
    labelled = submission.merge(sample(), on="id", suffixes=("", "_truth"))
    assert auroc(labelled["generated_truth"].to_numpy(), labelled["generated"].to_numpy()) == 1


def test_the_cells_run_in_a_fresh_environment_without_network(
    wheelhouse, room, offline, competition
):
    offline(sys.executable, "-m", "venv", room / "kaggle")
    python = room / "kaggle" / "bin" / "python"
    paths = {"WHEELS": str(wheelhouse), "COMPETITION": str(competition)}
    offline(python, "-c", cells(), **paths, SUBMISSION=str(competition / "submission.csv"))
    check(pd.read_csv(competition / "submission.csv", dtype={"id": str}), competition)
    where = offline(python, "-c", "import perplexity_detector as p; print(p.__file__)").strip()
    assert where.startswith(str(room))


def test_what_goes_with_torch():
    wheels = [
        "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl",
        "triton-3.5.1-cp311-cp311-manylinux_2_27_x86_64.whl",
        "nvidia_cublas-13.1.0-py3-none-manylinux_2_27_x86_64.whl",
        "cuda_bindings-13.0.3-cp311-cp311-manylinux_2_24_x86_64.whl",
        "nvidia_nccl_cu12-2.32.3-py3-none-manylinux_2_27_x86_64.whl",
        "xgboost-3.2.0-py3-none-manylinux_2_28_x86_64.whl",
        "perplexity_detector-0.3.0-py3-none-any.whl",
    ]
    script = runpy.run_path(str(ROOT / "scripts" / "kaggle.py"))
    found = [bool(script["TORCH"].match(name)) for name in wheels]
    assert found == [True] * 4 + [False] * 3
    with pytest.raises(SystemExit, match="Usage"):
        script["main"]("some.whl", "folder", "--torch=no")
