"""Evidence for each token of a text: surprisal, rank, entropy and n-gram log ratio."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np

from perplexity_detector.classifier.base import CalibratedClassifier
from perplexity_detector.features.contrast import token_log_ratios
from perplexity_detector.features.document import Document
from perplexity_detector.features.extractor import FeatureExtractor


@dataclass(frozen=True)
class TokenEvidence:
    """The n tokens of a text; none if the detector uses no language model.

    Attributes:
        start: offset of the first character, int of shape (n,); a token may include a leading
            space.
        end: offset after the last character, int of shape (n,).
        surprisal: in nats, shape (n,).
        rank: among the model's guesses, from 1, shape (n,).
        entropy: of the model's prediction, in nats, shape (n,).
        contrast: ln p by n-grams of generated texts minus ln p by n-grams of human texts, in
            nats, shape (n,); None without the family `contrast`.
    """

    start: np.ndarray
    end: np.ndarray
    surprisal: np.ndarray
    rank: np.ndarray
    entropy: np.ndarray
    contrast: np.ndarray | None


def ensure_statistics(classifier: CalibratedClassifier, document: Document) -> Document:
    """The document with token statistics, read by the full model if it lacks them.

    The document is returned unchanged if the detector uses no language model.
    """
    extractor = classifier.extractor_
    single = type(extractor) is FeatureExtractor  # a pair of models has other statistics
    if classifier.language_model_ is None or (single and len(document.statistics)):
        return document
    full_model = asdict(replace(extractor.reading_options, depth=1.0))
    reader = FeatureExtractor(["perplexity"], canonical=False, **full_model)
    return replace(document, statistics=reader.read_documents([document.text])[0].statistics)


def token_evidence(classifier: CalibratedClassifier, document: Document) -> TokenEvidence:
    """The evidence for the tokens of a document that has token statistics."""
    statistics = document.statistics
    learned = getattr(classifier.extractor_, "learned_", {}).get("contrast")
    contrast = None
    if learned is not None:
        log_ratios = token_log_ratios(document, learned)
        contrast = realign(log_ratios, document.tokens.offsets, statistics.offsets)
    return TokenEvidence(
        statistics.offsets[:, 0],
        statistics.offsets[:, 1],
        statistics.surprisal,
        statistics.rank,
        statistics.entropy,
        contrast,
    )


def realign(values: np.ndarray, spans: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Distribute the values of some spans of a text over other spans, character by character.

    The value of a span is divided evenly among its characters, and the value of a character
    evenly among the other spans that cover it. The sum is kept if the other spans cover the same
    characters.

    Args:
        values: shape (n,).
        spans: offset of the first character and after the last one, shape (n, 2).
        others: the same of the other spans, shape (m, 2).

    Returns:
        Shape (m,).

    Example:
        >>> thirds = np.array([[0, 1], [1, 2], [2, 3]])
        >>> realign(np.array([3.0]), np.array([[0, 3]]), thirds).tolist()
        [1.0, 1.0, 1.0]
    """
    length = int(max(spans.max(initial=0), others.max(initial=0)))
    per_character = np.zeros(length)
    coverage = np.zeros(length)
    for (start, end), value in zip(spans, values, strict=True):
        per_character[start:end] += value / max(1, end - start)
    for start, end in others:
        coverage[start:end] += 1
    share = per_character / np.maximum(coverage, 1)
    return np.array([share[start:end].sum() for start, end in others], np.float64)
