"""Scores of the sentences of a text: higher = more likely generated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from perplexity_detector.classifier.base import CalibratedClassifier
from perplexity_detector.features import contrast
from perplexity_detector.features.document import Document, select_sentences

#: The best of the scores in `benchmarks.quality.sentences`: an n-gram log-likelihood ratio.
NGRAM_RATIO = "resemblance of the wording to model-written text"
#: The score of detectors without the family `contrast`.
SENTENCE_LOG_ODDS = "log-odds of the sentence alone"
#: Key of the AUROC of `NGRAM_RATIO` in a detector's metrics.
AUROC = "sentence_auroc"


class SentenceScores(NamedTuple):
    """Scores of the sentences of a text; 0 favours neither class.

    Attributes:
        name: what they measure.
        unit: of the values.
        values: shape (sentences,).
    """

    name: str
    unit: str
    values: np.ndarray


def score_sentences(classifier: CalibratedClassifier, document: Document) -> SentenceScores:
    """Score the sentences of a document without another pass of the language model.

    Args:
        classifier: fitted.
        document: as the classifier read it.
    """
    learned = getattr(classifier.extractor_, "learned_", {}).get("contrast")
    if learned is not None:
        return SentenceScores(NGRAM_RATIO, "nats", contrast.sentence_log_ratios(document, learned))
    return SentenceScores(
        SENTENCE_LOG_ODDS, "log-odds", log_odds_of(classifier, windows(document, 0))
    )


def windows(document: Document, reach: int) -> list[Document]:
    """One document per sentence: the sentence and up to `reach` neighbours on each side."""
    sentences = np.arange(len(document.sentence_spans))
    return [select_sentences(document, np.abs(sentences - centre) <= reach) for centre in sentences]


def log_odds_of(classifier: CalibratedClassifier, documents: Sequence[Document]) -> np.ndarray:
    """Calibrated log-odds of n documents, shape (n,)."""
    if not documents:
        return np.zeros(0)
    scores = classifier.raw_scores(classifier.compute_features(documents))
    return classifier.calibrator_.log_odds(scores)
