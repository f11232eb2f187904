"""The task of `predict`: probabilities, verdicts and details of each chunk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from perplexity_detector.classifier.provenance import Provenance
from perplexity_detector.explanation.explainable import ExplainableClassifier
from perplexity_detector.io.results_folder import TEXT_SHA256
from perplexity_detector.pipelines.predict import (
    DETAILS,
    RAW_SCORE,
    RESULTS,
    chunk_rows,
    run_fingerprint,
    score,
    text_hashes,
)


class PredictTask:
    """Probabilities, verdicts and details, as `predict` writes them.

    Args:
        detector: trained.
        details: write verdict, note, words, words_read, tokens, why, flags and problem as well, the
            hash of each text, and the provenance of the results.
        raw: write probabilities that are not rounded, and the scores before calibration.
        name: of the detector, for the provenance.
    """

    def __init__(
        self,
        detector: ExplainableClassifier,
        details: bool = False,
        raw: bool = False,
        name: str | None = None,
    ) -> None:
        self.detector = detector
        self.details = details
        self.raw = raw
        self.name = name
        columns = [*DETAILS, TEXT_SHA256] if details else list(RESULTS)
        if raw:
            columns.insert(columns.index("generated") + 1, RAW_SCORE)
        self.columns: Sequence[str] = columns
        self.chunk_rows = chunk_rows(detector.extractor_)

    def fingerprint(self) -> dict[str, object]:
        """As a run with one file has it."""
        return run_fingerprint(self.detector, self.columns)

    def provenance(self) -> dict[str, Any] | None:
        """As a run with one file has it."""
        return Provenance.of(self.detector, self.name).to_dict() if self.details else None

    def __call__(self, chunk: pd.DataFrame) -> pd.DataFrame:
        """See `pipelines.predict.score`."""
        results = score(chunk, self.detector, self.details, self.raw)
        if self.details:
            results[TEXT_SHA256] = text_hashes(chunk)
        return results
