"""Each notebook runs on the sample from end to end; as committed, it holds nothing of a run."""

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

from tests.labelled import sample
from tests.paths import ROOT

NOTEBOOKS = ROOT / "notebooks"
#: Notebook -> the cells that show a picture.
PICTURES = {
    "baseline": {"lengths", "scores", "roc", "calibration", "terms", "rules"},
    "kaggle": set(),
    "neural": {"lengths", "scores", "roc", "calibration", "sentences"},
    "detector": {"lengths", "scores", "roc", "calibration", "lengths-thresholds", "families",
                 "importance", "contributions"},
}  # fmt: skip


def read(name):
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def test_every_notebook_is_known():
    assert {notebook.stem for notebook in NOTEBOOKS.glob("*.ipynb")} == set(PICTURES)


@pytest.mark.parametrize("name", PICTURES)
def test_as_committed_it_is_valid_and_holds_nothing_of_a_run(name):
    notebook = read(name)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code[0].id == "parameters"
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert not any("execution" in cell.metadata for cell in notebook.cells)


@pytest.mark.parametrize(
    ("name", "folder", "essays"),
    [("baseline", ".", 48), ("neural", "notebooks", 48), ("detector", "notebooks", 24)],
)
def test_it_runs_on_the_sample(name, folder, essays, tmp_path, monkeypatch, smollm2_folder):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    for place in ("notebooks", "data/sample"):
        (tmp_path / place).mkdir(parents=True)
    texts = sample().head(essays)
    texts.to_csv(tmp_path / "data" / "sample" / "essays.csv", index=False)
    # as Kaggle has it, without labels; and a row without text
    asked = texts.drop(columns="generated").tail(5)
    asked.iloc[2, asked.columns.get_loc("text")] = ""
    asked.to_csv(tmp_path / "data" / "asked.csv", index=False)

    notebook = read(name)
    parameters = next(cell for cell in notebook.cells if cell.id == "parameters")
    parameters.source += '\nTO_SCORE = ROOT / "data/asked.csv"'
    where = {"metadata": {"path": str(tmp_path / folder)}}
    NotebookClient(notebook, timeout=600, startup_timeout=120, resources=where).execute()

    submission = pd.read_csv(tmp_path / "data" / "submission.csv")
    assert list(submission.columns) == ["id", "generated"]
    assert submission["id"].tolist() == asked["id"].tolist()
    assert submission["generated"].between(0, 1).all()
    assert submission["generated"][2] == 0.5
    outputs = [(cell.id, output) for cell in notebook.cells for output in cell.get("outputs", [])]
    assert {cell for cell, output in outputs if "image/png" in output.get("data", {})} == PICTURES[
        name
    ]
    assert not [output for _, output in outputs if output.output_type in ("error", "stream")]
