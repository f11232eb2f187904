"""Results in shards: what `predict` and `features` share, and the command `shards`."""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perplexity_detector.cli.base import Commands
from perplexity_detector.cli.engine import EngineOptions
from perplexity_detector.cli.options import DatasetOptions, parse_bool, parse_int, parse_str
from perplexity_detector.errors import InputError
from perplexity_detector.flags import counted
from perplexity_detector.logs import get_logger, timed

if TYPE_CHECKING:
    from perplexity_detector.io.results_folder import Check, Commit
    from perplexity_detector.pipelines.tasks import LoadTask

_SHARD = re.compile(r"(\d+)/(\d+)")


@dataclass(frozen=True)
class ShardOptions:
    """How a run in shards goes.

    Attributes:
        part: (i, n) for the i-th of n parts of the shards.
        is_part: whether that was asked for: other machines compute the other parts.
        shard_rows: rows of a shard; the default if None.
        resume: whether to continue an earlier run.
        engine: that runs it; None for this process.
    """

    part: tuple[int, int]
    is_part: bool
    shard_rows: int | None
    resume: bool
    engine: EngineOptions | None = None

    @classmethod
    def parse(
        cls,
        output: str,
        shard: object,
        rows_per_shard: object,
        resume: bool = False,
        **engine: object,
    ) -> ShardOptions | None:
        """Parse the options; None if the results are to be one file.

        Raises:
            InputError: an option has a wrong value, or needs a folder for the results.
        """
        given = {"shard": shard, "rows_per_shard": rows_per_shard, **engine}
        named = [name for name, value in given.items() if value is not None]
        if not is_folder(output):
            if not named:
                return None
            raise InputError(
                f"--{named[0]} needs a folder for the results: give --output=FOLDER/, with the "
                "slash."
            )
        on_engine = EngineOptions.parse(**engine)
        if shard is not None and on_engine is not None:
            raise InputError("--shard is for machines without an engine: leave out --engine.")
        rows = None if rows_per_shard is None else parse_int("rows_per_shard", rows_per_shard, 1)
        return cls(_parse_part(shard), shard is not None, rows, resume, on_engine)


def is_folder(output: str) -> bool:
    """Whether an output is a folder for parts, and not a file."""
    from perplexity_detector.io.results_folder import is_results_folder
    from perplexity_detector.io.storage import is_url

    return output.endswith(("/", "\\")) or is_url(output) or is_results_folder(output)


class ShardsCommand(Commands):
    """The command `shards`."""

    def shards(
        self, action: str, folder: str, output: str | None = None, repair: bool = False
    ) -> None:
        """Check or merge the results that predict or features wrote in shards.

        `shards check FOLDER` says what is missing, doubled or damaged; its exit code is 0 if
        nothing is, else 1. `shards merge FOLDER results.csv` joins all parts in the dataset's
        order.

        Args:
            action: check or merge.
            folder: of the results, a path or URL.
            output: for merge: file of the results, or - for standard output.
            repair: for check: delete parts that are damaged or doubled, so that --resume writes
                what is then missing.
        """
        self._log(
            "shards", {"action": action, "folder": folder, "output": output, "repair": repair}
        )
        repair = parse_bool("repair", repair)
        from perplexity_detector.io.results_folder import ResultsFolder

        results = ResultsFolder(str(folder))
        if action == "check":
            with timed(get_logger(), "check"):
                found = results.check(repair)
            print("\n".join(_lines(found, repair)))
            if not found.is_whole:
                sys.exit(1)
        elif action == "merge":
            target = parse_str(output)
            if target is None:
                raise InputError(f"Name the file to write: shards merge {folder} results.csv.")
            with timed(get_logger(), "merge") as counts:
                counts["rows"] = results.merge(target)
            where = "" if target == "-" else f" Results: {target}"
            print(f"{counts['rows']} texts.{where}", file=sys.stderr)
        else:
            raise InputError(f"There is no `shards {action}`; use `check` or `merge`.")

    def _predict_in_shards(
        self, dataset: str, output: str, options: DatasetOptions, how: ShardOptions, **task: Any
    ) -> None:
        """As `predict`, with the settings of `load_predict_task`."""
        with timed(get_logger(), "predict") as counts:
            from perplexity_detector.pipelines.tasks import load_predict_task

            # a worker of an engine has another working folder
            task |= {name: _absolute(task[name]) for name in ("detector", "lm")}
            if task["cache"] is not None:
                task["cache"] = str(Path(task["cache"]).absolute())
            load = partial(load_predict_task, str(self._data.absolute()), **task)
            load = partial(load, **_worker_processes(how))
            said = self._run_in_shards(dataset, output, load, options, how, counts)
        print(said, file=sys.stderr)

    def _features_in_shards(
        self, dataset: str, output: str, options: DatasetOptions, how: ShardOptions, **task: Any
    ) -> None:
        """As `features`, with the settings of `load_features_task`."""
        with timed(get_logger(), "features") as counts:
            from perplexity_detector.pipelines.tasks import load_features_task

            load = partial(load_features_task, **task)
            load = partial(load, **_worker_processes(how))
            said = self._run_in_shards(dataset, output, load, options, how, counts)
        print(said, file=sys.stderr)

    def _run_in_shards(
        self,
        dataset: str,
        output: str,
        load: LoadTask,
        options: DatasetOptions,
        how: ShardOptions,
        counts: dict[str, Any],
    ) -> str:
        """Compute the shards of a dataset here; return a summary."""
        from tqdm import tqdm

        from perplexity_detector.pipelines import shards

        if dataset == "-":
            raise InputError("Standard input is read once, and not in shards: name a file.")
        said, reading = RunSummary(), options.in_shards(dataset)
        rows = how.shard_rows or shards.SHARD_ROWS
        with tqdm(unit=" texts", desc="reading", disable=None) as bar:
            if how.engine is not None:
                from perplexity_detector.pipelines import distributed

                engine = how.engine
                for commit in distributed.predict(
                    reading, output, load, engine.workers, engine.address, how.resume, rows
                ):
                    bar.update(commit.rows)
                    said.add(commit)
                    counts["rows"] = said.rows
                return f"{said}, {said.worker_hours:.2g} worker-hours. Results: {output}"
            with shards.locked(output, how.part):
                task = load()
                resume = how.resume or how.is_part
                manifest = shards.begin(reading, output, task, resume, rows)
                indices = shards.pending(output, manifest, how.part)
                before = len(shards.part_of(len(manifest), how.part)) - len(indices)
                if before:
                    get_logger().warning("Already written: %s.", counted(before, "shard"))
                lengths = manifest.lengths
                bar.reset(total=sum(lengths[index] for index in indices))
                for commit in shards.compute(output, load, indices, bar.update, task):
                    said.add(commit)
                    counts["rows"] = said.rows
        return f"{said}. Results: {output}"


