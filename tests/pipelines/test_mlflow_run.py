import json
import os
import shutil
import sqlite3
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.errors import TrackingError
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.pipelines.mlflow_run import flat_metrics, log_run
from perplexity_detector.pipelines.train import train
from tests.paths import ROOT

with_mlflow = pytest.mark.skipif(find_spec("mlflow") is None, reason="MLflow is an extra")
SAMPLE = pd.read_csv(ROOT / "data" / "sample" / "essays.csv")

# an audit hook sees every connection, whichever library opens it; it also writes, for what it
# raises in a thread of a library can be lost
TRACK = """
import json, sys
from pathlib import Path
import pandas as pd

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        sys.stderr.write(f"{event} {arguments}\\n")
        raise OSError(event)

sys.addaudithook(refuse)
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.pipelines.mlflow_run import log_run

folder, predictions, parameters, store = sys.argv[1:]
detector = TextDetector.from_pretrained(folder)
print(log_run(
    detector, Path(folder), pd.read_csv(predictions, keep_default_na=False),
    json.loads(parameters), detector.metrics_, store=Path(store), run_name="first",
))
"""


class Tracked:
    """A training that another process has tracked, and what that process printed."""

    def __init__(self, folder: Path) -> None:
        detector = TextDetector(
            FeatureExtractor(families=["stylometry", "compression"]), min_child_weight=0.1, n_jobs=1
        )
        sources = np.where(np.arange(len(SAMPLE)) % 2, "r/even", "odd")
        self.trained = train(SAMPLE.assign(source=sources), detector)
        self.detector = detector
        self.model = detector.save_pretrained(folder / "model")
        self.store = folder / "data"
        self.uri = f"sqlite:///{self.store}/mlflow.db"
        self.parameters = {"fpr": 0.01, "families": ["stylometry"], "revision": None}
        predictions = folder / "predictions.csv"
        self.trained.predictions.to_csv(predictions, index=False)
        arguments = [self.model, predictions, json.dumps(self.parameters), self.store]
        self.process = run_python(TRACK, *arguments, cwd=folder)
        self.run = self.process.stdout.strip()

    def track(self, **changes) -> str:
        arguments = {"folder": self.model, "store": self.store, **changes}
        return log_run(
            self.detector,
            arguments.pop("folder"),
            self.trained.predictions,
            self.parameters,
            self.detector.metrics_,
            **arguments,
        )


def run_python(script, *arguments, cwd):
    """Run a script as a user would, not as a test, which MLflow treats otherwise."""
    ours = ("MLFLOW_", "PYTEST_", "CI", "GITHUB_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**environment, "PYTHONPATH": str(ROOT)},
        check=False,
    )


@pytest.fixture(scope="module")
def tracked(tmp_path_factory):
    # a space and a letter beyond ASCII, as folders of users have them
    return Tracked(tmp_path_factory.mktemp("essays é"))


