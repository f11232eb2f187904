"""What there is to say of texts that were read: probability, verdict, counts, reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from perplexity_detector.classifier.prose_check import is_prose
from perplexity_detector.classifier.verdicts import verdicts

if TYPE_CHECKING:
    from perplexity_detector.classifier.base import CalibratedClassifier
    from perplexity_detector.features.family import Document

#: Share of generated texts that may lie under the threshold of the verdict `human`.
MISS_RATE = 0.05


def assessment(
    classifier: CalibratedClassifier,
    texts: Sequence[str],
    documents: Sequence[Document],
    view: Any,
    why: bool,
) -> pd.DataFrame:
    """As `CalibratedClassifier.assess`, of texts already read.

    Args:
        classifier: trained.
        texts: as they were given, shape (n,).
        documents: what it read of them.
        view: what it made of these.
        why: whether to give reasons.
    """
    probabilities = classifier.calibrator_.probabilities(classifier.margins(view))
    words = [len(document.words) for document in documents]
    upper = classifier.thresholds(documents)
    lower = classifier.calibrator_.threshold_at_miss(MISS_RATE)
    prose = [is_prose(text) for text in texts]
    kept = classifier.calibrator_.keeps(classifier.fpr)
    told = verdicts(probabilities, words, upper, lower, classifier.unlike(view), prose, kept)
    frame = pd.DataFrame(told, columns=["verdict", "note"])
    frame.insert(0, "probability", probabilities)
    frame["words"] = words
    frame["tokens"] = [document.token_count for document in documents]
    if why:
        frame["why"] = classifier.reasons(view, probabilities)
    return frame
