"""Assessment: what a detector found of one text, from its features to its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perplexity_detector.classifier.passages import Passages
from perplexity_detector.features.document import Document
from perplexity_detector.flags import Flag


@dataclass(frozen=True)
class Assessment:
    """One text with its features, score, probability, thresholds and verdict.

    Attributes:
        document: the text in canonical form, with what was read of it.
        features: of the document, as `CalibratedClassifier.compute_features` gives them; one row.
        raw_score: before calibration; higher for generated.
        probability: that a language model wrote the text.
        human_threshold: below it the verdict is `human`; -infinity where there is none.
        generated_threshold: from it on the verdict is `generated`; infinity where no threshold
            keeps the false-positive rate for such a text.
        verdict: `human`, `generated`, `uncertain` or `mixed`.
        note: why it is uncertain; otherwise empty.
        flags: what is odd in the text as it was given; no part of the features or the verdict.
        passages: that read as generated, marked where the text says enough for a verdict; None
            if it does not, or if the detector marks none.
        settled_early: whether the first detector of a cascade gave the verdict; the features are
            that detector's then.
        n_words_of_document: words of the long document of which the text is a sample; None if the
            text is all there is.
    """

    document: Document
    features: Any
    raw_score: float
    probability: float
    human_threshold: float
    generated_threshold: float
    verdict: str
    note: str
    flags: tuple[Flag, ...]
    passages: Passages | None = None
    settled_early: bool = False
    n_words_of_document: int | None = None

    @property
    def is_flagged(self) -> bool:
        """Whether the probability reaches the threshold for generated."""
        return self.probability >= self.generated_threshold

    @property
    def n_words(self) -> int:
        """Words of the text, or of the document of which it is a sample."""
        return self.n_words_read if self.n_words_of_document is None else self.n_words_of_document

    @property
    def n_words_read(self) -> int:
        """Words that were read."""
        return len(self.document.words)

    @property
    def n_tokens(self) -> int:
        """Tokens that were read; 0 if no language model read them."""
        return self.document.token_count


def stack_features(assessments: Sequence[Assessment]) -> Any:
    """Features of n assessments, n > 0, in the form in which they were computed together."""
    rows = [one.features for one in assessments]
    return np.stack(rows) if isinstance(rows[0], np.ndarray) else rows
