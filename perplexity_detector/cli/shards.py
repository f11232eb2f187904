"""Results in shards: what `predict` and `features` share, and the command `shards`."""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from perplexity_detector.cli.base import Commands
from perplexity_detector.cli.options import DatasetOptions, parse_bool, parse_int, parse_str
from perplexity_detector.errors import InputError
from perplexity_detector.logs import get_logger, timed

if TYPE_CHECKING:
    from perplexity_detector.io.results_folder import Check, Commit
    from perplexity_detector.pipelines.tasks import LoadTask

_SHARD = re.compile(r"(\d+)/(\d+)")


@dataclass(frozen=True)
class ShardOptions:
    """How a run in shards goes.

    Attributes:
        part: (i, n) for every n-th shard, from the i-th.
        is_part: whether that was asked for: other machines compute the other parts.
        shard_rows: rows of a shard; the default if None.
        resume: whether to continue an earlier run.
    """

    part: tuple[int, int]
    is_part: bool
    shard_rows: int | None
    resume: bool

    @classmethod
    def parse(
        cls, output: str, shard: object, rows_per_shard: object, resume: bool = False
    ) -> ShardOptions | None:
        """Parse the options; None if the results are to be one file.

        Raises:
            InputError: an option has a wrong value, or needs a folder for the results.
        """
        in_shards = is_folder(output)
        if not in_shards and (shard is not None or rows_per_shard is not None):
            name = "shard" if shard is not None else "rows_per_shard"
            raise InputError(
                f"--{name} needs a folder for the results: give --output=FOLDER/, with the slash."
            )
        if not in_shards:
            return None
        rows = None if rows_per_shard is None else parse_int("rows_per_shard", rows_per_shard, 1)
        return cls(_parse_part(shard), shard is not None, rows, resume)


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

            load = partial(load_predict_task, str(self._data), worker_processes=True, **task)
            said = self._run_in_shards(dataset, output, load, options, how, counts)
        print(said, file=sys.stderr)

    def _features_in_shards(
        self, dataset: str, output: str, options: DatasetOptions, how: ShardOptions, **task: Any
    ) -> None:
        """As `features`, with the settings of `load_features_task`."""
        with timed(get_logger(), "features") as counts:
            from perplexity_detector.pipelines.tasks import load_features_task

            load = partial(load_features_task, worker_processes=True, **task)
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

        part, rows = how.part, how.shard_rows or shards.SHARD_ROWS
        with shards.locked(output, part):
            task = load()
            manifest = shards.begin(
                options.in_shards(dataset), output, task, how.resume or how.is_part, rows
            )
            indices = shards.pending(output, manifest, part)
            lengths = manifest.rows
            before = len(range(part[0], len(manifest), part[1])) - len(indices)
            if before:
                get_logger().warning("%d shards are already written.", before)
            total = sum(lengths[index] for index in indices)
            commits, started = [], time.perf_counter()
            with tqdm(total=total, unit=" texts", desc="reading", disable=None) as bar:
                for commit in shards.compute(output, lambda: task, indices, bar.update):
                    commits.append(commit)
                    counts["rows"] = sum(one.rows for one in commits)
        return summary(commits, time.perf_counter() - started, output)


def summary(commits: Iterable[Commit], seconds: float, output: str) -> str:
    """What a run has computed, in a line."""
    commits = list(commits)
    rows, problems = sum(one.rows for one in commits), sum(one.problems for one in commits)
    verdicts: Counter[str] = Counter()
    for one in commits:
        verdicts.update(one.verdicts)
    counted = ", ".join(f"{count} {name}" for name, count in sorted(verdicts.items()))
    if not commits:
        return f"Nothing was left to do. Results: {output}"
    said = f"{rows} texts in {len(commits)} shards{f': {counted}' if counted else ''}"
    if problems:
        said += f"; {problems} rows have problems, and the log lists them"
    return f"{said}. {rows / max(seconds, 1e-9):.1f} texts/s. Results: {output}"


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
