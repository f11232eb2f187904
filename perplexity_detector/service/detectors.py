"""The detectors that a service offers: the default one, and those that were recalibrated."""

from __future__ import annotations

from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perplexity_detector.detectors.loading import OFFERED
from perplexity_detector.errors import InputError, PerplexityDetectorError
from perplexity_detector.io import artefact_folder
from perplexity_detector.logs import get_logger
from perplexity_detector.service.micro_batching import Handler

if TYPE_CHECKING:
    import pandas as pd

    from perplexity_detector.service.engine import Engine

#: Between a detector's name and a kind of request in the key of a handler.
_SEPARATOR = "/"


class Detectors:
    """The detectors of one service, by name.

    Args:
        data: the folder with `detectors/`, where recalibrated ones are kept.
        limit: detectors that may be made; 0 allows none.

    Attributes:
        handlers: of the queue, by the key of detector and kind of request.
    """

    def __init__(self, data: Path, limit: int) -> None:
        self.limit = limit
        self.handlers: dict[str, Handler] = {}
        self._folder = data / OFFERED
        self._engines: dict[str, Engine] = {}
        self._default = ""

    def load(self, default: Engine) -> None:
        """Offer the default detector and those in the folder; a damaged one is a warning."""
        from perplexity_detector.explanation.explainable import ExplainableClassifier
        from perplexity_detector.service.engine import Engine

        self._default = default.name
        self._offer(default)
        extractor = default.detector.extractor_
        for name, folder in self._saved().items():
            if name == default.name:
                continue
            try:
                loaded = ExplainableClassifier.from_pretrained(
                    folder, device=extractor.device, precision=extractor.precision
                )
                loaded.exhaustive = default.detector.exhaustive or not loaded.can_sample
                self._offer(Engine(loaded, name))
            except PerplexityDetectorError as error:
                get_logger().warning("The detector %s is not offered: %s", name, error)

    def find(self, name: str | None) -> Engine:
        """The engine of a detector; None is the default one.

        Raises:
            InputError: there is no such detector.
        """
        found = self._engines.get(self._default if name is None else name)
        if found is None:
            raise InputError("There is no detector of this name; /v1/detectors lists them.")
        return found

    def key(self, engine: Engine, kind: str) -> str:
        """The key of the handler of a kind of request."""
        return kind if engine.name == self._default else f"{engine.name}{_SEPARATOR}{kind}"

    def describe(self) -> dict[str, Any]:
        """What `/v1/detectors` answers."""
        detectors = [
            {
                "name": name,
                "fpr": engine.fpr,
                "training_texts": engine.detector.training_.get("texts"),
                "recalibrated_on": engine.detector.training_.get("recalibrated_on"),
            }
            for name, engine in self._engines.items()
        ]
        left = max(0, self.limit - len(self._saved()))
        return {
            "default": self._default,
            "detectors": detectors,
            "may_recalibrate": self.limit > 0,
            "may_add": left,
        }

    def check_new(self, name: str) -> None:
        """Check that a detector of this name may be made; it may replace a recalibrated one.

        Raises:
            InputError: the name is taken, or the limit is reached.
        """
        if name == self._default or (artefact_folder.PRETRAINED / name).exists():
            raise InputError("This name is taken: choose another.", "name")
        others = set(self._saved()) - {name}
        if len(others) >= self.limit:
            raise InputError(
                f"There are {len(others)} recalibrated detectors, and the operator allows "
                f"{self.limit}: give the name of one, to replace it.",
                "name",
            )

    def recalibrate(self, engine: Engine, name: str, assessed: pd.DataFrame) -> None:
        """Make a detector whose thresholds the texts of a file set; save and offer it.

        Args:
            engine: of the detector that assessed the texts.
            name: of the new one.
            assessed: probability and tokens of each text.

        Raises:
            InputError: the texts are too few, or `check_new`.
            ArtefactError: it cannot be saved.
        """
        from perplexity_detector.service.engine import Engine

        self.check_new(name)  # again, since another can have been made in the meantime
        detector = copy(engine.detector.last)
        detector.recalibrate_scores(
            assessed["probability"].to_numpy(float), assessed["tokens"].to_numpy(int)
        )
        detector.save_pretrained(self._folder / name)
        self._offer(Engine(detector, name))
        get_logger().info("recalibrated on %d texts: %s", len(assessed), name)

    def _offer(self, engine: Engine) -> None:
        self._engines[engine.name] = engine
        for kind, handler in engine.handlers().items():
            self.handlers[self.key(engine, kind)] = handler

    def _saved(self) -> dict[str, Path]:
        folders = sorted(self._folder.glob("[!.]*"))
        return {one.name: one for one in folders if artefact_folder.is_artefact(one)}


def kind_of(key: str) -> str:
    """The kind of request of a handler's key."""
    return key.rpartition(_SEPARATOR)[2]
