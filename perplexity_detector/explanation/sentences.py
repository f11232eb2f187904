"""How far each sentence of a text speaks for `generated`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from perplexity_detector.classifier.base import CalibratedClassifier
from perplexity_detector.features import contrast
from perplexity_detector.features.document import Document, select_sentences

#: Of the scores that `benchmarks.quality.sentences` compares, the one that found most.
NGRAM_RATIO = "likeness of its wording to models' prose"
#: What is told where a detector has not learned that.
SENTENCE_LOG_ODDS = "log-odds of the sentence alone"
#: Under this name, what `NGRAM_RATIO` reaches is among a detector's metrics.
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


def score_sentences(classifier: CalibratedClassifier, document: Document) -> SentenceScores:
    """Scores from what the reading of the whole text left; nothing is read again.

    Args:
        classifier: trained.
        document: as it read it.
    """
    learned = getattr(classifier.extractor_, "learned_", {}).get("contrast")
    if learned is not None:
        return SentenceScores(NGRAM_RATIO, "nats", contrast.sentence_log_ratios(document, learned))
    return SentenceScores(
        SENTENCE_LOG_ODDS, "log-odds", log_odds_of(classifier, windows(document, 0))
    )


def windows(document: Document, reach: int) -> list[Document]:
    """Each sentence of a document with so many of its neighbours to each side, as a document."""
    places = np.arange(len(document.sentence_spans))
    return [select_sentences(document, np.abs(places - place) <= reach) for place in places]


def log_odds_of(classifier: CalibratedClassifier, documents: Sequence[Document]) -> np.ndarray:
    """Log-odds of documents after calibration, shape (n,)."""
    if not documents:
        return np.zeros(0)
    scores = classifier.raw_scores(classifier.compute_features(documents))
    return classifier.calibrator_.log_odds(scores)
