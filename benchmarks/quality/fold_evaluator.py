"""Metrics of detectors and baselines on the test texts of a fold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.quality.fold_data import Texts
from benchmarks.quality.protocol import Fold
from perplexity_detector.classifier.base import CalibratedClassifier
from perplexity_detector.detectors import registry
from perplexity_detector.evaluation import metrics
from perplexity_detector.features.document import Document
from perplexity_detector.features.extractor import FeatureExtractor

Metrics = dict[str, float]
#: False-positive rates whose thresholds are set on training texts and checked on held-out ones.
RATES = (0.01, 0.05)


class FoldEvaluator:
    """The test texts of a fold, and the metrics of detectors on them.

    Args:
        texts: all texts.
        fold: of them.
    """

    def __init__(self, texts: Texts, fold: Fold) -> None:
        self.fold = fold
        self.labels = texts.labels[fold.test]
        self.documents = [texts.documents[i] for i in np.flatnonzero(fold.test)]
        self.held_out_human = fold.held_out[fold.test] & (self.labels == 0)
        self.prompts = texts.rows["prompt_id"][fold.test].tolist()

    def metrics(
        self,
        probabilities: np.ndarray,
        thresholds: Callable[[list[Document], float], np.ndarray],
        intervals: bool,
    ) -> Any:
        """`compute_metrics`, with 95 % intervals by bootstrap over prompts if wanted.

        Args:
            probabilities: of the test texts, shape (n,).
            thresholds: documents and a false-positive rate -> thresholds, shape (n,).
            intervals: whether to compute them.
        """
        by_rate = np.stack([thresholds(self.documents, rate) for rate in RATES])
        found: dict[str, Any] = compute_metrics(self.fold, self.labels, probabilities, by_rate)
        if intervals:
            estimates = metrics.evaluate(self.labels, probabilities, self.prompts, resamples=400)
            found["intervals"] = {name: list(values[1:]) for name, values in estimates.items()}
        return found


def make_baseline(name: str, extractor: FeatureExtractor) -> CalibratedClassifier:
    """An unfitted baseline that shares the extractor's language model and cache.

    A forked process can use a language model that was loaded before the fork; one that it loads
    itself waits for threads that do not exist.
    """
    shared = registry.extractor_settings(name) & {"lm", "precision", "cache"}
    settings = {setting: getattr(extractor, setting) for setting in shared}
    return registry.make_detector(name, **settings)


def fit_baseline(baseline: CalibratedClassifier, texts: Texts, train_idx: np.ndarray) -> None:
    """Fit a baseline on the texts of `train_idx`."""
    rows = texts.rows.iloc[train_idx]
    baseline.fit_documents(
        _documents(baseline, texts, train_idx),
        texts.labels[train_idx],
        rows["prompt_id"].tolist(),
        rows["source"].tolist(),
    )


def baseline_metrics(
    baseline: CalibratedClassifier, texts: Texts, evaluator: FoldEvaluator, intervals: bool = False
) -> Metrics:
    """Metrics of a fitted baseline on a fold."""
    documents = _documents(baseline, texts, np.flatnonzero(evaluator.fold.test))
    found: Metrics = evaluator.metrics(
        baseline.probabilities(documents),
        lambda _, rate: baseline.thresholds(documents, rate),
        intervals,
    )
    return found


def _documents(baseline: CalibratedClassifier, texts: Texts, index: np.ndarray) -> list[Document]:
    """Texts as users of the baseline have them: without lengths in tokens if it reads none."""
    documents = [texts.documents[i] for i in index]
    if baseline.new_extractor().reads_tokens():
        return documents
    return [Document(one.text) for one in documents]


def compute_metrics(
    fold: Fold, labels: np.ndarray, probabilities: np.ndarray, thresholds: np.ndarray
) -> Metrics:
    """Metrics on the test texts of a fold, and the rates flagged among its held-out texts.

    Args:
        fold: n of its texts are tested.
        labels: shape (n,).
        probabilities: shape (n,).
        thresholds: for each rate of `RATES` at each text's length, shape (rates, n).

    Returns:
        `auroc`, `tpr_at_1`, `tpr_at_5`, `brier`, `ece`; `n_human` and `n_generated`, the numbers
        of held-out texts; for each rate `fpr_1`, `tpr_1`, ...: the share of them at or above the
        threshold.
    """
    held_out = fold.held_out[fold.test]
    found = {
        "auroc": metrics.auroc(labels, probabilities),
        "tpr_at_1": metrics.tpr_at_fpr(labels, probabilities, 0.01),
        "tpr_at_5": metrics.tpr_at_fpr(labels, probabilities, 0.05),
        "brier": metrics.brier(labels, probabilities),
        "ece": metrics.expected_calibration_error(labels, probabilities),
        "n_human": float((held_out & (labels == 0)).sum()),
        "n_generated": float((held_out & (labels == 1)).sum()),
    }
    for rate, threshold in zip(RATES, thresholds, strict=True):
        flagged = probabilities >= threshold
        for name, label in (("fpr", 0), ("tpr", 1)):
            chosen = flagged[held_out & (labels == label)]
            if chosen.size:
                found[f"{name}_{rate * 100:g}"] = float(chosen.mean())
    return found
