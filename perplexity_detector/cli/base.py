"""What all commands share: their folders, the log, checked options, and loading a detector."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perplexity_detector.cli.options import DatasetOptions, format_options, parse_str
from perplexity_detector.logs import configure, get_logger

if TYPE_CHECKING:
    import pandas as pd

    from perplexity_detector.explanation.explainable import ExplainableClassifier


class Commands:
    """Base of the classes whose public methods are commands.

    Args:
        folder: the folder of `model/` (the saved detector) and `data/` (published detector,
            results, log, MLflow's store).
    """

    def __init__(self, folder: str = ".") -> None:
        self._model = Path(folder) / "model"
        self._data = Path(folder) / "data"

    def _start(
        self, command: str, dataset_options: dict[str, Any], **options: object
    ) -> DatasetOptions:
        """Open the log, and check the names of all options before any work.

        Raises:
            InputError: there is no such option.
        """
        self._log(command, {**options, **dataset_options})
        return DatasetOptions.parse(dataset_options, options)

    def _log(self, command: str, options: dict[str, object]) -> None:
        """Open the log and record the command with the options that were given."""
        configure(self._data)
        get_logger().info("command: %s", " ".join([command, *format_options(options)]))

    def _load_detector(
        self,
        detector: object,
        lm: object,
        fpr: float | None,
        device: str,
        precision: str | None,
        cache: object = None,
        exhaustive: bool = True,
        **extractor: Any,
    ) -> ExplainableClassifier:
        """Load the detector that the options of a command name; see `loading.load_detector`.

        Revision and depth of the language model are always as saved.
        """
        with _without_collecting():
            from perplexity_detector.detectors.loading import load_detector

            return load_detector(
                self._data, parse_str(detector), parse_str(lm), fpr, exhaustive,
                device=device, precision=precision, cache=parse_str(cache), **extractor,
            )  # fmt: skip


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Import and load without looking for garbage, which takes a fifth of the time and finds none.

    What was made meanwhile is never looked at, not even at the end of the program.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


class VerdictCounts:
    """Counts texts and their verdicts.

    Attributes:
        rows: number of results added so far.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._verdicts: Counter[str] = Counter()

    def add(self, results: pd.DataFrame) -> None:
        """Count results, which have a column `verdict`."""
        self.rows += len(results)
        self._verdicts.update(map(str, results["verdict"]))

    def __str__(self) -> str:
        verdicts = ", ".join(f"{count} {name}" for name, count in sorted(self._verdicts.items()))
        counted = f"{self.rows} text{'' if self.rows == 1 else 's'}"
        return f"{counted}: {verdicts}" if verdicts else counted
