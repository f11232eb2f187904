"""A labelled dataset -> a trained detector, its predictions and its metrics."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from perplexity_detector.augmentation.augment import AUGMENTATION_RATE, augment
from perplexity_detector.errors import DatasetError
from perplexity_detector.evaluation.measure import measure
from perplexity_detector.explanation.explainable import ExplainableClassifier
from perplexity_detector.features.document import Document
from perplexity_detector.logs import get_logger, timed
from perplexity_detector.sampling.balance import balanced_sample
from perplexity_detector.sampling.splits import MIN_PROMPTS, assign_splits
from perplexity_detector.text import preprocess, words

Value = TypeVar("Value")

SPLITS = ("train", "valid", "test")
#: In metrics, the split of training texts, which are measured by their out-of-fold scores.
OUT_OF_FOLD = "out-of-fold"
#: Roles of rows: train and set thresholds, only train, only be measured.
CALIBRATE, FIT_ONLY, TEST = "calibrate", "fit only", "test"
#: Key of the texts and licences of each source in a detector's `training_`.
SOURCE_TABLE = "texts_by_source"
#: Texts whose scoring is timed.
SPEED_TEXTS = 32


@dataclass(frozen=True)
class TrainingResult:
    """A finished training.

    Attributes:
        detector: fitted, with `metrics_` filled in.
        predictions: split (`out-of-fold` or `test`), source, generated, probability and flagged
            of each measured text. No text was scored by a classifier that saw it or, where there
            are enough sources, its source.
    """

    detector: ExplainableClassifier
    predictions: pd.DataFrame


def train(
    frame: pd.DataFrame,
    detector: ExplainableClassifier,
    per_group: int | None = None,
    per_group_held_out: int | None = None,
    max_words: int | None = 200,
    seed: int = 0,
    augmentation_rate: float = AUGMENTATION_RATE,
    auxiliary: pd.DataFrame | None = None,
) -> TrainingResult:
    """Train and calibrate a classifier on the train and valid splits, measure it on test.

    Args:
        frame: usable rows with id, text, generated and, where known, prompt_id, source, split,
            licence.
        detector: unfitted.
        per_group: at most this many texts of one source and class of the train split.
        per_group_held_out: the same for valid, which is trained on too, and test.
        max_words: texts are cut to whole sentences of at most this many words.
        seed: of samples and splits.
        augmentation_rate: share of the training texts of which an augmented copy is trained on.
        auxiliary: rows like the frame's, of one class or both, which are only trained on: they
            set no probabilities and no thresholds, and are not measured.

    Raises:
        DatasetError: the test split, or the others together, lack one of the classes.
    """
    rows = _rows_with_roles(
        _sampled(frame, per_group, per_group_held_out, seed),
        augmentation_rate, max_words, seed, auxiliary,
    )  # fmt: skip
    texts = [preprocess(text, max_words) for text in rows["text"]]
    log = get_logger()
    with timed(log, "features", texts=len(rows)):
        documents = detector.new_extractor().read_documents(texts)
    role = rows["role"].to_numpy()
    _fit(detector, rows[role != TEST], _where(documents, role != TEST))
    detector.training_ |= {
        "max_words": max_words,
        "seed": seed,
        SOURCE_TABLE: _texts_by_source(rows[role != TEST]),
    }
    if detector.extractor_.reads_tokens():
        detector.training_["precision"] = detector.extractor_.scorer().precision
    measured = rows[role != FIT_ONLY].copy()
    measured["split"] = measured["role"].replace(CALIBRATE, OUT_OF_FOLD)
    of_fitted = role[role != TEST] == CALIBRATE
    measured.loc[measured["role"] == CALIBRATE, "probability"] = detector.oof_probabilities_[
        of_fitted
    ]
    tested = _where(documents, role == TEST)
    measured.loc[measured["role"] == TEST, "probability"] = detector.probabilities(tested)
    thresholds = detector.thresholds(_where(documents, role != FIT_ONLY))
    measured["flagged"] = measured["probability"] >= thresholds
    measured = measured[measured["probability"].notna()]
    with timed(log, "measuring", texts=len(measured)):
        detector.metrics_ = {
            **measure(measured, detector.fpr),
            "speed": measure_throughput(detector, _where(texts, role != FIT_ONLY)),
        }
    columns = ["split", "source", "generated", "probability", "flagged"]
    return TrainingResult(detector, measured.assign(source=measured.get("source", ""))[columns])


def _rows_with_roles(
    sampled: pd.DataFrame,
    augmentation_rate: float,
    max_words: int | None,
    seed: int,
    auxiliary: pd.DataFrame | None,
) -> pd.DataFrame:
    """All rows of a training with their `role`; those that are only trained on come last."""
    rows = sampled.assign(role=np.where(sampled["split"] == "test", TEST, CALIBRATE))
    copies = augment(rows[rows["role"] == CALIBRATE], augmentation_rate, max_words, seed)
    further = pd.concat([copies, auxiliary]).assign(role=FIT_ONLY)
    return pd.concat([rows, further], ignore_index=True)


def _fit(
    detector: ExplainableClassifier, rows: pd.DataFrame, documents: Sequence[Document]
) -> None:
    with timed(get_logger(), "training", texts=len(rows)):
        detector.fit_documents(
            documents,
            rows["generated"],
            groups=rows["prompt_id"].tolist() if "prompt_id" in rows else None,
            sources=rows["source"].tolist() if "source" in rows else None,
            calibration_mask=(rows["role"] == CALIBRATE).to_numpy(),
        )


def _texts_by_source(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """The sources that were learned from, each with its human and generated texts and licence."""
    if "source" not in rows:
        return []
    named = rows.assign(licence=rows.get("licence", ""), source=rows["source"].astype(str))
    return [
        {
            "source": source,
            "human": int((part["generated"] == 0).sum()),
            "generated": int((part["generated"] == 1).sum()),
            "licence": "; ".join(sorted(set(part["licence"].dropna().astype(str)) - {""})),
        }
        for source, part in named.groupby("source")
    ]


def _where(values: Sequence[Value], mask: np.ndarray) -> list[Value]:
    """The values at which a mask is true."""
    return list(compress(values, mask))


def _sampled(
    frame: pd.DataFrame, per_group: int | None, per_group_held_out: int | None, seed: int
) -> pd.DataFrame:
    """The rows that are used, with their `split`."""
    parts = []
    splits = split_of(frame, seed)
    _require_both(frame[splits == "test"], "test split has")
    _require_both(frame[splits != "test"], "train and valid splits have")
    for split in SPLITS:
        part = frame[splits == split]
        limit = per_group if split == "train" else per_group_held_out
        parts.append(balanced_sample(part, limit, seed).assign(split=split))
    return pd.concat(parts, ignore_index=True)


def split_of(frame: pd.DataFrame, seed: int = 0) -> np.ndarray:
    """The split of each row: the dataset's own if it has all three, else drawn by prompt."""
    if "split" in frame and set(SPLITS) <= set(frame["split"]):
        return frame["split"].to_numpy(object)
    prompts = frame.get("prompt_id")
    if prompts is None or prompts.nunique() < MIN_PROMPTS:
        get_logger().warning(
            "Texts are split at random, because the dataset has no column of prompts or fewer "
            "than %d of them; metrics on new topics will be lower than these.",
            MIN_PROMPTS,
        )
    return assign_splits(frame["id"], prompts, seed=seed)


def measure_throughput(detector: ExplainableClassifier, texts: list[str]) -> dict[str, float]:
    """How fast this machine scores `SPEED_TEXTS` of the texts, with nothing cached.

    Returns:
        `texts_per_second`, and `words`, the average length of those texts.
    """
    extractor = detector.extractor_
    sample = texts[:: max(1, len(texts) // SPEED_TEXTS)][:SPEED_TEXTS]
    settings = extractor.get_params()
    extractor.set_params(cache=None, progress=False)
    try:
        detector.predict_proba(sample[:1])  # loads the model
        start = time.perf_counter()
        detector.predict_proba(sample)
        seconds = time.perf_counter() - start
    finally:
        extractor.set_params(**settings)
    average = sum(len(words(text)) for text in sample) / len(sample)
    return {"texts_per_second": len(sample) / seconds, "words": average}


def _require_both(part: pd.DataFrame, have: str) -> None:
    if set(part["generated"]) != {0, 1}:
        raise DatasetError(
            f"The {have} {len(part)} texts, and not both classes among them; give more "
            "texts, or a column `split` with train, valid and test."
        )
