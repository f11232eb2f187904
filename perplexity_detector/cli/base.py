"""What every command has: the folders it works in, the log, options checked before any work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from perplexity_detector.cli.options import DatasetOptions, as_typed
from perplexity_detector.logs import configure, get_logger


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
        get_logger().info("command: %s", " ".join([command, *as_typed(options)]))
