"""What the language model, and the contrast of two readings, say of each token of a text."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np

from perplexity_detector.classifier.base import CalibratedClassifier
from perplexity_detector.features import ngrams
from perplexity_detector.features.document import Document
from perplexity_detector.features.extractor import FeatureExtractor


@dataclass(frozen=True)
class TokenEvidence:
    """The n tokens of a text; none where the detector asked no language model.

    Attributes:
        start: first character of each, int of shape (n,); a token may carry its leading space.
        end: the character after its last.
        surprisal: in nats, shape (n,).
        rank: among the model's guesses, from 1.
        entropy: of the model's prediction, in nats.
        contrast: ln p of models' prose - ln p of people's, in nats; None without such a family.
    """

    start: np.ndarray
    end: np.ndarray
    surprisal: np.ndarray
    rank: np.ndarray
    entropy: np.ndarray
    contrast: np.ndarray | None


def ensure_statistics(classifier: CalibratedClassifier, document: Document) -> Document:
    """The document with token statistics, read by the whole model if it lacks them.

    Unchanged if the detector uses no language model.
    """
    extractor = classifier.extractor_
    plain = type(extractor) is FeatureExtractor  # a pair of models leaves statistics of its own
    if classifier.language_model_ is None or (plain and len(document.statistics)):
        return document
    whole_model = asdict(replace(extractor.reading_options, depth=1.0))
    reader = FeatureExtractor(["perplexity"], canonical=False, **whole_model)
    return replace(document, statistics=reader.read_documents([document.text])[0].statistics)


def token_evidence(classifier: CalibratedClassifier, document: Document) -> TokenEvidence:
    """Of a document with statistics."""
    statistics = document.statistics
    learned = getattr(classifier.extractor_, "learned_", {}).get("contrast")
    contrast = None
    if learned is not None:
        people, models = ngrams.log_probabilities(learned, [document.tokens.ids]).astype(float)
        contrast = realign(models - people, document.tokens.offsets, statistics.offsets)
    return TokenEvidence(
        statistics.offsets[:, 0],
        statistics.offsets[:, 1],
        statistics.surprisal,
        statistics.rank,
        statistics.entropy,
        contrast,
    )


def realign(values: np.ndarray, spans: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Values of some spans of a text, shared out among other spans, character by character.

    A character holds an even share of the value of each span that covers it, and gives it to the
    spans that cover it among the others, in even shares again: the sum stays, if the others
    cover as much.

    Args:
        values: shape (n,).
        spans: first and past-the-last character of each, shape (n, 2).
        others: shape (m, 2).

    Returns:
        Shape (m,).

    Example:
        >>> thirds = np.array([[0, 1], [1, 2], [2, 3]])
        >>> shared_out(np.array([3.0]), np.array([[0, 3]]), thirds).tolist()
        [1.0, 1.0, 1.0]
    """
    length = int(max(spans.max(initial=0), others.max(initial=0)))
    held = np.zeros(length)
    takers = np.zeros(length)
    for (start, end), value in zip(spans, values, strict=True):
        held[start:end] += value / max(1, end - start)
    for start, end in others:
        takers[start:end] += 1
    share = held / np.maximum(takers, 1)
    return np.array([share[start:end].sum() for start, end in others], np.float64)
