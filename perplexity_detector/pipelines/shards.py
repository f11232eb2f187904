"""A dataset of any size, in shards: each is read, computed and written on its own.

Any number of machines may work on one folder of results. A shard may be computed twice, for
instance after a machine was lost, and is written once. Chunks are the same whatever computes
them, and so are the bytes of the results.
"""

from __future__ import annotations

import multiprocessing
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

import pandas as pd

from perplexity_detector.errors import DatasetError, InputError, PerplexityDetectorError
from perplexity_detector.io.datasets import describe_problems
from perplexity_detector.io.locks import lock, unlock
from perplexity_detector.io.results_folder import Commit, ResultsFolder
from perplexity_detector.io.results_writer import check_same_run
from perplexity_detector.io.shards import Dataset, Manifest, Shard, plan
from perplexity_detector.io.storage import local_path
from perplexity_detector.logs import get_logger

if TYPE_CHECKING:  # the process that finds a row begins in a second, unless the task needs more
    from perplexity_detector.pipelines.tasks import LoadTask, Task

#: Rows of a shard: a multiple of both sizes of chunks, and some minutes of a CPU.
SHARD_ROWS = 4096
#: Attempts at a range of rows after which it is halved; a row is then given up.
MAX_ATTEMPTS = 3
#: The problem of a row that is given up.
STOPS_PROGRAM = f"the program stopped {MAX_ATTEMPTS} times while it scored this row"


def begin(
    dataset: Dataset,
    output: str,
    task: Task,
    resume: bool = False,
    shard_rows: int = SHARD_ROWS,
) -> Manifest:
    """List the shards of a dataset in a folder of results, or continue with those listed there.

    Args:
        dataset: what to read.
        output: folder of the results, a path or URL.
        task: what to compute.
        resume: whether a run that was begun there may be continued.
        shard_rows: rows of a shard of a new run, a multiple of the task's `chunk_rows`.

    Raises:
        DatasetError: a file cannot be read or lacks a column, or there are no rows.
        InputError: a run was begun there, and it is not to be continued or depends on other
            values; or `shard_rows` is no multiple.
    """
    if shard_rows < 1 or shard_rows % task.chunk_rows:
        raise InputError(
            f"{shard_rows} rows are not whole chunks of {task.chunk_rows}",
            "rows_per_shard",
            f"give {{rows_per_shard}} a multiple of {task.chunk_rows}",
        )
    if (place := local_path(dataset.place)) is not None:
        dataset = replace(dataset, place=str(place))
    if not resume:
        require_new(output)
    folder = ResultsFolder(output)
    there = folder.manifest() if resume else None
    if there is None:
        manifest = plan(dataset, task.fingerprint(), shard_rows, task.chunk_rows)
        there = folder.begin(manifest)
    else:
        asked = Manifest.of_no_shards(dataset, task.fingerprint(), task.chunk_rows)
        check_same_run(output, asked.values(), there.values(), "or name another folder")
    if (provenance := task.provenance()) is not None:
        folder.write_provenance(provenance)
    return there


def require_new(output: str) -> None:
    """Check that no run was begun in a folder of results.

    Raises:
        InputError: one was.
    """
    folder = ResultsFolder(output)
    if (there := folder.manifest()) is not None:
        raise InputError(
            f"{output} has {len(folder.committed())} of {len(there)} shards of an earlier run",
            "output",
            "pass {resume} to continue it, or name another folder",
        )


