"""Time and memory of planning, checking and merging very many shards, each in its own process.

Shards have one row, so that what a shard costs shows; what a row costs is measured on some shards
of the usual size. The same file stands under many names (links), for both dataset and parts: what
a disk takes to find each is not measured.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import fire
import numpy as np
import pandas as pd

from benchmarks.records import ROOT
from benchmarks.speed.scale import peak_kib
from perplexity_detector.io.results_folder import Commit, ResultsFolder, to_parquet
from perplexity_detector.io.shards import Dataset
from perplexity_detector.pipelines.shards import SHARD_ROWS, begin

#: Shards of each file, in the second of two plans; in the first, each shard is a file.
PER_FILE = 100
#: Names of one file; file systems have a limit.
_MAX_LINKS = 30_000
#: Shards of the usual size.
_WHOLE_SHARDS = 100


class NoTask:
    """Stands for a task when a run is planned; nothing is computed."""

    columns: Sequence[str] = ("id", "generated")
    chunk_rows = 1

    def fingerprint(self) -> dict[str, object]:
        """No values."""
        return {}

    def provenance(self) -> dict[str, Any] | None:
        """None."""
        return None

    def __call__(self, chunk: pd.DataFrame) -> pd.DataFrame:
        """The ids, with a probability."""
        return chunk[["id"]].assign(generated=0.5)


def measured(shards: int) -> dict[str, Any]:
    """Plan a dataset of many files, and one of few; check and merge the results of the latter."""
    found: dict[str, Any] = {"shards": shards, "shards_per_file": PER_FILE}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for dataset, rows in (("files", 1), ("rows", PER_FILE)):
            names = [f"{number:07d}.parquet" for number in range(shards // rows)]
            copies(folder / dataset, names, file_of(rows))
        output = folder / "out"
        found["start"] = _process("nothing")
        found["plan_files"] = _process("plan", folder / "files", folder / "other")
        found["plan"] = _process("plan", folder / "rows", output)
        write_results(output, shards)
        found["check"] = _process("check", output)
        found["merge"] = _process("merge", output, folder / "merged.csv")
        found["microseconds_per_text"] = microseconds_per_text(folder)
        records = output / "_shards"
        manifest = (records / "manifest.parquet").stat().st_size
        commit = (records / "commits" / f"{shards - 1:07d}.json").stat().st_size
        found["bytes_per_shard"] = {"manifest": manifest / shards, "commit": commit}
    return found


def microseconds_per_text(folder: Path) -> dict[str, float]:
    """Time to check and merge shards of the usual size."""
    names = [f"{number:03d}.parquet" for number in range(_WHOLE_SHARDS)]
    copies(folder / "whole", names, file_of(SHARD_ROWS))
    output = folder / "whole-out"
    begin(Dataset(str(folder / "whole")), str(output), NoTask(), shard_rows=SHARD_ROWS)
    write_results(output, _WHOLE_SHARDS, SHARD_ROWS)
    seconds = {
        "check": _process("check", output)["seconds"],
        "merge": _process("merge", output, folder / "whole.csv")["seconds"],
    }
    return {name: 1e6 * value / _WHOLE_SHARDS / SHARD_ROWS for name, value in seconds.items()}


def file_of(rows: int) -> bytes:
    """A parquet file of texts."""
    content: bytes = pd.DataFrame({"id": range(rows), "text": "Word."}).to_parquet()
    return content


def copies(folder: Path, names: Sequence[str], content: bytes) -> None:
    """Write a file under many names."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        if number % _MAX_LINKS == 0:
            source = folder / name
            source.write_bytes(content)
        else:
            os.link(source, folder / name)


def write_results(output: Path, shards: int, rows: int = 1) -> None:
    """Parts and commits as a run writes them."""
    probabilities = np.random.default_rng(0).random(rows).round(6)
    results = pd.DataFrame({"id": [f"{row}" for row in range(rows)], "generated": probabilities})
    content = to_parquet(results)
    digest = hashlib.sha256(content).hexdigest()
    names = [f"part-{shard:07d}-{digest[:16]}.parquet" for shard in range(shards)]
    copies(output, names, content)
    commits = output / "_shards" / "commits"
    commits.mkdir()
    verdicts = {"generated": 1, "human": 1, "uncertain": 1}
    for shard, part in enumerate(names):
        commit = Commit(
            shard, part, rows, digest, 123.456, "machine", 0, verdicts, "2000-01-01T00:00:00+00:00",
            "0.0.0",
        )  # fmt: skip
        (commits / f"{shard:07d}.json").write_text(json.dumps(asdict(commit)))


def _process(*arguments: object) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.distributed.manifest", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(arguments[0], found, flush=True)
    return found


def _main(work: str, folder: str = "", output: str = "") -> None:
    """Plan, check or merge; print seconds and peak memory as json."""
    began = time.perf_counter()
    if work == "plan":
        begin(Dataset(folder), output, NoTask(), shard_rows=1)
    elif work == "check" and not ResultsFolder(folder).check().is_whole:
        raise SystemExit("The folder is not whole.")
    elif work == "merge":
        ResultsFolder(folder).merge(output)
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "peak_mb": peak_kib(os.getpid()) / 1024}))


if __name__ == "__main__":
    fire.Fire(_main)
