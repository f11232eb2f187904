"""How detectors and baselines are judged on the texts of a fold."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.quality.fold_data import RATES, Texts, figures
from benchmarks.quality.protocol import Fold
from perplexity_detector.classifier.base import CalibratedClassifier
from perplexity_detector.evaluation import metrics
from perplexity_detector.features.document import Document

Figures = dict[str, float]


class Judge:
    """The tested texts of a fold, and how detectors are judged on them.

    Args:
        texts: all texts.
        fold: of them.
    """

    def __init__(self, texts: Texts, fold: Fold) -> None:
        self.fold = fold
        self.labels = texts.labels[fold.tested]
        self.tokens = texts.tokens[fold.tested]
        self.new_people = fold.new[fold.tested] & (self.labels == 0)
        self.prompts = texts.rows["prompt_id"][fold.tested].tolist()

    def figures(self, probabilities: np.ndarray, thresholds: Any, intervals: bool) -> Any:
        """`left_out.figures`; with intervals of the first five, by bootstrap over prompts."""
        at = np.stack([thresholds(rate, self.tokens) for rate in RATES])
        found: dict[str, Any] = figures(self.fold, self.labels, probabilities, at)
        if intervals:
            estimates = metrics.evaluate(self.labels, probabilities, self.prompts, resamples=400)
            found["intervals"] = {name: list(values[1:]) for name, values in estimates.items()}
        return found


def baseline_figures(
    baseline: CalibratedClassifier,
    texts: Texts,
    place: np.ndarray,
    judge: Judge,
    intervals: bool = False,
) -> Figures:
    """What an untrained baseline reaches on a fold once it has learned from texts at `place`."""
    told = [texts.documents[i] for i in place]
    tested = [texts.documents[i] for i in np.flatnonzero(judge.fold.tested)]
    if not baseline.new_extractor().reads_tokens():  # as a user has it: no lengths in tokens
        told, tested = ([Document(one.text) for one in part] for part in (told, tested))
    rows = texts.rows.iloc[place]
    baseline.fit_documents(
        told, texts.labels[place], rows["prompt_id"].tolist(), rows["source"].tolist()
    )
    found: Figures = judge.figures(
        baseline.probabilities(tested), baseline.calibrator_.thresholds, intervals
    )
    return found