class ShardWorker:
    """Computes shards of a run, one a call, and writes them.

    Args:
        output: folder of the results, in which a run was begun.
        load: makes the task, here when the first shard is computed, and in other processes.
        on_rows: is called with the number of rows of each chunk that is computed.
        task: what `load` has made, if it was called before.

    Raises:
        InputError: there is no run, or `task` would compute other results.
    """

    def __init__(
        self,
        output: str,
        load: LoadTask,
        on_rows: Callable[[int], object] | None = None,
        task: Task | None = None,
    ) -> None:
        self._folder = ResultsFolder(output)
        self._manifest = self._folder.require_manifest()
        self._load = load
        self._on_rows = on_rows
        self._loaded: Task | None = None
        if task is not None:
            self._use(task)

    def __call__(self, index: int) -> Commit:
        """Compute and write a shard, unless it is written.

        An attempt is counted before it begins. If three have stopped the program, the shard is
        computed by halves in a process of its own, down to the row that stops it.

        Raises:
            DatasetError: its file cannot be read, or has changed.
            InputError: the results cannot be written, or this machine would compute others.
        """
        if (written := self._folder.commit(index)) is not None:
            return written
        shard, task = self._manifest[index], self._task
        started = time.perf_counter()
        in_pieces = self._folder.attempts_at(index, shard.rows) >= MAX_ATTEMPTS
        if not in_pieces:
            with self._attempt(index, shard.rows):
                results = self._compute(shard, shard.rows)
        else:
            self._compute_elsewhere(shard)
            results = pd.concat(self._pieces(shard, shard.rows), ignore_index=True)
        seconds = time.perf_counter() - started
        commit = self._folder.write(index, results, task.columns, seconds, platform.node())
        if in_pieces:
            self._folder.forget_pieces(index)
        self._folder.forget_attempts(index)
        return commit

    @property
    def _task(self) -> Task:
        return self._use(self._load()) if self._loaded is None else self._loaded

    def _use(self, task: Task) -> Task:
        # another kind of machine would round otherwise
        check_same_run(
            self._folder.place, task.fingerprint(), self._manifest.run, "use machines like it"
        )
        self._loaded = task
        return task

    def _compute(self, shard: Shard, rows: range, problem: str = "") -> pd.DataFrame:
        task, results = self._task, []
        for chunk in self._manifest.read(shard, rows):
            if problem:
                chunk = chunk.assign(problem=problem, text="")  # noqa: PLW2901
            for described in describe_problems(chunk):
                get_logger().info("%s: %s", shard.file.url, described)
            results.append(task(chunk))
            if self._on_rows is not None:
                self._on_rows(len(chunk))
        found = sum(map(len, results))
        if found != len(rows):
            raise DatasetError(
                f"{shard.file.url} has {found} rows where it had {len(rows)}", "dataset"
            )
        return pd.concat(results, ignore_index=True)

    @contextmanager
    def _attempt(self, index: int, rows: range) -> Iterator[None]:
        """Count an attempt; one that stops the program, or raises what no row should, stays."""
        self._folder.count_attempt(index, rows)
        try:
            yield
        except (PerplexityDetectorError, KeyboardInterrupt):  # not for what stands in a row
            self._folder.count_attempt(index, rows, -1)
            raise

    # --- shards that stop the program -------------------------------------------------------

    def _compute_elsewhere(self, shard: Shard) -> None:
        """Write the pieces of a shard, in processes that may stop."""
        get_logger().warning(
            "Shard %d has stopped the program %d times: its rows are tried by halves.",
            shard.index, MAX_ATTEMPTS,
        )  # fmt: skip
        context = multiprocessing.get_context("spawn")
        while True:
            before = self._folder.attempts(shard.index)
            process = context.Process(
                target=_write_pieces, args=(self._folder.place, self._load, shard.index)
            )
            process.start()
            try:
                process.join()
            finally:
                process.kill()
            if process.exitcode == 0:
                return
            if self._folder.attempts(shard.index) == before:  # it stopped before any row
                raise InputError(
                    f"Rows {shard.start + 1} to {shard.stop} of {shard.file.url} cannot be computed"
                    " in a process of their own; the log of the attempts before says why."
                )

    def write_pieces(self, shard: Shard, rows: range) -> None:
        """Compute a range of rows, or its halves if it has stopped the program too often."""
        if self._folder.piece(shard.index, rows) is not None:
            return
        if self._folder.attempts_at(shard.index, rows) < MAX_ATTEMPTS:
            with self._attempt(shard.index, rows):
                results = self._compute(shard, rows)
        elif len(rows) == 1:
            results = self._compute(shard, rows, problem=STOPS_PROGRAM)
        else:
            for half in halves(rows, self._task.chunk_rows):
                self.write_pieces(shard, half)
            return
        self._folder.write_piece(shard.index, rows, results)

    def write_all_pieces(self, index: int) -> None:
        """Compute a shard in pieces."""
        shard = self._manifest[index]
        self.write_pieces(shard, shard.rows)

    def _pieces(self, shard: Shard, rows: range) -> list[pd.DataFrame]:
        piece = self._folder.piece(shard.index, rows)
        if piece is not None:
            return [piece]
        parts = (self._pieces(shard, half) for half in halves(rows, self._task.chunk_rows))
        return list(chain.from_iterable(parts))


