"""What every command has: the folders it works in, the log, options checked before any work."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perplexity_detector.cli.options import DatasetOptions, format_options
from perplexity_detector.logs import configure, get_logger

if TYPE_CHECKING:
    import pandas as pd


class Commands:
    """Base of the classes whose public methods are commands.

    Args:
        folder: where `model/` and `data/` (published model, results, log, MLflow) are kept.
    """

    def __init__(self, folder: str = ".") -> None:
        self._model = Path(folder) / "model"
        self._data = Path(folder) / "data"

    def _start(
        self, command: str, dataset_options: dict[str, Any], **options: object
    ) -> DatasetOptions:
        """Open the log, and check the options that are passed on before there is any work."""
        self._log(command, {**options, **dataset_options})
        return DatasetOptions.of(dataset_options, options)

    def _log(self, command: str, options: dict[str, object]) -> None:
        """Open the log and write down the command with the options that were given."""
        configure(self._data)
        get_logger().info("command: %s", " ".join([command, *format_options(options)]))


class VerdictCounts:
    """How many texts were told, and with which verdicts.

    Attributes:
        rows: of all results added so far.
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
        return f"{self.rows} texts: {verdicts}" if verdicts else "0 texts"
