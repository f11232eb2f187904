"""Rows that could not be read, named: the first few on the terminal, all of them in the log."""

from __future__ import annotations

import pandas as pd

from perplexity_detector.io.datasets import describe_problems
from perplexity_detector.logs import get_logger

#: Rows that are named on the terminal.
MAX_SHOWN = 10


class ProblemReport:
    """Names the rows with problems of one dataset, chunk by chunk."""

    def __init__(self) -> None:
        self._count = 0

    def __enter__(self) -> ProblemReport:
        """Begin."""
        return self

    def add(self, chunk: pd.DataFrame) -> None:
        """Report on the rows of a chunk."""
        for sentence in describe_problems(chunk):
            self._count += 1
            say = get_logger().warning if self._count <= MAX_SHOWN else get_logger().info
            say("%s", sentence)

    def __exit__(self, *error: object) -> None:
        """Say how many there were, if more than were named."""
        if self._count > MAX_SHOWN:
            get_logger().warning("%d rows in all have problems; the log names each.", self._count)