def halves(rows: range, chunk_rows: int) -> tuple[range, range]:
    """The halves of a range, of whole chunks if it has more than one.

    Example:
        >>> halves(range(0, 192), 64), halves(range(64, 128), 64)
        ((range(0, 128), range(128, 192)), (range(64, 96), range(96, 128)))
    """
    half = -(-len(rows) // 2)
    if len(rows) > chunk_rows:
        half = -(-half // chunk_rows) * chunk_rows
    return rows[:half], rows[half:]


def _write_pieces(output: str, load: LoadTask, index: int) -> None:
    """What a process does that may stop; an exception stops it without a word."""
    try:
        ShardWorker(output, load).write_all_pieces(index)
    except Exception:
        sys.exit(1)


def pending(output: str, manifest: Manifest, part: tuple[int, int] = (0, 1)) -> list[int]:
    """The shards of a part of a run that are not written.

    Args:
        output: folder of the results.
        manifest: of the run.
        part: (i, n) for the i-th of n parts; see `part_of`.
    """
    written = ResultsFolder(output).committed()
    return [index for index in part_of(len(manifest), part) if index not in written]


def part_of(total: int, part: tuple[int, int]) -> range:
    """The i-th of n parts of some shards: neighbours, so that few machines read each file.

    Example:
        >>> [list(part_of(5, (number, 3))) for number in range(3)]
        [[0], [1, 2], [3, 4]]
    """
    number, parts = part
    return range(number * total // parts, (number + 1) * total // parts)


def compute(
    output: str,
    load: LoadTask,
    indices: Sequence[int],
    on_rows: Callable[[int], object] | None = None,
    task: Task | None = None,
) -> Iterator[Commit]:
    """Compute shards in this process, one after the other.

    Args:
        output: folder of the results, in which a run was begun.
        load: makes the task; see `ShardWorker`.
        indices: of the shards.
        on_rows: is called with the number of rows of each chunk that is computed.
        task: what `load` has made, if it was called before.

    Yields:
        The commit of each shard.

    Raises:
        DatasetError, InputError: see `ShardWorker`.
    """
    worker = ShardWorker(output, load, on_rows, task)
    yield from map(worker, indices)


@contextmanager
def locked(output: str, part: tuple[int, int] = (0, 1)) -> Iterator[None]:
    """Keep a second run from the same part of the same folder; object stores have no locks.

    Without a lock, two runs would compute the same shards, and write the same results.

    Raises:
        InputError: another run holds the lock, or the folder cannot be made.
    """
    place = local_path(output)
    if place is None:
        yield
        return
    folder = place / "_shards"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{output} cannot be made a folder ({error.strerror})",
            "output",
            "name another place for the results",
        ) from error
    number, parts = part
    name = "lock" if parts == 1 else f"lock-{number}-of-{parts}"
    held = lock(output, folder / name)
    try:
        yield
    finally:
        unlock(held)
