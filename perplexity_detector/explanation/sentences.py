"""Scores of the sentences of a text, and log-odds of their hidden states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from perplexity_detector.classifier.base import CalibratedClassifier
from perplexity_detector.classifier.passages import PassageDetector
from perplexity_detector.features import network, representation
from perplexity_detector.features.document import Document, select_sentences
from perplexity_detector.features.sentence_evidence import SentenceEvidence
from perplexity_detector.lm.alignment import sentence_of_token

#: The best of the scores in `benchmarks.quality.sentences`.
EVIDENCE = "likeness of hidden states and wording to model-written text"
#: The score of detectors that lack a family for it.
SENTENCE_LOG_ODDS = "log-odds of the sentence alone"
_UNIT = "log-odds"
#: Key of the AUROC of `EVIDENCE` in a detector's metrics.
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
    passages: PassageDetector | None = getattr(classifier, "passage_detector_", None)
    evidence = SentenceEvidence.from_learned(getattr(classifier.extractor_, "learned_", {}))
    of_sentences = np.zeros(0) if evidence is None else evidence.of(document)
    if len(of_sentences):
        values = of_sentences if passages is None else passages.log_odds(of_sentences)
        return SentenceScores(EVIDENCE, _UNIT, values)
    return SentenceScores(SENTENCE_LOG_ODDS, _UNIT, log_odds_of(classifier, windows(document, 0)))


def score_hidden_states(classifier: CalibratedClassifier, document: Document) -> list[float | None]:
    """Log-odds that each sentence is generated, by its own hidden states.

    Args:
        classifier: fitted.
        document: with hidden states as the classifier read them, and with token statistics,
            which tell which sentences have states.

    Returns:
        One value a sentence: the mean of the family `representation`'s networks, shrunk towards
        that of the whole text (`representation.sentence_log_odds`). None for a sentence without
        states, which may be a last sentence of a single token; for all of them if the classifier
        lacks the family, or if the states of neighbouring sentences were averaged together.
    """
    values: list[float | None] = [None] * len(document.sentence_spans)
    learned = _learned(classifier, "representation")
    states = document.states
    if learned is None or not states.means.size:
        return values
    # states are pooled by this assignment, and the last token has none
    sentence = sentence_of_token(document.sentence_spans, document.statistics.offsets[:-1])
    with_states, tokens = np.unique(sentence, return_counts=True)
    if not np.array_equal(tokens, states.tokens):
        return values
    arrays = network.in_single_precision(learned)
    log_odds = representation.sentence_log_odds(document, arrays)
    for index, value in zip(with_states.tolist(), log_odds.tolist(), strict=True):
        values[index] = value
    return values


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


def _learned(classifier: CalibratedClassifier, family: str) -> dict[str, np.ndarray] | None:
    """The arrays of a learned family; None if the classifier lacks it."""
    learned: dict[str, dict[str, np.ndarray]] = getattr(classifier.extractor_, "learned_", {})
    return learned.get(family)
