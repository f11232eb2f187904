"""A finished training -> an MLflow run; nothing else in the package needs MLflow."""

from __future__ import annotations

import logging
import math
import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.errors import TrackingError
from perplexity_detector.explanation.explainable import ExplainableClassifier
from perplexity_detector.logs import get_logger
from perplexity_detector.version import __version__

if TYPE_CHECKING:
    import mlflow
    from matplotlib.figure import Figure
    from mlflow.entities import LoggedModel

DATABASE, ARTEFACTS = "mlflow.db", "mlartifacts"

#: What MLflow reads from the environment, where the user has not set it: no telemetry, nothing
#: on the terminal, and a server that does not answer is given up in seconds, not minutes.
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_CHATTY = ("mlflow", "alembic", "sqlalchemy", "sqlalchemy.engine", "urllib3", "matplotlib")
_EXAMPLE = pd.DataFrame(
    {
        "text": [
            "We missed the last bus, so my brother walked me home in the rain.",
            "Regular exercise offers numerous benefits for both body and mind.",
        ]
    }
)


def log_run(
    detector: ExplainableClassifier,
    folder: Path,
    predictions: pd.DataFrame,
    parameters: Mapping[str, object],
    metrics: Mapping[str, Any],
    *,
    store: Path,
    experiment: str = "perplexity-detector",
    run_name: str | None = None,
) -> str:
    """Log a training: parameters, metrics, plots, the artefact folder, and a pyfunc model.

    MLflow's settings in this process (tracking server, active run) are left as they are.

    Args:
        detector: trained.
        folder: where it was saved.
        predictions: columns split, source, generated and probability.
        parameters: what to log as parameters; values are logged as `str` has them.
        metrics: as `ExplainableClassifier.metrics_`; see `flat_metrics`.
        store: the folder for the database and the artefacts, unless the environment variable
            MLFLOW_TRACKING_URI names a server or store.
        experiment: made if there is none of that name.
        run_name: MLflow finds one if not given.

    Returns:
        The id of the run.

    Raises:
        TrackingError: MLflow is not installed, or its store cannot be used.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import mlflow

        with _quiet():
            plots = _plots(detector, predictions)
    except ImportError as error:
        raise TrackingError(
            "MLflow is not installed, so this training is not tracked",
            "track",
            "pip install 'perplexity-detector[tracking]', or turn tracking off with {track}=False",
        ) from error
    remote = os.environ.get("MLFLOW_TRACKING_URI")
    store = store.resolve()
    try:
        with _quiet():
            if not remote:
                store.mkdir(parents=True, exist_ok=True)
                # MLflow would try for two minutes to open what cannot be opened
                (store / DATABASE).open("ab").close()
            client = mlflow.MlflowClient(remote or f"sqlite:///{(store / DATABASE).as_posix()}")
            location = None if remote else (store / ARTEFACTS).as_uri()
            identifier = _experiment(client, experiment, location)
            run = client.create_run(identifier, run_name=run_name).info.run_id
            with _ended(client, run):
                _fill_run(client, identifier, run, folder, parameters, metrics, plots)
    except Exception as error:  # whatever goes wrong in MLflow, the training is saved
        where = "the store of MLFLOW_TRACKING_URI" if remote else store / DATABASE
        raise TrackingError(
            f"The training is saved in {folder}, but MLflow cannot use {where} to track it "
            f"({_first_sentence(error)})",
            "track",
            "repair or move that, or turn tracking off with {track}=False",
        ) from error
    return str(run)


def flat_metrics(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The finite metrics of a detector under names that MLflow accepts.

    Args:
        metrics: `splits`: split -> metric -> [value, low, high]; `sources`: split -> source ->
            metric -> value; `speed`: metric -> value; other numbers keep their names.

    Returns:
        `test.auroc`, `test.auroc_low`, `test.auroc_high`, `test.source.outfox.auroc`, ...

    Example:
        >>> flat_metrics({"sources": {"test": {"r/askreddit": {"auroc": 0.9, "brier": None}}}})
        {'test.source.r_askreddit.auroc': 0.9}
    """
    nested = ("splits", "sources", "speed")
    flat = {name: value for name, value in metrics.items() if name not in nested}
    flat |= {f"speed.{metric}": value for metric, value in metrics.get("speed", {}).items()}
    for split, estimates in metrics.get("splits", {}).items():
        for metric, estimate in estimates.items():
            for end, value in zip(("", "_low", "_high"), estimate, strict=True):
                flat[f"{split}.{metric}{end}"] = value
    for split, sources in metrics.get("sources", {}).items():
        for source, values in sources.items():
            # MLflow takes 250 characters, and makes files and folders of `/` and `:`
            name = re.sub(r"[^\w.\- ]", "_", source)[:150]
            for metric, value in values.items():
                flat[f"{split}.source.{name}.{metric}"] = value
    return {
        name: float(value)
        for name, value in flat.items()
        if value is not None and math.isfinite(value)
    }


