"""MLflow's own server, evaluation and registry around a model that a training logged."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from operator import attrgetter
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.pipelines.mlflow_run import log_run
from tests.labelled import light_detector, sample, two_styles
from tests.paths import ROOT

pytestmark = pytest.mark.skipif(find_spec("mlflow") is None, reason="MLflow is an extra")
#: Seconds within which a server answers, on a slow machine too.
PATIENCE = 120


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """A store with a logged detector: its address, the run, and the saved detector."""
    folder = tmp_path_factory.mktemp("mlflow")
    detector = light_detector(fpr=0.1).fit(*two_styles(160))
    saved = detector.save_pretrained(folder / "model")
    predictions = pd.DataFrame({"split": "test", "source": "", "generated": [0, 1] * 5})
    predictions = predictions.assign(probability=[0.2, 0.8] * 5)
    run = log_run(detector, saved, predictions, {"fpr": 0.1}, {}, store=folder / "data")
    return f"sqlite:///{folder}/data/mlflow.db", run, saved


@pytest.fixture
def mlflow(logged, monkeypatch):
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", logged[0])
    return mlflow


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def post(port, content):
    request = Request(
        f"http://127.0.0.1:{port}/invocations",
        content.encode(),
        {"Content-Type": "application/json"},
    )
    with urlopen(request, timeout=PATIENCE) as answer:
        return json.loads(answer.read())["predictions"]


def wait(server, port):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urlopen(f"http://127.0.0.1:{port}/ping", timeout=5):
                return
        except URLError:
            time.sleep(0.2)
    server.kill()
    pytest.fail(f"the server did not start: {server.communicate()[1][-2000:]}")


@pytest.mark.skipif(sys.platform == "win32", reason="MLflow's server is another one on Windows")
def test_mlflows_server_answers_the_models_input_example(logged, mlflow, tmp_path):
    uri, run, saved = logged
    folder = mlflow.artifacts.download_artifacts(
        artifact_uri=f"runs:/{run}/model", dst_path=str(tmp_path)
    )
    port = free_port()
    command = ["-m", "mlflow", "models", "serve", "--model-uri", f"runs:/{run}/model"]
    server = subprocess.Popen(
        [sys.executable, *command, "--env-manager", "local", "--port", str(port)],
        cwd=tmp_path,
        env={
            **os.environ,
            "MLFLOW_TRACKING_URI": uri,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "OMP_NUM_THREADS": "1",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # uvicorn
            "PYTHONPATH": str(ROOT),
        },
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait(server, port)
        example = Path(folder) / "serving_input_example.json"
        answers = post(port, example.read_text(encoding="utf-8"))
        assert [set(one) for one in answers] == [{"probability", "verdict"}] * 2
        assert [one["verdict"] for one in answers] == ["uncertain", "uncertain"]  # they are short
        texts = two_styles(6, seed=1)[0]
        answers = post(port, json.dumps({"dataframe_records": [{"text": one} for one in texts]}))
    finally:
        os.killpg(server.pid, signal.SIGTERM)  # the server is a child of the command
        server.communicate(timeout=PATIENCE)
    expected = TextDetector.from_pretrained(saved).assess(texts, why=False)
    assert answers == expected[["probability", "verdict"]].to_dict(orient="records")
    assert {"generated", "human"} <= set(expected["verdict"])


@pytest.mark.parametrize("name", ["evaluate", "models.evaluate"])
def test_mlflow_evaluates_it_on_the_sample(name, logged, mlflow):
    _, run, saved = logged
    auroc = mlflow.models.make_metric(
        eval_fn=lambda predictions, targets, metrics: roc_auc_score(targets, predictions),
        greater_is_better=True,
        name="auroc",
    )
    texts = sample()[["text", "generated"]]
    with mlflow.start_run(run_id=run):
        found = attrgetter(name)(mlflow)(
            f"runs:/{run}/model",
            texts,
            targets="generated",
            predictions="probability",
            extra_metrics=[auroc],
        )
    probabilities = TextDetector.from_pretrained(saved).predict_proba(texts["text"])[:, 1]
    assert found.metrics["auroc"] == pytest.approx(roc_auc_score(texts["generated"], probabilities))


def test_a_registered_model_is_served_by_its_alias(logged, mlflow):
    _, run, saved = logged
    version = mlflow.register_model(f"runs:/{run}/model", "essays").version
    client = mlflow.MlflowClient()
    client.set_registered_model_alias("essays", "champion", version)
    model = mlflow.pyfunc.load_model("models:/essays@champion")
    texts, _ = two_styles(4, seed=2)
    predicted = model.predict(pd.DataFrame({"text": texts}))
    expected = TextDetector.from_pretrained(saved).predict_proba(texts)[:, 1]
    assert predicted["probability"].tolist() == expected.tolist()
    outputs = model.metadata.signature.outputs
    assert [(one.name, one.type.name) for one in outputs] == [
        ("probability", "double"),
        ("verdict", "string"),
    ]
