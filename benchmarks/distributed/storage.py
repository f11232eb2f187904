"""Requests to an object store by shard, file and run; and bytes of results by text."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd

from benchmarks.distributed.manifest import NoTask
from benchmarks.records import SAMPLE
from benchmarks.speed.scale import drawn, sentences_of_sample, tiny_detector
from perplexity_detector.io.results_folder import ResultsFolder
from perplexity_detector.io.shards import Dataset
from perplexity_detector.io.storage import open_folder
from perplexity_detector.pipelines import shards

#: Texts whose results are weighed, and sentences of each.
_TEXTS, _SENTENCES = 512, 15


def measured() -> dict[str, Any]:
    """Requests of runs of different sizes, from which follow those of each shard and file."""
    with s3_server() as counts:
        # files, and shards of each
        sizes = ((1, 4), (1, 12), (3, 4))
        few, more, files = (requests_of_run(counts, *size) for size in sizes)
    by_shard = {name: _difference(more[name], few[name], 8) for name in few}
    by_file = {name: _difference(files[name], more[name], 2) for name in few}
    return {
        "requests_per_shard": by_shard,
        "requests_per_file": by_file,
        "bytes_per_text": _bytes_per_text(),
    }


def requests_of_run(
    counts: Counter[str], files: int, shards_of_file: int
) -> dict[str, Counter[str]]:
    """Requests, by operation, of a run on one machine, and of checking it."""
    place = f"s3://bucket/{files}-{shards_of_file}"
    folder, output = open_folder(f"{place}/in"), f"{place}/out"
    frame = pd.DataFrame({"id": range(shards_of_file), "text": "Word."})
    for number in range(files):
        folder.write(f"{number}.parquet", frame.to_parquet())
    counts.clear()
    manifest = shards.begin(Dataset(f"{place}/in"), output, NoTask(), shard_rows=1)
    list(shards.compute(output, NoTask, shards.pending(output, manifest)))
    run = counts.copy()
    counts.clear()
    assert ResultsFolder(output).check().is_whole
    return {"run": run, "check": counts.copy()}


def _difference(larger: Counter[str], smaller: Counter[str], number: int) -> dict[str, float]:
    found = {name: (larger[name] - smaller[name]) / number for name in {*larger, *smaller}}
    return {name: value for name, value in sorted(found.items()) if value}


@contextmanager
def s3_server() -> Iterator[Counter[str]]:
    """An S3 server in memory, to which s3:// leads; counts requests by operation."""
    import boto3
    import s3fs
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for each request
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    counts: Counter[str] = Counter()
    try:
        with patch.dict(os.environ, settings):
            boto3.client("s3").create_bucket(Bucket="bucket")
            s3fs.S3FileSystem.clear_instance_cache()
            store = s3fs.S3FileSystem()  # that of every s3://
            store.connect()

            def count(operation_name: str, **_: object) -> None:
                counts[operation_name] += 1

            store.s3.meta.events.register("request-created.s3", count)
            yield counts
    finally:
        s3fs.S3FileSystem.clear_instance_cache()
        server.stop()


def _bytes_per_text() -> dict[str, float]:
    """Of essays as they are, and of their results, with and without details."""
    essays = pd.read_csv(SAMPLE)["text"]
    found = {"text": float(essays.map(lambda text: len(text.encode())).mean())}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        detector = tiny_detector(folder)
        texts = drawn(sentences_of_sample(), _SENTENCES, _TEXTS)
        frame = pd.DataFrame({"id": [f"essay-{n:010d}" for n in range(_TEXTS)], "text": texts})
        frame.to_parquet(folder / "texts.parquet")
        command = [
            sys.executable, "-m", "perplexity_detector", "predict",
            f"--dataset={folder / 'texts.parquet'}", f"--detector={detector}",
        ]  # fmt: skip
        for results, options in (("results", []), ("details", ["--details"])):
            output = folder / results
            subprocess.run([*command, f"--output={output}/", *options], check=True)
            (part,) = output.glob("part-*")
            found[results] = part.stat().st_size / _TEXTS
    return found
