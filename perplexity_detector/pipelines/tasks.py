"""Tasks: what a run computes of each chunk of a dataset, on whichever machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from perplexity_detector.classifier.provenance import Provenance
from perplexity_detector.detectors.loading import detector_name, load_detector
from perplexity_detector.explanation.explainable import ExplainableClassifier
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.registry import available_families, default_families
from perplexity_detector.io.results_folder import TEXT_SHA256
from perplexity_detector.pipelines.predict import (
    DETAILS,
    RAW_SCORE,
    RESULTS,
    chunk_rows,
    run_fingerprint,
    score,
    text_hashes,
    use_worker_processes,
)
from perplexity_detector.text import preprocess


class Task(Protocol):
    """What is computed of each chunk.

    Attributes:
        columns: of the results that are written.
        chunk_rows: rows that are computed together.
    """

    columns: Sequence[str]
    chunk_rows: int

    def fingerprint(self) -> dict[str, object]:
        """What the results depend on, apart from the texts; plain values."""

    def provenance(self) -> dict[str, Any] | None:
        """What is written next to the results of what they were made with; None for nothing."""

    def __call__(self, chunk: pd.DataFrame) -> pd.DataFrame:
        """The results of a chunk, one row each, with at least `columns`."""


#: Makes a task on the machine that needs it. It travels there, so it is a function of a module,
#: or a `functools.partial` of one.
LoadTask = Callable[[], Task]


class PredictTask:
    """Probabilities, verdicts and details, as `predict` writes them.

    Args:
        detector: trained.
        details: write verdict, note, words, tokens, why, flags and problem as well, the hash of
            each text, and the provenance of the results.
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


class FeaturesTask:
    """Features of each text; those of a row with a problem are missing.

    Args:
        extractor: fitted.
        max_words: cut texts as training does, to whole sentences of at most this many words. What
            training reads of them is then read as well, so that it is in the cache, if there is
            one. If not given, texts are read whole.
    """

    def __init__(self, extractor: FeatureExtractor, max_words: int | None = None) -> None:
        self.extractor = extractor
        self.max_words = max_words
        self.columns: Sequence[str] = ["id", *extractor.get_feature_names_out().tolist()]
        self.chunk_rows = chunk_rows(extractor)

    def fingerprint(self) -> dict[str, object]:
        """What the features depend on, apart from the texts."""
        extractor = self.extractor
        available = available_families(extractor.depth)
        return {
            "set of columns": self.columns,
            "versions of families": [
                available[family.name].version for family in extractor.chosen_families()
            ],
            "language model": extractor.scorer().fingerprint if extractor.reads_tokens() else None,
            "max_words": self.max_words,
            "device": "cuda" if extractor.uses_gpu() else "cpu",
            "precision": extractor.precision,
            "use of a cache": extractor.cache is not None,
        }

    def provenance(self) -> dict[str, Any] | None:
        """None: a table of features in one file has none either."""
        return None

    def __call__(self, chunk: pd.DataFrame) -> pd.DataFrame:
        """The columns id, problem and those of the features."""
        names = list(self.columns[1:])
        usable = (chunk["problem"] == "").to_numpy()
        table = np.full((len(chunk), len(names)), np.nan)
        if usable.any():
            table[usable] = self._features(chunk["text"][usable].tolist())
        rows = chunk[["id", "problem"]].reset_index(drop=True)
        return pd.concat([rows, pd.DataFrame(table, columns=names)], axis=1)

    def _features(self, texts: list[str]) -> np.ndarray:
        if self.max_words is None:
            return self.extractor.transform(texts)
        documents = self._reader().read_documents(
            [preprocess(text, self.max_words) for text in texts]
        )
        return self.extractor.transform_documents(documents)

    def _reader(self) -> FeatureExtractor:
        """An extractor that reads what training needs too, if that is to be cached."""
        extractor = self.extractor
        if extractor.cache is None or not extractor.reads_tokens():
            return extractor
        chosen = [family.name for family in extractor.chosen_families()]
        families = [*chosen, *default_families(extractor.depth)]
        return FeatureExtractor(
            **{**extractor.get_params(deep=False), "families": list(dict.fromkeys(families))}
        )


def load_predict_task(
    data: str | Path,
    detector: str | None = None,
    lm: str | None = None,
    fpr: float | None = None,
    details: bool = False,
    raw: bool = False,
    worker_processes: bool = False,
    **extractor: Any,
) -> PredictTask:
    """Load a detector and make the task of it.

    Args:
        data: the folder with the published detector.
        detector: a folder, or the name of a shipped detector; see `load_detector`.
        lm: where its language model lies, if not where it lay in training.
        fpr: false-positive rate of verdicts; the detector's own if not given.
        details: see `PredictTask`.
        raw: see `PredictTask`.
        worker_processes: whether processes make features while a GPU reads.
        **extractor: settings of the extractor to change.
    """
    loaded = load_detector(Path(data), detector, lm, fpr, **extractor)
    if worker_processes:
        use_worker_processes(loaded.extractor_)
    return PredictTask(loaded, details, raw, detector_name(Path(data), detector))


def load_features_task(
    max_words: int | None = None, worker_processes: bool = False, **extractor: Any
) -> FeaturesTask:
    """Make an extractor and the task of it.

    Args:
        max_words: see `FeaturesTask`.
        worker_processes: whether processes make features while a GPU reads.
        **extractor: settings of the extractor.
    """
    made = FeatureExtractor(**extractor).fit()
    if worker_processes:
        use_worker_processes(made)
    return FeaturesTask(made, max_words)
