"""How far each sentence of a text speaks for `generated`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from perplexity_detector.features.excerpt import excerpt
from perplexity_detector.features.family import Document

if TYPE_CHECKING:
    from perplexity_detector.classifier import CalibratedClassifier

#: Of the scores that `benchmarks/sentences.py` compares, the one that is told.
NAME = "log-odds with a sentence to each side"
UNIT = "log-odds"
#: Sentences to each side that are read with a sentence.
REACH = 1
#: Under this name, what it reaches is among a detector's metrics.
AUROC = "sentence_auroc"


def sentence_scores(classifier: CalibratedClassifier, document: Document) -> np.ndarray:
    """Log-odds of each sentence with `REACH` sentences to each side, shape (sentences,).

    Nothing is read again: each is scored by what the reading of the whole text left of it.
    """
    return margins_of(classifier, windows(document, REACH))


def windows(document: Document, reach: int) -> list[Document]:
    """Each sentence of a document with so many of its neighbours to each side, as a document."""
    places = np.arange(len(document.sentence_spans))
    return [excerpt(document, np.abs(places - place) <= reach) for place in places]


def left_out(classifier: CalibratedClassifier, document: Document) -> np.ndarray:
    """By how much the log-odds of the text fall when a sentence is left out, shape (sentences,)."""
    places = np.arange(len(document.sentence_spans))
    rest = [excerpt(document, places != place) for place in places]
    margins = margins_of(classifier, [document, *rest])
    return np.asarray(margins[0] - margins[1:])


def margins_of(classifier: CalibratedClassifier, documents: Sequence[Document]) -> np.ndarray:
    """Log-odds of documents after calibration, shape (n,)."""
    if not documents:
        return np.zeros(0)
    calibrator = classifier.calibrator_
    margins = classifier.margins(classifier.view(documents))
    return np.asarray(calibrator.slope * margins + calibrator.intercept)
