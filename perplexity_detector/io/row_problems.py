"""Report rows that cannot be used: the first few on the terminal, all of them in the log."""

from __future__ import annotations

import logging

import pandas as pd

from perplexity_detector.io.datasets import describe_problems
from perplexity_detector.logs import get_logger

#: Rows that are reported on the terminal.
MAX_SHOWN = 10


class ProblemReport:
    """Reports the rows with problems of one dataset, chunk by chunk.

    The end of the `with` block reports their number, if the terminal did not show all of them.
    """

    def __init__(self) -> None:
        self._count = 0

    def __enter__(self) -> ProblemReport:
        """Return the report itself."""
        return self

    def add(self, chunk: pd.DataFrame) -> None:
        """Report the rows of a chunk that have problems."""
        for problem in describe_problems(chunk):
            self._count += 1
            level = logging.WARNING if self._count <= MAX_SHOWN else logging.INFO
            get_logger().log(level, "%s", problem)

    def __exit__(self, *error: object) -> None:
        """Report the number of rows, if there were more than shown."""
        if self._count > MAX_SHOWN:
            get_logger().warning("%d rows have problems; the log lists all of them.", self._count)
