"""A dataset in, results out, a chunk at a time: memory does not grow with the rows."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from itertools import compress
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from tqdm import tqdm

from perplexity_detector.classifier.provenance import Provenance, detector_sha256, text_sha256
from perplexity_detector.classifier.verdicts import UNCERTAIN
from perplexity_detector.explanation.explainable import ExplainableClassifier
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.flags import join_sentences
from perplexity_detector.io.documents.extracted import SCAN, describe, flags_of
from perplexity_detector.io.results_metadata import MetadataWriter
from perplexity_detector.io.results_writer import ResultsWriter
from perplexity_detector.io.row_problems import ProblemReport
from perplexity_detector.lm.kernels.device import resolve_device
from perplexity_detector.pipelines.reports import ReportsFolder

#: Kaggle's columns.
RESULTS = ("id", "generated")
DETAILS = (
    "id", "generated", "verdict", "note", "words", "words_read", "tokens", "passages",
    "share_generated", "share_low", "share_high", "why", "flags", "problem",
)  # fmt: skip
#: What is written of documents as well: deleted, hidden and other passages that were not read.
DOCUMENT_DETAILS = (*DETAILS, "left_out")
#: The column of scores before calibration, after `generated`, where unrounded scores are written.
RAW_SCORE = "raw_score"
#: The probability of a row that could not be read: nothing is known of it.
MISSING_PROBABILITY = 0.5
#: Rows read and scored together: some seconds of reading, so that a progress bar moves.
CHUNK_ROWS = 64
#: The same on a GPU, which idles at the beginning and end of a chunk.
CHUNK_ROWS_GPU = 4096


def predict(
    chunks: Iterable[pd.DataFrame],
    detector: ExplainableClassifier,
    output: str | Path,
    details: bool = False,
    why: bool = False,
    resume: bool = False,
    raw: bool = False,
    name: str | None = None,
    documents: bool = False,
    reports: ReportsFolder | None = None,
) -> Iterator[pd.DataFrame]:
    """Score chunks of a dataset and write the results, which appear when they are whole.

    A row that could not be read keeps its id, with the probability one half, the verdict
    `uncertain` and its problem. What an interrupted run has written is kept next to the
    output, as whole chunks; see `ResumableFile`.

    With `details`, the provenance of the results and the hash of each text are written to a file
    next to the output: `results.meta.json` for `results.csv`.

    Args:
        chunks: frames with id, text, line and problem.
        detector: trained.
        output: a csv, or `-` for standard output.
        details: write verdict, note, words, words_read, tokens, why, flags and problem as well.
        why: find the reasons, though they are not written.
        resume: continue after the chunks that such a run has written.
        raw: write probabilities that are not rounded, and the scores before calibration.
        name: of the detector, for the provenance.
        documents: the chunks are of documents: details tell what was left out of them.
        reports: where to write a report on each text; the detector is then exhaustive, so that
            the results agree with the reports.

    Yields:
        The results of each chunk that is scored, with the columns of `DETAILS` or
        `DOCUMENT_DETAILS`, and `RAW_SCORE`.

    Raises:
        InputError: the rows there belong to another dataset, detector or settings.
    """
    if reports is not None and not detector.exhaustive:
        detector = copy(detector)
        detector.exhaustive = True
    columns = list(RESULTS if not details else DOCUMENT_DETAILS if documents else DETAILS)
    if raw:
        columns.insert(columns.index("generated") + 1, RAW_SCORE)
    with (
        MetadataWriter(output) as metadata,
        ResultsWriter(output, columns, run_fingerprint(detector, columns), resume) as results,
    ):
        if details and results.is_file:
            metadata.begin({"provenance": Provenance.of(detector, name).to_dict()})
            chunks = _with_hashes(chunks, metadata)
        for chunk in _with_progress(results.skip_written(chunks)):
            scored = score(chunk, detector, details or why or reports is not None, raw)
            if reports is not None:
                reports.add(scored, chunk)
            results.write(scored, chunk)
            yield scored
    if reports is not None:
        reports.finish()


def run_fingerprint(detector: ExplainableClassifier, columns: Sequence[str]) -> dict[str, object]:
    """What the results depend on, apart from the texts."""
    extractor = detector.extractor_
    return {
        "set of columns": list(columns),
        "detector": detector_sha256(detector),
        "language model": detector.language_model_,
        "fpr": detector.fpr,
        "exhaustive": detector.exhaustive,
        "device": str(resolve_device(extractor.device)),
        "precision": extractor.resolved_precision(),
        "use of a cache": extractor.cache is not None,  # which rounds to half precision
    }


def _with_hashes(
    chunks: Iterable[pd.DataFrame], metadata: MetadataWriter
) -> Iterator[pd.DataFrame]:
    """Pass chunks on, and write the hash of each text."""
    for chunk in chunks:
        metadata.add_texts(chunk["id"], text_hashes(chunk))
        yield chunk


def text_hashes(chunk: pd.DataFrame) -> list[str | None]:
    """SHA-256 of each text; a row with a problem has none."""
    rows = zip(chunk["text"], chunk["problem"], strict=True)
    return [None if problem else text_sha256(text) for text, problem in rows]


class Assessor(Protocol):
    """Anything with the method `ExplainableClassifier.assess`."""

    def assess(self, texts: Iterable[str], why: bool = True) -> pd.DataFrame:
        """One row a text."""


def score(chunk: pd.DataFrame, detector: Assessor, why: bool, raw: bool = False) -> pd.DataFrame:
    """The results of a chunk, one row each, with the columns that `predict` yields."""
    fine = (chunk["problem"] == "").to_numpy()
    left_out: Iterable[Mapping[str, int]] = chunk.get("left_out", [{}] * len(chunk))
    hidden = [flags_of(one) for one in left_out]
    results = pd.DataFrame(
        {
            # a series keeps its type: pandas makes strings of an array, but not of half a surrogate
            "id": chunk["id"].reset_index(drop=True),
            "generated": MISSING_PROBABILITY,
            RAW_SCORE: np.nan,
            "verdict": UNCERTAIN,
            "note": np.where(chunk["problem"] == SCAN, SCAN, ""),
            "words": 0,
            "words_read": 0,
            "tokens": 0,
            "passages": 0,
            "share_generated": np.nan,
            "share_low": np.nan,
            "share_high": np.nan,
            "why": "",
            "flags": [join_sentences(flags) for flags in hidden],
            "problem": chunk["problem"].to_numpy(),
        }
    )
    if "left_out" in chunk:
        results["left_out"] = [describe(one) for one in left_out]
    if fine.any():
        assessed = detector.assess(chunk["text"][fine], why=why)
        assessed["flags"] = [
            join_sentences((*flags, *more))
            for flags, more in zip(assessed["flags"], compress(hidden, fine), strict=True)
        ]
        probability = assessed["probability"] if raw else assessed["probability"].round(6)
        results.loc[fine, "generated"] = probability.to_numpy()
        for name in assessed.columns.intersection(results.columns):
            results.loc[fine, name] = assessed[name].to_numpy()
    return results


def write_features(
    chunks: Iterable[pd.DataFrame], extractor: FeatureExtractor, output: str | Path
) -> int:
    """Write the features of a dataset's texts, `id` first; rows with problems have empty cells.

    Returns:
        Number of rows written.
    """
    names = extractor.get_feature_names_out().tolist()
    with ResultsWriter(output, ["id", *names]) as results:
        for chunk in _with_progress(chunks):
            fine = (chunk["problem"] == "").to_numpy()
            table = np.full((len(chunk), len(names)), np.nan)
            if fine.any():
                table[fine] = extractor.transform(chunk["text"][fine])
            features = pd.DataFrame(table, columns=names)
            results.write(pd.concat([chunk[["id"]].reset_index(drop=True), features], axis=1))
        return results.rows


def _with_progress(chunks: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """A bar over the rows, on a terminal, and a word on each row with a problem."""
    with tqdm(unit=" texts", desc="reading", disable=None) as bar, ProblemReport() as report:
        for chunk in chunks:
            report.add(chunk)
            yield chunk
            bar.update(len(chunk))


def chunk_rows(extractor: FeatureExtractor) -> int:
    """How many rows to read and score together: many on a GPU, to keep it busy."""
    return CHUNK_ROWS_GPU if extractor.uses_gpu() else CHUNK_ROWS


def use_worker_processes(extractor: FeatureExtractor) -> None:
    """Let processes make features while a GPU reads, one for each core but one.

    They import the program again, which a script without a main guard would not stand: only the
    command line asks for them. Without a GPU, or for an extractor that has no use for them,
    nothing changes.
    """
    if extractor.uses_gpu() and "processes" in extractor.get_params():
        extractor.set_params(processes=max(1, (os.cpu_count() or 1) - 1))
