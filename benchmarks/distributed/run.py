"""The engine compared with runs without it, a folder of a million shards, requests and bytes.

Run from the root of the checkout: `python -m benchmarks.distributed`. It needs the extras `ray`
and `s3`, and Linux. With the extra `dev`, every program that imports ray begins a second later: ray
imports jsonschema, which then parses the grammar of rfc3987-syntax.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.distributed import engine, manifest, storage
from benchmarks.machine import machine
from benchmarks.records import RESULTS, read_json, write_json

OUTPUT = RESULTS / "distributed.json"
PACKAGES = ("torch", "transformers", "numpy", "pandas", "pyarrow", "ray", "s3fs")


def main(
    output: str = str(OUTPUT),
    parts: Sequence[str] = ("engine", "manifest", "storage"),
    texts: int = 20_000,
    rounds: int = 3,
    shards: int = 1_000_000,
) -> None:
    """Measure, print and write json; parts that are not measured stay.

    Args:
        output: the json file.
        parts: of engine, manifest and storage, those to measure.
        texts: that the engine reads, in shards of 512.
        rounds: times each way of reading them is run, in turn.
        shards: of the manifest.
    """
    measures = {
        "engine": lambda: engine.measured(texts, rounds),
        "manifest": lambda: manifest.measured(shards),
        "storage": storage.measured,
    }
    record: dict[str, Any] = read_json(output) if Path(output).is_file() else {}
    for part in [parts] if isinstance(parts, str) else parts:
        before = os.getloadavg()[0]
        found = measures[part]()
        record[part] = {**found, "load_at_start": before, "load_at_end": os.getloadavg()[0]}
        record["machine"] = machine(PACKAGES)
        write_json(output, record)
        print(part, record[part], flush=True)