@pytest.fixture(autouse=True)
def no_server(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def read(uri, run):
    from mlflow import MlflowClient

    return MlflowClient(uri).get_run(run)


@with_mlflow
def test_nothing_on_the_terminal_and_no_connection(tracked):
    assert tracked.process.stderr == ""
    assert tracked.process.returncode == 0
    assert len(tracked.process.stdout.splitlines()) == 1
    # nothing but what was asked for, such as the mlruns of older versions
    assert {path.name for path in tracked.store.parent.iterdir()} == {
        "model",
        "data",
        "predictions.csv",
    }
    assert {path.name for path in tracked.store.iterdir()} == {"mlflow.db", "mlartifacts"}


@with_mlflow
def test_parameters_and_metrics(tracked):
    run = read(tracked.uri, tracked.run)
    assert (run.info.run_name, run.info.status) == ("first", "FINISHED")
    assert run.data.params == {"fpr": "0.01", "families": "['stylometry']", "revision": "None"}
    expected = flat_metrics(tracked.detector.metrics_)
    assert run.data.metrics == pytest.approx(expected)
    assert {"test.auroc", "test.auroc_low", "out-of-fold.source.r_even.auroc"} <= set(expected)
    assert expected["speed.texts_per_second"] > 0


@with_mlflow
def test_pictures_and_the_artefact_folder(tracked):
    from mlflow import MlflowClient

    client = MlflowClient(tracked.uri)
    plots = {file.path: file.file_size or 0 for file in client.list_artifacts(tracked.run, "plots")}
    assert set(plots) == {
        f"plots/{name}.png" for name in ("roc", "calibration", "scores", "importance")
    }
    assert min(plots.values()) > 5_000
    location = read(tracked.uri, tracked.run).info.artifact_uri
    assert location.startswith((tracked.store / "mlartifacts").as_uri())
    detector = tracked.store / "mlartifacts" / tracked.run / "artifacts" / "detector"
    for file in tracked.model.iterdir():
        assert (detector / file.name).read_bytes() == file.read_bytes()


@with_mlflow
def test_the_pyfunc_model_predicts_as_the_detector(tracked, monkeypatch):
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracked.uri)
    model = mlflow.pyfunc.load_model(f"runs:/{tracked.run}/model")
    texts = SAMPLE["text"][:6].tolist()
    predicted = model.predict(pd.DataFrame({"text": texts, "id": range(6)}))
    expected = tracked.detector.assess(texts, why=False)
    pd.testing.assert_frame_equal(predicted, expected[["probability", "verdict"]])
    np.testing.assert_array_equal(
        predicted["probability"], tracked.detector.predict_proba(texts)[:, 1]
    )
    as_records = model.predict([{"text": text} for text in texts])
    pd.testing.assert_frame_equal(as_records, predicted)
    example = model.predict(model.input_example)
    assert list(example["verdict"]) == ["uncertain", "uncertain"]  # they are short
    signature = model.metadata.signature
    assert [(column.name, str(column.type)) for column in signature.inputs] == [
        ("text", "DataType.string")
    ]
    assert [(column.name, str(column.type)) for column in signature.outputs] == [
        ("probability", "DataType.double"),
        ("verdict", "DataType.string"),
    ]


@with_mlflow
def test_the_model_itself_takes_lists_and_single_columns(tracked, monkeypatch):
    import mlflow

    from perplexity_detector.errors import InputError

    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracked.uri)
    model = mlflow.pyfunc.load_model(f"runs:/{tracked.run}/model").unwrap_python_model()
    texts = SAMPLE["text"][:2].tolist()
    predicted = model.predict(None, texts)
    assert len(predicted) == 2
    pd.testing.assert_frame_equal(model.predict(None, pd.DataFrame({"essay": texts})), predicted)
    assert len(model.predict(None, texts[:1])) == 1
    with pytest.raises(InputError, match="column `text`"):
        model.predict(None, pd.DataFrame({"id": ["1"], "essay": texts[:1]}))


@with_mlflow
def test_the_model_is_code_and_plain_files_and_names_its_package(tracked):
    from mlflow import MlflowClient

    from perplexity_detector import __version__

    client = MlflowClient(tracked.uri)
    outputs = client.get_run(tracked.run).outputs
    assert outputs is not None
    (output,) = outputs.model_outputs
    logged = client.get_logged_model(output.model_id)
    assert logged.status == "READY"
    assert {metric.key for metric in logged.metrics or []} == set(
        flat_metrics(tracked.detector.metrics_)
    )
    folder = tracked.store / "mlartifacts" / "models" / output.model_id / "artifacts"
    assert not [path for path in folder.rglob("*") if path.suffix in (".pkl", ".pickle", ".whl")]
    requirements = (folder / "requirements.txt").read_text().splitlines()
    assert f"perplexity-detector=={__version__}" in requirements
    assert {line.partition("=")[0] for line in requirements} == {"perplexity-detector", "mlflow"}


@with_mlflow
def test_trainings_share_an_experiment_and_settings_of_mlflow_stay(tracked):
    import mlflow

    before = mlflow.get_tracking_uri()
    run = tracked.track()
    assert run != tracked.run
    both = [read(tracked.uri, one).info.experiment_id for one in (run, tracked.run)]
    assert both[0] == both[1]
    assert mlflow.get_tracking_uri() == before
    assert mlflow.active_run() is None
    assert "MLFLOW_TRACKING_URI" not in os.environ