def _plots(detector: ExplainableClassifier, predictions: pd.DataFrame) -> dict[str, Figure]:
    from perplexity_detector.evaluation import plots

    made = {
        "roc": plots.roc_plot(predictions),
        "calibration": plots.calibration_plot(predictions),
        "scores": plots.score_histogram(predictions),
    }
    if isinstance(detector, TextDetector):
        gains: dict[str, Any] = detector.booster_.get_score(importance_type="total_gain")
        made["importance"] = plots.importance_plot(gains)
    return made


def _experiment(client: mlflow.MlflowClient, name: str, location: str | None) -> str:
    found = client.get_experiment_by_name(name)
    return str(found.experiment_id if found else client.create_experiment(name, location))


@contextmanager
def _ended(client: mlflow.MlflowClient, run: str) -> Iterator[None]:
    """Mark the run as finished when the block ends, or as failed."""
    try:
        yield
    except BaseException:
        with suppress(Exception):  # the first error is the one to report
            client.set_terminated(run, "FAILED")
        raise
    client.set_terminated(run)


def _fill_run(
    client: mlflow.MlflowClient,
    experiment: str,
    run: str,
    folder: Path,
    parameters: Mapping[str, object],
    metrics: Mapping[str, Any],
    plots: Mapping[str, Figure],
) -> None:
    from mlflow.entities import LoggedModelOutput, Metric, Param

    params = {name: str(value) for name, value in parameters.items()}
    model = client.create_logged_model(experiment, "model", run, params=params)
    now = int(time.time() * 1000)
    client.log_batch(
        run,
        [
            Metric(name, value, now, step=0, model_id=model.model_id)
            for name, value in flat_metrics(metrics).items()
        ],
        [Param(name, value) for name, value in params.items()],
    )
    for name, plot in plots.items():
        client.log_figure(run, plot, f"plots/{name}.png")
    client.log_artifacts(run, str(folder), "detector")
    with tempfile.TemporaryDirectory() as temporary:
        path = f"{temporary}/model"
        _save_pyfunc(path, folder, run, model)
        client.log_model_artifacts(model.model_id, path)
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run, [LoggedModelOutput(model.model_id, step=0)])


def _save_pyfunc(path: str, folder: Path, run: str, model: LoggedModel) -> None:
    """Write the pyfunc model; unlike `log_model` this does not load it to try the example."""
    from mlflow import models, pyfunc
    from mlflow.types import ColSpec, Schema

    pyfunc.save_model(
        path,
        python_model=str(Path(__file__).with_name("pyfunc_model.py")),
        artifacts={"detector": str(folder)},
        signature=models.ModelSignature(
            inputs=Schema([ColSpec("string", "text")]),
            outputs=Schema([ColSpec("double", "probability"), ColSpec("string", "verdict")]),
        ),
        input_example=_EXAMPLE,
        # named, or MLflow would run the model to see what it imports
        pip_requirements=[f"perplexity-detector=={__version__}"],
        mlflow_model=models.Model(
            artifact_path=model.artifact_location,
            run_id=run,
            model_uuid=model.model_id,
            model_id=model.model_id,
        ),
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Send the warnings of MLflow and its dependencies to our log, not to the terminal."""
    loggers = [logging.getLogger(name) for name in _CHATTY]
    before = [(logger.handlers, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [_Forwarder(logging.WARNING)], False
    try:
        yield
    finally:
        for logger, (handlers, propagate) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate


class _Forwarder(logging.Handler):
    """Forwards records as information: an error that matters is also raised."""

    def emit(self, record: logging.LogRecord) -> None:
        get_logger().info("%s: %s", record.name, record.getMessage())


def _first_sentence(error: Exception) -> str:
    words = (str(error).strip() or type(error).__name__).splitlines()[0]
    words = re.sub(r"//[^/@\s]*@", "//", words)  # user and password of a server
    return words.partition(". ")[0].rstrip(".")[:200]
