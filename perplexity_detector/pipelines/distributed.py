"""Ray as the engine of a run in shards: an actor a worker, a shard a task.

The extra `ray` installs it. Ray starts actors, moves a task whose actor or node was lost to
another, and adds actors where a cluster has room; what is written, and that it counts once, is
`pipelines.shards`' business, as it is without an engine.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from perplexity_detector.errors import InputError, PerplexityDetectorError
from perplexity_detector.io.results_folder import Commit, ResultsFolder
from perplexity_detector.io.shards import Dataset
from perplexity_detector.io.storage import local_path
from perplexity_detector.pipelines import shards
from perplexity_detector.pipelines.shards import ShardWorker

if TYPE_CHECKING:
    from perplexity_detector.explanation.explainable import ExplainableClassifier
    from perplexity_detector.pipelines.tasks import LoadTask

#: Cores of a worker with a card, whose features take 12 to 15.
CPUS_WITH_GPU = 16
_CONNECT_SECONDS = 5
#: Tasks of a run, since Ray keeps each in memory; of more shards, a task takes several.
_MAX_TASKS = 10_000


@dataclass(frozen=True)
class Workers:
    """The workers of a run.

    Attributes:
        minimum: that are kept.
        maximum: that are started where the cluster has room.
        cpus: cores of each.
        gpus: cards of each.
    """

    minimum: int = 1
    maximum: int = 1
    cpus: float = 1
    gpus: float = 0


def predict(
    dataset: Dataset,
    output: str,
    load: LoadTask,
    workers: Workers | None = None,
    address: str | None = None,
    resume: bool = False,
    shard_rows: int = shards.SHARD_ROWS,
) -> Iterator[Commit]:
    """Compute a dataset in shards on a Ray cluster.

    Workers read the dataset and write the output themselves, so both lie where all of them
    reach them: in an object store or a folder that all mount.

    Args:
        dataset: what to read.
        output: folder of the results, a path or URL.
        load: makes the task on each worker, such as a `functools.partial` of
            `pipelines.tasks.load_predict_task`.
        workers: how many, and of what size; one of one core if not given.
        address: of the cluster, such as `auto`; that in RAY_ADDRESS if not given, or else one is
            started on this machine, unless Ray is initialised.
        resume: whether a run that was begun in `output` may be continued.
        shard_rows: rows of a shard of a new run.

    Yields:
        The commit of each shard that was computed now, as they come.

    Raises:
        DatasetError, InputError: as `pipelines.shards.begin` and `ShardWorker`; or Ray is not
            installed or its cluster not reached.
    """
    ray, workers = _import_ray(), workers or Workers()
    dataset, output = replace(dataset, place=_absolute(dataset.place)), _absolute(output)
    with shards.locked(output):
        _connect(ray, address)
        # on a worker: this machine may have another device, and reach less
        planning = ray.remote(num_cpus=workers.cpus, num_gpus=workers.gpus)(_begin)
        error = ray.get(planning.remote(dataset, output, load, resume, shard_rows))
        if error is not None:
            raise error
        indices = shards.pending(output, ResultsFolder(output).require_manifest())
        if not indices:
            return
        tasks = ray.data.from_items(
            [{"shard": index} for index in indices],
            override_num_blocks=min(len(indices), _MAX_TASKS),
        )
        results = tasks.map_batches(
            _Actor,
            fn_constructor_args=(output, load),
            batch_size=1,
            batch_format="pandas",
            compute=ray.data.ActorPoolStrategy(
                min_size=min(workers.minimum, len(indices)),
                max_size=min(workers.maximum, len(indices)),
                # a task that waits at one actor cannot go to another that is free
                max_tasks_in_flight_per_actor=1,
            ),
            num_cpus=workers.cpus,
            num_gpus=workers.gpus,
        )
        for row in results.iter_rows():
            if row["error"]:
                raise InputError(row["error"])
            yield Commit(**json.loads(row["commit"]))


class _Actor:
    """Computes shards; Ray makes one for each worker, and another in place of one that is lost."""

    def __init__(self, output: str, load: LoadTask) -> None:
        self._worker = ShardWorker(output, load)

    def __call__(self, batch: pd.DataFrame) -> pd.DataFrame:
        commit, error = "", ""
        try:
            commit = json.dumps(asdict(self._worker(int(batch["shard"].iloc[0]))))
        except PerplexityDetectorError as found:  # Ray would wrap it, with a traceback
            error = str(found)
        return pd.DataFrame({"commit": [commit], "error": [error]})


def _begin(
    dataset: Dataset, output: str, load: LoadTask, resume: bool, shard_rows: int
) -> PerplexityDetectorError | None:
    """Begin a run, on a worker; return an error of the user."""
    try:
        shards.begin(dataset, output, load(), resume, shard_rows)
    except PerplexityDetectorError as error:
        return error
    return None


def _absolute(place: str) -> str:
    """A place as workers know it, whose working folder is another."""
    local = local_path(place)
    return place if local is None else str(local)


def _import_ray() -> Any:
    # by default Ray reports its use over the network
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise InputError(
            "The engine ray needs the extra ray", hint="pip install 'perplexity-detector[ray]'"
        ) from error
    return ray


def _connect(ray: Any, address: str | None) -> None:
    """Connect to a cluster, or start one here, unless this process is connected."""
    if not ray.is_initialized():
        try:
            _check_listens(address)
            # without an address Ray would join any cluster that runs on this machine
            place = address or os.environ.get("RAY_ADDRESS") or "local"
            ray.init(address=place, log_to_driver=False, logging_level=logging.WARNING)
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise InputError(
                f"No Ray cluster at {address} lets this program in",
                "address",
                "start one with `ray start --head`, set its token (RAY_AUTH_TOKEN), or leave out "
                "{address} to use this machine",
            ) from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    # the caller shows progress, in texts
    ray.data.DataContext.get_current().enable_progress_bars = False


def _check_listens(address: str | None) -> None:
    """Check that someone listens at host:port, for whom Ray would wait ten minutes.

    Raises:
        OSError: nobody does.
    """
    host, _, port = (address or "").rpartition(":")
    if host and "/" not in host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS).close()


class DetectorBatch:
    """A detector for one's own Ray Data pipeline: adds its results to each batch.

    Each actor loads the detector once.

    Args:
        detector: a folder, or the name of a shipped detector.
        text_column: column of the texts.
        **settings: of `load_detector`, such as fpr, device or precision.

    Example:
        ::

            dataset.map_batches(
                DetectorBatch,
                fn_constructor_kwargs={"detector": "fast", "text_column": "essay"},
                batch_format="pandas",
                batch_size=64,
                compute=ray.data.ActorPoolStrategy(size=2),
            )
    """

    def __init__(
        self, detector: str = "standard", text_column: str = "text", **settings: Any
    ) -> None:
        from perplexity_detector.detectors.loading import load_detector

        self._detector: ExplainableClassifier = load_detector(Path("data"), detector, **settings)
        self._text_column = text_column

    def __call__(self, batch: pd.DataFrame) -> pd.DataFrame:
        """The batch with the columns of `assess`, such as probability and verdict.

        Args:
            batch: with the column of texts, all strings.
        """
        assessed = self._detector.assess(batch[self._text_column], why=False)
        return batch.assign(**{str(name): assessed[name].to_numpy() for name in assessed})