@with_mlflow
def test_a_store_of_the_users_own(tracked, tmp_path, monkeypatch):
    shutil.copy(tracked.store / "mlflow.db", tmp_path / "own.db")
    uri = f"sqlite:///{tmp_path}/own.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    run = tracked.track(store=tmp_path / "data")
    assert read(uri, run).info.status == "FINISHED"
    assert not (tmp_path / "data").exists()


def not_a_folder(store):
    store.write_text("")


def not_a_database(store):
    store.mkdir()
    (store / "mlflow.db").write_text("not a database" * 100)


def not_a_file(store):
    (store / "mlflow.db").mkdir(parents=True)


def of_a_newer_version(store):
    with sqlite3.connect(store / "mlflow.db") as database:
        database.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    database.close()


@with_mlflow
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (not_a_folder, "exists"),
        (not_a_database, "not a database"),
        (not_a_file, "directory"),
        (of_a_newer_version, "schema"),
    ],
)
def test_a_store_that_cannot_be_used(tracked, tmp_path, capfd, spoil, reason):
    store = tmp_path / "data"
    if spoil is of_a_newer_version:
        store.mkdir()
        shutil.copy(tracked.store / "mlflow.db", store)
    spoil(store)
    with pytest.raises(TrackingError, match=reason) as caught:
        tracked.track(store=store)
    sentence = str(caught.value)
    assert sentence.startswith(f"The training is saved in {tracked.model}, but MLflow cannot use")
    assert "\n" not in sentence
    assert capfd.readouterr() == ("", "")


@with_mlflow
def test_a_password_in_the_address_of_a_server_is_not_printed(tracked, capfd, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ada:secret@localhost:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackingError, match="MLFLOW_TRACKING_URI") as caught:
        tracked.track()
    assert "secret" not in str(caught.value)
    assert "localhost:9" in str(caught.value)
    assert capfd.readouterr() == ("", "")


@with_mlflow
def test_a_run_that_breaks_off_is_marked_as_failed(tracked, tmp_path):
    from mlflow import MlflowClient

    with pytest.raises(TrackingError, match="missing"):
        tracked.track(folder=tmp_path / "missing", run_name="broken")
    client = MlflowClient(tracked.uri)
    experiment = client.get_experiment_by_name("perplexity-detector")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id], "attributes.run_name = 'broken'")
    assert run.info.status == "FAILED"


def test_without_mlflow(tracked, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)  # an import of it now fails
    with pytest.raises(TrackingError, match=r"^MLflow is not installed.*track=False\.$"):
        tracked.track()


def test_names_of_metrics():
    metrics = {
        "fpr": 0.01,
        "splits": {"test": {"auroc": [0.9, 0.8, None], "brier": [float("nan"), 0.0, 1.0]}},
        "sources": {"test": {"r/ask: all?": {"auroc": 0.7, "texts": 3, "tpr": None}}},
    }
    assert flat_metrics(metrics) == {
        "fpr": 0.01,
        "test.auroc": 0.9,
        "test.auroc_low": 0.8,
        "test.brier_low": 0.0,
        "test.brier_high": 1.0,
        "test.source.r_ask_ all_.auroc": 0.7,
        "test.source.r_ask_ all_.texts": 3.0,
    }
    assert flat_metrics({}) == {}


@with_mlflow
def test_mlflow_takes_the_names_whatever_a_source_is_called(tracked):
    sources = ["a/../b", "/", "..", "C:\\x", "é 中", "x" * 400, "a\nb", ""]
    metrics = {"sources": {"test": {source: {"auroc": 0.5} for source in sources}}}
    run = log_run(
        tracked.detector,
        tracked.model,
        tracked.trained.predictions,
        {},
        metrics,
        store=tracked.store,
    )
    names = read(tracked.uri, run).data.metrics
    assert set(names) == set(flat_metrics(metrics))
    assert len(names) == len(sources)


def test_prediction_imports_neither_mlflow_nor_matplotlib(tracked, tmp_path):
    script = """
import sys
from perplexity_detector.pipelines import mlflow_run, train
from perplexity_detector.detectors.text_detector import TextDetector
print(TextDetector.from_pretrained(sys.argv[1]).predict(["One text."]))
print({"mlflow", "matplotlib"} & set(sys.modules))
"""
    process = run_python(script, tracked.model, cwd=tmp_path)
    assert process.stdout.splitlines()[-1] == "set()", process.stderr
