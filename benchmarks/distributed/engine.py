"""The same shards with Ray and without an engine, by one worker and by two.

All workers read with one thread and the tiny random model of `benchmarks.speed.scale`, whose shards
take so little that what an engine adds shows. The cluster stands before a run begins.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd

from benchmarks.records import ROOT
from benchmarks.speed.scale import drawn, peak_kib, sentences_of_sample, tiny_detector
from perplexity_detector.io.results_folder import ResultsFolder

SHARD_ROWS = 512
WORKERS = (1, 2)
_STORE_BYTES = 80_000_000
#: For the programs that are started: one thread each, and this checkout's package.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": str(ROOT),
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_memory_monitor_refresh_ms": "0",  # it would kill workers for other programs' memory
}


def measured(texts: int, rounds: int) -> dict[str, Any]:
    """Run every way in turn, `rounds` times.

    Raises:
        AssertionError: two ways wrote different parts.
    """
    os.environ.update(_ENVIRONMENT)
    runs: dict[str, list[dict[str, float]]] = {}
    written = set()
    with tempfile.TemporaryDirectory() as name, _cluster() as (address, actors):
        folder = Path(name)
        detector = tiny_detector(folder)
        rows = drawn(sentences_of_sample(), 1, texts)
        dataset = folder / "texts.parquet"
        pd.DataFrame({"id": range(texts), "text": rows}).to_parquet(dataset, row_group_size=4096)
        command = [
            sys.executable, "-m", "perplexity_detector", "predict", f"--dataset={dataset}",
            f"--detector={detector}", f"--rows_per_shard={SHARD_ROWS}",
        ]  # fmt: skip
        for number in range(rounds):
            for workers in WORKERS:
                for way in ("ray", "none") if number % 2 else ("none", "ray"):
                    output = folder / f"{way}-{workers}-{number}"
                    if way == "ray":
                        options = [f"--address={address}", f"--workers={workers}"]
                        commands = [[*command, "--engine=ray", *options]]
                    else:
                        commands = [
                            [*command, f"--shard={part}/{workers}"] for part in range(workers)
                        ]
                    one = _run(commands, output, workers, actors if way == "ray" else None)
                    written.add(frozenset(path.name for path in output.glob("part-*")))
                    runs.setdefault(f"{way}-{workers}", []).append(one)
                    print(way, workers, one, flush=True)
        assert len(written) == 1, "parts differ"
    return {
        "texts": texts,
        "shard_rows": SHARD_ROWS,
        "rounds": rounds,
        "runs": runs,
        "medians": {
            way: {figure: median(one[figure] for one in found) for figure in found[0]}
            for way, found in runs.items()
        },
        # of runs that follow each other, for the machine's speed changes
        "overhead": {
            str(workers): median(
                ray["seconds"] / alone["seconds"] - 1
                for ray, alone in zip(runs[f"ray-{workers}"], runs[f"none-{workers}"], strict=True)
            )
            for workers in WORKERS
        },
    }


def _run(
    commands: list[list[str]],
    output: Path,
    workers: int,
    actors: Callable[[], list[int]] | None,
) -> dict[str, float]:
    """Run commands at the same time; time from the start to the last one's end.

    Args:
        commands: without their output.
        output: a folder.
        workers: how many processes compute.
        actors: gives the processes that compute, if they are not those of the commands.
    """
    began = time.perf_counter()
    started = [subprocess.Popen([*command, f"--output={output}/"]) for command in commands]
    peak = 0
    while any(process.poll() is None for process in started):
        computing = [process.pid for process in started] if actors is None else actors()
        peak = max([peak, *map(peak_kib, computing)])
        time.sleep(0.1)
    seconds = time.perf_counter() - began
    if any(process.returncode for process in started):
        raise SystemExit("The command failed: see its message above.")
    folder = ResultsFolder(str(output))
    commits = [commit for index in folder.committed() if (commit := folder.commit(index))]
    return {
        "seconds": seconds,
        "texts_per_second": sum(commit.rows for commit in commits) / seconds,
        "seconds_outside_shards": seconds - sum(one.seconds for one in commits) / workers,
        "peak_worker_mb": peak / 1024,
    }


@contextmanager
def _cluster() -> Iterator[tuple[str, Callable[[], list[int]]]]:
    """A head without cores and two nodes of one; its address, and what finds its actors."""
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": _STORE_BYTES}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        for _ in range(max(WORKERS)):
            cluster.add_node(num_cpus=1, object_store_memory=_STORE_BYTES)
        raylets = {
            one.process.pid
            for node in cluster.list_all_nodes()
            for one in node.all_processes["raylet"]
        }
        yield cluster.address, lambda: _children(raylets)
    finally:
        cluster.shutdown()


def _children(parents: set[int]) -> list[int]:
    """Ray's actors that compute shards, by the processes that started them."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            if parent in parents and "_Actor" in (process / "cmdline").read_text():
                found.append(int(process.name))
    return found
