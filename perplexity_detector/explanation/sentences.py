"""How far each sentence of a text speaks for `generated`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from perplexity_detector.features import contrast
from perplexity_detector.features.excerpt import excerpt
from perplexity_detector.features.family import Document

if TYPE_CHECKING:
    from perplexity_detector.classifier.base import CalibratedClassifier

#: Of the scores that `benchmarks/sentences.py` compares, the one that found most.
WORDING = "likeness of its wording to models' prose"
#: What is told where a detector has not learned that.
ALONE = "log-odds of the sentence alone"
#: Under this name, what `WORDING` reaches is among a detector's metrics.
AUROC = "sentence_auroc"


class SentenceScores(NamedTuple):
    """Scores of the sentences of a text; 0 speaks for neither side.

    Attributes:
        name: what they are.
        unit: of the values.
        values: shape (sentences,).
    """

    name: str
    unit: str
    values: np.ndarray


def sentence_scores(classifier: CalibratedClassifier, document: Document) -> SentenceScores:
    """Scores from what the reading of the whole text left; nothing is read again.

    Args:
        classifier: trained.
        document: as it read it.
    """
    learned = getattr(classifier.extractor_, "learned_", {}).get("contrast")
    if learned is not None:
        return SentenceScores(WORDING, "nats", contrast.sentence_scores(document, learned))
    return SentenceScores(ALONE, "log-odds", margins_of(classifier, windows(document, 0)))


def windows(document: Document, reach: int) -> list[Document]:
    """Each sentence of a document with so many of its neighbours to each side, as a document."""
    places = np.arange(len(document.sentence_spans))
    return [excerpt(document, np.abs(places - place) <= reach) for place in places]


def margins_of(classifier: CalibratedClassifier, documents: Sequence[Document]) -> np.ndarray:
    """Log-odds of documents after calibration, shape (n,)."""
    if not documents:
        return np.zeros(0)
    calibrator = classifier.calibrator_
    margins = classifier.margins(classifier.view(documents))
    return np.asarray(calibrator.slope * margins + calibrator.intercept)
