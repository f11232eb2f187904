"""A labelled dataset -> a trained detector, its predictions and its measurements."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from perplexity_detector.augmentation.augment import DISGUISED_SHARE, disguised
from perplexity_detector.classifier.base import CalibratedClassifier
from perplexity_detector.errors import DatasetError
from perplexity_detector.evaluation import metrics
from perplexity_detector.logs import get_logger, timed
from perplexity_detector.sampling.splits import MIN_PROMPTS, assign_splits, balanced_sample
from perplexity_detector.text import canonicalise, crop, words

SPLITS = ("train", "valid", "test")
#: What classifiers said of training texts that had not seen their sources.
LEFT_OUT = "left out"
#: Texts that are timed.
SPEED_TEXTS = 32
#: Columns by which an evaluation is broken down, where the dataset has them.
GROUPS = ("source", "domain", "generator", "attack")


@dataclass(frozen=True)
class Trained:
    """What a training leaves.

    Attributes:
        detector: trained, with `metrics_` filled in.
        predictions: split (`left out` or `test`), source, generated, probability and flagged of
            each text used; what is said of a text by a classifier that never saw it, or its
            source where sources took turns.
    """

    detector: CalibratedClassifier
    predictions: pd.DataFrame


def train(
    frame: pd.DataFrame,
    detector: CalibratedClassifier,
    per_group: int | None = None,
    per_group_held_out: int | None = None,
    max_words: int | None = 200,
    seed: int = 0,
    disguised_share: float = DISGUISED_SHARE,
    auxiliary: pd.DataFrame | None = None,
) -> Trained:
    """Train and calibrate a classifier on the train and valid splits, measure it on test.

    Args:
        frame: usable rows with id, text, generated and, where known, prompt_id, source, split.
        detector: untrained.
        per_group: texts at most of one source and class of the train split.
        per_group_held_out: the same of valid, which is trained on too, and test.
        max_words: texts are cut to whole sentences of at most so many words.
        seed: of samples and splits.
        disguised_share: share of the training texts of which a disguised copy is learned from too.
        auxiliary: rows like the frame's, of which one class is enough: they are learned from, all
            of them, and set no probabilities and no thresholds, nor are they measured.

    Raises:
        DatasetError: the test split, or the others together, lack one of the classes.
    """
    used = _sampled(frame, per_group, per_group_held_out, seed)
    taught = (used["split"] != "test").to_numpy()
    beside = pd.concat([disguised(used[taught], disguised_share, max_words, seed), auxiliary])
    texts = [prepared(text, max_words) for text in used["text"]]
    log = get_logger()
    with timed(log, "features", texts=len(texts) + len(beside)):
        documents = detector.new_extractor().documents(
            [*texts, *(prepared(text, max_words) for text in beside["text"])]
        )
    lesson = pd.concat([used[taught], beside])
    genuine = np.arange(len(lesson)) < taught.sum()
    place = np.append(taught.nonzero()[0], np.arange(len(used), len(documents)))
    with timed(log, "training", texts=len(lesson)):
        detector.fit_documents(
            [documents[i] for i in place],
            lesson["generated"],
            groups=lesson["prompt_id"].tolist() if "prompt_id" in lesson else None,
            sources=lesson["source"].tolist() if "source" in lesson else None,
            genuine=genuine,
        )
    detector.training_["max_words"] = max_words
    detector.training_["seed"] = seed
    if (reading := detector.extractor_).reads_tokens():
        detector.training_["precision"] = reading.scorer().precision
    del documents[len(used) :]
    tested = [documents[i] for i in np.flatnonzero(~taught)]
    used.loc[taught, "split"] = LEFT_OUT
    used.loc[taught, "probability"] = detector.left_out_[genuine]
    used.loc[~taught, "probability"] = detector.probabilities(tested)
    used["flagged"] = used["probability"] >= detector.thresholds(documents)
    used = used[used["probability"].notna()]
    with timed(log, "measuring", texts=len(used)):
        detector.metrics_ = {**measure(used, detector.fpr), "speed": speed(detector, texts)}
    columns = ["split", "source", "generated", "probability", "flagged"]
    return Trained(detector, used.assign(source=used.get("source", ""))[columns])


def prepared(text: str, max_words: int | None) -> str:
    """A text as it is learned from: canonical, whole sentences of at most so many words."""
    plain = canonicalise(text)
    return crop(plain, max_words) if max_words else plain


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
    """The split of each row: the dataset's own where it has all three, else drawn by prompt."""
    if "split" in frame and set(SPLITS) <= set(frame["split"]):
        return frame["split"].to_numpy(object)
    prompts = frame.get("prompt_id")
    if prompts is None or prompts.nunique() < MIN_PROMPTS:
        get_logger().warning(
            "Texts are split at random, for the dataset has no column of prompts or fewer than "
            "%d of them; figures on topics never seen will be lower than these.",
            MIN_PROMPTS,
        )
    return assign_splits(frame["id"], prompts, seed=seed)


def measure(predictions: pd.DataFrame, fpr: float) -> dict[str, Any]:
    """Figures by split, and by source within each split, as plain values for metrics.json.

    Args:
        predictions: split, generated, probability, flagged and, where known, source, prompt_id.
        fpr: the false-positive rate for which texts were flagged.

    Returns:
        `splits`: split -> figure -> [value, low, high]; `sources`: split -> source -> figure ->
        value (null where a source lacks a class); `fpr`.
    """
    splits: dict[str, Any] = {}
    sources: dict[str, Any] = {}
    for split, part in predictions.groupby("split", sort=False):
        splits[str(split)] = figures(part)
        if "source" in part:
            sources[str(split)] = by_group(part, "source")
    return {"fpr": fpr, "splits": splits, "sources": sources}


def speed(detector: CalibratedClassifier, texts: list[str]) -> dict[str, float]:
    """How fast texts are scored on this machine, nothing cached: of `SPEED_TEXTS` of them.

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


def figures(part: pd.DataFrame) -> dict[str, list[float | None]]:
    """AUROC, TPR at FPR, Brier, ECE, and the real rates at the threshold, each with interval."""
    labels, scores = part["generated"].to_numpy(), part["probability"].to_numpy()
    groups = part["prompt_id"].tolist() if "prompt_id" in part else None
    estimates = metrics.evaluate(labels, scores, groups)
    flagged = part["flagged"].to_numpy(bool)
    estimates["fpr"] = metrics.share(flagged[labels == 0])
    estimates["tpr"] = metrics.share(flagged[labels == 1])
    return {name: [_plain(value) for value in estimate] for name, estimate in estimates.items()}


def by_group(part: pd.DataFrame, by: str) -> dict[str, dict[str, Any]]:
    """The same for each value of a column, without intervals."""
    # one resample: intervals of small groups are not kept
    table = metrics.evaluate_by(part, by, score="probability", flagged="flagged", resamples=1)
    kept = [name for name in table.columns if not name.endswith(("_low", "_high"))]
    return {
        str(value): {name: _plain(row[name]) for name in kept}
        for value, row in table[kept].iterrows()
    }


def _plain(value: float) -> float | None:
    """A number that json knows; None for what is not finite."""
    return float(value) if math.isfinite(value) else None


def _require_both(part: pd.DataFrame, have: str) -> None:
    if set(part["generated"]) != {0, 1}:
        raise DatasetError(
            f"The {have} {len(part)} texts, and not both classes among them; give more "
            "texts, or a column `split` with train, valid and test."
        )