class RunSummary:
    """What a run in shards has computed.

    Attributes:
        rows: number of results.
    """

    def __init__(self) -> None:
        self.rows = self._shards = self._problems = 0
        self._seconds = 0.0
        self._verdicts: Counter[str] = Counter()
        self._started = time.perf_counter()

    def add(self, commit: Commit) -> None:
        """Add a shard."""
        self._shards += 1
        self.rows += commit.rows
        self._problems += commit.problems
        self._seconds += commit.seconds
        self._verdicts.update(commit.verdicts)

    @property
    def worker_hours(self) -> float:
        """Time that workers spent on the shards."""
        return self._seconds / 3600

    def __str__(self) -> str:
        if not self._shards:
            return "Nothing was left to do"
        verdicts = ", ".join(f"{count} {name}" for name, count in sorted(self._verdicts.items()))
        said = f"{counted(self.rows, 'text')} in {counted(self._shards, 'shard')}"
        said += verdicts and f": {verdicts}"
        if self._problems:
            said += f"; {counted(self._problems, 'row')} with problems"
        return f"{said}. {self.rows / (time.perf_counter() - self._started):.1f} texts/s"


def _absolute(path: str | None) -> str | None:
    """The absolute path of a folder; a name of something else stays as it is."""
    return str(Path(path).absolute()) if path is not None and Path(path).is_dir() else path


def _worker_processes(how: ShardOptions) -> dict[str, Any]:
    """Settings by which processes make features while a GPU reads."""
    if how.engine is None:
        return {"worker_processes": True}
    workers = how.engine.workers
    return {"processes": max(1, int(workers.cpus) - 1)} if workers.gpus else {}


def _parse_part(shard: object) -> tuple[int, int]:
    if shard is None:
        return 0, 1
    match = _SHARD.fullmatch(str(shard))
    if match is None or int(match[1]) >= int(match[2]):
        raise InputError(
            f"--shard is i/n, with i from 0 to n - 1, such as 0/8 and 7/8, not {shard}."
        )
    return int(match[1]), int(match[2])


def _lines(found: Check, repaired: bool) -> list[str]:
    """What was found, for a terminal."""
    from perplexity_detector.io.results_folder import describe_shards

    whole = found.shards - len(found.missing) - len(found.damaged)
    lines = [f"{whole} of {found.shards} shards are whole, {found.rows} texts."]
    for indices, state in ((found.missing, "missing"), (found.damaged, "damaged")):
        if indices:
            said = describe_shards(indices, found.shards)
            lines.append(f"{said[0].upper()}{said[1:]} {state}.")
    lines += [f"{name} is doubled: its shard has another part." for name in found.doubled]
    if found.is_whole:
        return lines
    if repaired and (found.damaged or found.doubled):
        lines.append("Damaged and doubled parts were deleted.")
    elif found.damaged or found.doubled:
        lines.append("--repair deletes damaged and doubled parts.")
    if found.missing or found.damaged:
        lines.append("The same run with --resume writes what is missing.")
    return lines
