"""Ray as the engine of a run in shards: an actor a worker, a shard a call.

The extra `ray` installs it. Ray finds room for actors, as soon as the cluster has it, and restarts
those whose process or node was lost, with what they were doing; what is written, and that it counts
once, is `pipelines.shards`' business, as it is without an engine.

The engine needs no more of Ray than actors. Ray Data would hand out shards as well, but begin
later: it plans a pipeline, and starts actors of its own after the one that has listed the shards.
"""

from __future__ import annotations

import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property, partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perplexity_detector.errors import InputError, PerplexityDetectorError
from perplexity_detector.io.results_folder import Commit, ResultsFolder
from perplexity_detector.io.shards import Dataset
from perplexity_detector.io.storage import local_path
from perplexity_detector.logs import get_logger
from perplexity_detector.pipelines import shards
from perplexity_detector.pipelines.shards import ShardWorker

if TYPE_CHECKING:
    import pandas as pd

    from perplexity_detector.explanation.explainable import ExplainableClassifier
    from perplexity_detector.pipelines.tasks import LoadTask, Task

#: Cores of a worker with a card, whose features take 12 to 15.
CPUS_WITH_GPU = 16
_CONNECT_SECONDS = 5
#: Seconds after which a program that waits for room on the cluster says so.
_ROOM_SECONDS = 20


@dataclass(frozen=True)
class Workers:
    """The workers of a run.

    Attributes:
        minimum: that are started at once.
        maximum: that are started when the cluster has room, and shards are left.
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
    dataset, output = replace(dataset, place=_absolute(dataset.place)), _absolute(output)
    workers = workers or Workers()
    with shards.locked(output):
        if not resume:
            shards.require_new(output)
        with closing(_Pool(_connected(address), workers, output, load)) as pool:
            pool.begin(dataset, shard_rows)
            indices = shards.pending(output, ResultsFolder(output).require_manifest())
            pool.grow(min(workers.maximum, len(indices)))
            yield from pool.compute(indices)


class _Pool:
    """The actors of a run.

    Args:
        ray: the module, connected to a cluster.
        workers: their size.
        output: folder of the results.
        load: makes the task on each.
    """

    def __init__(self, ray: Any, workers: Workers, output: str, load: LoadTask) -> None:
        self._ray, self._workers = ray, workers
        actor = ray.remote(_Actor).options(
            num_cpus=workers.cpus, num_gpus=workers.gpus, max_restarts=-1, max_task_retries=-1
        )
        self._make = partial(actor.remote, output, load)
        self._actors: list[Any] = []
        # what an actor will return -> the actor
        self._loading: dict[Any, Any] = {}
        self._computing: dict[Any, Any] = {}

    def begin(self, dataset: Dataset, shard_rows: int) -> None:
        """Start the actors that are started at once; list the shards while they load.

        An actor lists them: this machine may have another device, and reach less.
        """
        first = self._start()
        ready, begun = first.__ray_ready__.remote(), first.begin.remote(dataset, shard_rows)
        self._loading[begun] = first
        self.grow(self._workers.minimum)
        if not self._ray.wait([ready], timeout=_ROOM_SECONDS)[0]:
            self._ray.cancel(ready)
            get_logger().warning(
                "No node has room for a worker yet (cores: %g, cards: %g): waiting for one.",
                self._workers.cpus, self._workers.gpus,
            )  # fmt: skip
        self._result(begun)

    def grow(self, size: int) -> None:
        """Start actors up to a number of them; those without room on the cluster wait for it."""
        while len(self._actors) < size:
            actor = self._start()
            self._loading[actor.load.remote()] = actor

    def _start(self) -> Any:
        self._actors.append(self._make())
        return self._actors[-1]

    def compute(self, indices: Sequence[int]) -> Iterator[Commit]:
        """Hand shards to actors that are free, one at a time; yield their commits."""
        left = deque(indices)
        while left or self._computing:
            (call, *_), _ = self._ray.wait([*self._loading, *self._computing])
            commit = self._result(call)  # None if the actor was loading
            actor = (self._computing if call in self._computing else self._loading).pop(call)
            if left:
                self._computing[actor.compute.remote(left.popleft())] = actor
            else:  # makes room for one that was lost with its node, and has a shard to compute
                self._end([actor, *self._loading.values()], self._loading)
                self._loading.clear()
            if commit is not None:
                yield commit

    def close(self) -> None:
        """End the actors."""
        self._end(self._actors, [*self._loading, *self._computing])

    def _end(self, actors: Iterable[Any], calls: Iterable[Any]) -> None:
        for call in calls:  # or Ray would say that it repeats them
            self._ray.cancel(call)
        for actor in actors:
            self._ray.kill(actor)

    def _result(self, call: Any) -> Any:
        try:
            returned = self._ray.get(call)
        except self._ray.exceptions.ActorDiedError as error:  # one that is lost is restarted
            reason = str(error).strip().splitlines()[-1]
            raise InputError(
                f"A worker cannot begin: {reason}",
                hint="install this version of the package, and what it needs, on all nodes",
            ) from error
        if isinstance(returned, PerplexityDetectorError):
            raise returned
        return returned


def _returns_errors(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return errors of the user, which Ray would wrap, and print with a traceback."""

    @wraps(method)
    def call(*args: Any) -> Any:
        try:
            return method(*args)
        except PerplexityDetectorError as error:
            return error

    return call


class _Actor:
    """Computes shards; Ray makes one for each worker, and makes it anew if it is lost."""

    def __init__(self, output: str, load: LoadTask) -> None:
        self._output, self._load = output, load

    @cached_property
    def _task(self) -> Task:
        return self._load()

    @cached_property
    def _worker(self) -> ShardWorker:
        return ShardWorker(self._output, self._load, task=self._task)

    @_returns_errors
    def load(self) -> None:
        """Make the task."""
        self._task  # noqa: B018 - it is kept

    @_returns_errors
    def begin(self, dataset: Dataset, shard_rows: int) -> None:
        """List the shards; perhaps once more, if Ray repeats it after a loss."""
        shards.begin(dataset, self._output, self._task, resume=True, shard_rows=shard_rows)

    @_returns_errors
    def compute(self, index: int) -> Commit:
        """Compute a shard."""
        return self._worker(index)


def _absolute(place: str) -> str:
    """A place as workers know it, whose working folder is another."""
    local = local_path(place)
    return place if local is None else str(local)


def _connected(address: str | None) -> Any:
    """The module ray, connected to a cluster, or to one that is started here."""
    # by default Ray reports its use over the network
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise InputError(
            "The engine ray needs the extra ray", hint="pip install 'perplexity-detector[ray]'"
        ) from error
    if ray.is_initialized():
        return ray
    # without an address Ray would join any cluster that runs on this machine
    place = address or os.environ.get("RAY_ADDRESS") or "local"
    try:
        _check_listens(address)
        ray.init(
            address=place,
            log_to_driver=False,
            logging_level=logging.WARNING,
            include_dashboard=False if place == "local" else None,
        )
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise InputError(
            f"No Ray cluster at {address} lets this program in",
            "address",
            "start one with `ray start --head`, set its token (RAY_AUTH_TOKEN), or leave out "
            "{address} to use this machine",
        ) from error
    return ray


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
