"""Tasks: what a run computes of each chunk of a dataset, on whichever machine.

What a task needs is imported when it is made: a program that only sends `LoadTask` to others
begins without torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd

    from perplexity_detector.pipelines.features_task import FeaturesTask
    from perplexity_detector.pipelines.predict_task import PredictTask


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


def load_predict_task(
    data: str | Path,
    detector: str | None = None,
    lm: str | None = None,
    fpr: float | None = None,
    details: bool = False,
    raw: bool = False,
    worker_processes: bool = False,
    exhaustive: bool = True,
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
        exhaustive: read all of long documents, and not just a sample.
        **extractor: settings of the extractor to change.
    """
    from perplexity_detector.detectors.loading import detector_name, load_detector
    from perplexity_detector.pipelines.predict import use_worker_processes
    from perplexity_detector.pipelines.predict_task import PredictTask

    loaded = load_detector(Path(data), detector, lm, fpr, exhaustive=exhaustive, **extractor)
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
    from perplexity_detector.features.extractor import FeatureExtractor
    from perplexity_detector.pipelines.features_task import FeaturesTask
    from perplexity_detector.pipelines.predict import use_worker_processes

    made = FeatureExtractor(**extractor).fit()
    if worker_processes:
        use_worker_processes(made)
    return FeaturesTask(made, max_words)
