"""A task that some texts stop, as a program for tests to start and to kill."""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Sequence

import pandas as pd

from perplexity_detector.io.results_folder import ResultsFolder
from perplexity_detector.pipelines.shards import compute, pending

#: Texts that stop the process, or raise an exception, wherever they stand.
KILLER, RAISER = "zanzibar killer", "zanzibar raiser"


class CountWords:
    """The number of words of each text, so that a process begins quickly."""

    def __init__(self, chunk_rows: int = 2, seconds: float = 0.0) -> None:
        self.columns: Sequence[str] = ["id", "generated", "problem"]
        self.chunk_rows = chunk_rows
        self.seconds = seconds

    def fingerprint(self) -> dict[str, object]:
        return {"task": "words"}

    def provenance(self) -> None:
        return None

    def __call__(self, chunk: pd.DataFrame) -> pd.DataFrame:
        time.sleep(self.seconds)
        if chunk["text"].str.contains(KILLER).any():
            os._exit(3)
        if chunk["text"].str.contains(RAISER).any():
            raise RuntimeError
        words = chunk["text"].str.count(r"\w+").astype(float)
        # by chunk, so that other chunks give other bytes
        generated = words.where(chunk["problem"] == "", 0.5) + len(chunk) / 1000
        return chunk[["id", "problem"]].assign(generated=generated)


def load(seconds: float = 0.0) -> CountWords:
    """Make the task."""
    return CountWords(seconds=seconds)


if __name__ == "__main__":
    output, seconds = sys.argv[1:]
    manifest = ResultsFolder(output).require_manifest()
    for commit in compute(
        output, functools.partial(load, float(seconds)), pending(output, manifest)
    ):
        sys.stdout.write(f"{commit.shard}\n")
        sys.stdout.flush()
