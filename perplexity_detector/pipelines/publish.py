"""What the commands do between reading options and printing: train, publish, track, load."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from perplexity_detector.classifier import persistence
from perplexity_detector.classifier.base import CalibratedClassifier
from perplexity_detector.cli.options import CHUNK_ROWS
from perplexity_detector.detectors.registry import make
from perplexity_detector.errors import DatasetError, TrackingError
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.logs import get_logger, timed
from perplexity_detector.pipelines import train
from perplexity_detector.text import canonicalise, crop

#: The detector that is used where none was trained.
SHIPPED = "standard"
PUBLISHED = "model"
#: As `CHUNK_ROWS`, where a GPU reads, which is idle at a chunk's beginning and end.
CHUNK_ROWS_GPU = 4096


class Tally:
    """How many texts were told, and with which verdicts.

    Attributes:
        rows: of all results added so far.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._verdicts: Counter[str] = Counter()

    def add(self, results: pd.DataFrame) -> None:
        """Count results, which have a column `verdict`."""
        self.rows += len(results)
        self._verdicts.update(map(str, results["verdict"]))

    def __str__(self) -> str:
        verdicts = ", ".join(f"{count} {name}" for name, count in sorted(self._verdicts.items()))
        return f"{self.rows} texts: {verdicts}" if verdicts else "0 texts"


def untrained(model: str, fpr: float, seed: int, **settings: Any) -> CalibratedClassifier:
    """A model to be trained; its settings are checked before any work, see `registry.make`."""
    return make(str(model), fpr=fpr, random_state=seed, progress=True, **settings)


def train_and_publish(
    frame: pd.DataFrame,
    detector: CalibratedClassifier,
    settings: dict[str, Any],
    model: Path,
    data: Path,
    auxiliary: pd.DataFrame | None = None,
) -> train.Trained:
    """Train, save to `model`, publish to `data/model`, and warn where a rate cannot be kept."""
    for folder in (model, data / PUBLISHED):
        persistence.check_place(folder)  # now, rather than after hours of training
    trained = train.train(frame, detector, **settings, auxiliary=auxiliary)
    persistence.publish(detector.save_pretrained(model), data / PUBLISHED)
    if not detector.calibrator_.keeps(detector.fpr):
        get_logger().warning(
            "%d texts by people are too few to promise a false-positive rate of %g: "
            "no text will be called generated. Give more texts, or a higher --fpr.",
            len(detector.calibrator_.human),
            detector.fpr,
        )
    return trained


def track(trained: train.Trained, about: Mapping[str, object], model: Path, data: Path) -> None:
    """Log a training to MLflow; if that fails, the training is kept all the same."""
    detector = trained.detector
    extractor = detector.extractor_.get_params(deep=False)
    hyper_parameters = detector.get_params(deep=False)
    hyper_parameters.pop("extractor")
    parameters = {
        **about,
        "model": detector.name,
        **extractor,
        **hyper_parameters,
        **detector.training_,
    }
    try:
        from perplexity_detector.pipelines.mlflow_run import track as log_run

        with timed(get_logger(), "tracking"):
            log_run(detector, model, trained.predictions, parameters, detector.metrics_, store=data)
    except TrackingError as error:
        get_logger().warning("%s", error, exc_info=True)


def load_detector(
    data: Path,
    detector: str | None = None,
    lm: str | None = None,
    fpr: float | None = None,
    **extractor: Any,
) -> CalibratedClassifier:
    """The detector asked for; else the published one; else, saying so, the shipped one.

    Args:
        data: the folder with the published `model/`.
        detector: a folder, or the name of a shipped detector.
        lm: where its language model lies, if not where it lay in training.
        fpr: false-positive rate of verdicts.
        **extractor: settings of the extractor to change.
    """
    published = data / PUBLISHED
    if detector is None:
        detector = str(published)
        if not persistence.is_there(published):
            get_logger().warning("There is no detector in %s: the shipped one is used.", published)
            detector = SHIPPED
    if lm is not None:
        extractor["lm"] = str(lm)
    loaded = CalibratedClassifier.from_pretrained(str(detector), **extractor)
    if fpr is not None:
        loaded.set_params(fpr=fpr)
    return loaded


def rows_at_once(extractor: FeatureExtractor) -> int:
    """How many rows to read before they are told; where a GPU reads, many, to keep it busy.

    Processes then make features meanwhile, as many as there are cores beside it. They import the
    program again, which a script without a main guard would not stand: so it is the command line
    that asks for them.
    """
    if not extractor.on_gpu():
        return CHUNK_ROWS
    if "processes" in extractor.get_params():
        extractor.set_params(processes=max(1, (os.cpu_count() or 1) - 1))
    return CHUNK_ROWS_GPU


def name_of(data: Path, detector: str | None = None) -> str:
    """What the detector that `load_detector` gives is called: its folder's or its own name."""
    if detector is None:
        return PUBLISHED if persistence.is_there(data / PUBLISHED) else SHIPPED
    return Path(detector).resolve().name


def score_labelled(
    frame: pd.DataFrame,
    detector: CalibratedClassifier,
    max_words: int | None = None,
    split: str | None = None,
) -> pd.DataFrame:
    """Labelled rows with their `probability`, and whether it is `flagged` at the detector's rate.

    Args:
        frame: id, text, generated.
        detector: trained.
        max_words: cut texts, canonical, to whole sentences of at most so many words first.
        split: only rows whose `split` says so.

    Raises:
        DatasetError: no row is of that split.
    """
    if split is not None:
        if "split" not in frame or not (frame["split"] == split).any():
            raise DatasetError(f"No row has {split!r} in a column `split`; leave out --split.")
        frame = frame[frame["split"] == split].reset_index(drop=True)
    texts = frame["text"].tolist()
    if max_words:
        texts = [crop(canonicalise(text), max_words) for text in texts]
    documents = detector.documents(texts)
    probabilities = detector.probabilities(documents)
    flagged = probabilities >= detector.thresholds(documents)
    return frame.assign(probability=probabilities, flagged=flagged)
