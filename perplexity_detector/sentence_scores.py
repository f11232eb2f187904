"""How far each sentence of a text speaks for `generated`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perplexity_detector.features.excerpt import excerpt
from perplexity_detector.features.family import Document

if TYPE_CHECKING:
    from perplexity_detector.classifier import CalibratedClassifier


def sentence_scores(classifier: CalibratedClassifier, document: Document) -> np.ndarray:
    """By how much the log-odds of the text fall when a sentence is left out, shape (sentences,)."""
    count = len(document.sentence_spans)
    if not count:
        return np.zeros(0)
    without = [excerpt(document, np.arange(count) != left_out) for left_out in range(count)]
    margins = classifier.margins(classifier.view([document, *without]))
    return np.asarray(classifier.calibrator_.slope * (margins[0] - margins[1:]))
