"""A detector's task that can be slowed and killed, and a driver as a program."""

from __future__ import annotations

import functools
import os
import sys
import time

import pandas as pd

from perplexity_detector.io.shards import Dataset
from perplexity_detector.pipelines import distributed
from perplexity_detector.pipelines.predict_task import PredictTask
from perplexity_detector.pipelines.tasks import load_predict_task

#: A text with it stops the process that scores it.
KILLER = "zanzibar killer"
#: Rows of a shard; a chunk is as long, so that few rows make many shards.
SHARD_ROWS = 2


class FragileTask(PredictTask):
    """As `predict` has it, but slow, and stopped by some texts."""

    seconds = 0.0

    def __call__(self, chunk: pd.DataFrame) -> pd.DataFrame:
        time.sleep(self.seconds)
        if chunk["text"].str.contains(KILLER).any():
            os._exit(3)
        return super().__call__(chunk)


def load(detector: str, seconds: float = 0.0) -> FragileTask:
    """Load the detector."""
    loaded = load_predict_task(".", detector, details=True, device="cpu", precision="float32")
    task = FragileTask(loaded.detector, details=True)
    task.chunk_rows = SHARD_ROWS
    task.seconds = seconds
    return task


if __name__ == "__main__":
    # the function of the module, which every process can import, and not of this program
    from tests.distributed.scoring import load as load_there

    address, dataset, output, detector, seconds = sys.argv[1:]
    for commit in distributed.predict(
        Dataset(dataset),
        output,
        functools.partial(load_there, detector, float(seconds)),
        distributed.Workers(1, 2),
        address,
        resume=True,
        shard_rows=SHARD_ROWS,
    ):
        sys.stdout.write(f"{commit.shard}\n")
        sys.stdout.flush()
