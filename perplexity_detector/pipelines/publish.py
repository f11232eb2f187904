"""Training as the command line runs it: save, publish and, if asked to, log to MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from perplexity_detector.detectors.loading import PUBLISHED, publish
from perplexity_detector.errors import TrackingError
from perplexity_detector.explanation.explainable import ExplainableClassifier
from perplexity_detector.io import artefact_folder
from perplexity_detector.logs import get_logger, timed
from perplexity_detector.pipelines.train import SOURCE_TABLE, TrainingResult, train


def train_and_publish(
    frame: pd.DataFrame,
    detector: ExplainableClassifier,
    settings: dict[str, Any],
    model: Path,
    data: Path,
    auxiliary: pd.DataFrame | None = None,
) -> TrainingResult:
    """Train, save to `model` and publish to `data/model`.

    It warns if the detector's false-positive rate cannot be guaranteed.

    Args:
        frame: labelled rows, see `train`.
        detector: unfitted.
        settings: further arguments of `train`.
        model: where to save.
        data: the folder in which to publish.
        auxiliary: further rows to train on, see `train`.

    Raises:
        ArtefactError: one of the places cannot be written.
        DatasetError: the rows do not suffice.
    """
    for folder in (model, data / PUBLISHED):
        artefact_folder.check_place(folder)  # now, rather than after hours of training
    trained = train(frame, detector, **settings, auxiliary=auxiliary)
    publish(detector.save_pretrained(model), data)
    warn_if_rate_cannot_be_kept(detector)
    return trained


def warn_if_rate_cannot_be_kept(detector: ExplainableClassifier) -> None:
    """Warn if too few texts by people set a detector's thresholds for its false-positive rate."""
    if not detector.calibrator_.can_guarantee(detector.fpr):
        get_logger().warning(
            "%d texts by people are too few to promise a false-positive rate of %g: no text will "
            "be called generated. Give more texts, or a higher rate.",
            len(detector.calibrator_.human_scores),
            detector.fpr,
        )


def track(trained: TrainingResult, about: Mapping[str, object], model: Path, data: Path) -> None:
    """Log a training to MLflow; if that fails, a warning says so and the training is kept.

    Args:
        trained: the training.
        about: parameters to log with the detector's own.
        model: where it was saved.
        data: the folder of MLflow's store.
    """
    detector = trained.detector
    hyper_parameters = detector.get_params(deep=False)
    hyper_parameters.pop("extractor")
    # a parameter of MLflow is short; the model card has the table of sources
    training = {name: known for name, known in detector.training_.items() if name != SOURCE_TABLE}
    parameters = {
        **about,
        "model": detector.name,
        **detector.extractor_.get_params(deep=False),
        **hyper_parameters,
        **training,
    }
    try:
        from perplexity_detector.pipelines.mlflow_run import log_run

        with timed(get_logger(), "tracking"):
            log_run(detector, model, trained.predictions, parameters, detector.metrics_, store=data)
    except TrackingError as error:
        get_logger().warning("%s", error, exc_info=True)
