"""Benchmarks of runs in shards: what they write, and what follows from it on paper."""

import json

import pytest

from benchmarks.distributed import manifest, storage, tables
from benchmarks.docs.markdown import NotMeasuredError
from perplexity_detector.io.results_folder import ResultsFolder
from perplexity_detector.io.shards import Dataset
from perplexity_detector.pipelines import shards

SPEED = {
    "machine": {"cores": 4, "processor": "P"},
    "models": {"smollm2": {"scorers": {"int8": {"peak_mb": 1000.0}}}},
    "end_to_end": [{"detector": "fast", "precision": "int8", "texts_per_second": 40.0}],
}
GPU = {
    "machine": {"card": "C", "cores": 16},
    "overlap": {"texts": 10, "tokens": 4000, "texts_per_second": 100.0},
    "reading_smollm2": {"best": {"tokens_per_second": 400_000.0}},
}
RECORD = {
    "manifest": {
        "shards": 1000,
        "plan_files": {"seconds": 1.0},
        "check": {"seconds": 0.5},
        "merge": {"seconds": 2.0},
        "bytes_per_shard": {"manifest": 100.0, "commit": 300},
        "microseconds_per_text": {"check": 0.0, "merge": 10.0},
    },
    "storage": {
        "requests_per_shard": {"run": {"PutObject": 3.0, "HeadObject": 1.0}, "check": {}},
        "requests_per_file": {"run": {"GetObject": 2.0}, "check": {}},
        "bytes_per_text": {"text": 1000.0, "results": 7.0, "details": 40.0},
    },
}


def cells(markdown, line):
    return [cell.strip() for cell in markdown.splitlines()[line].strip("|").split("|")]


def by_name(markdown):
    rows = [cells(markdown, line) for line in range(2, len(markdown.splitlines()))]
    return {name: values for name, *values in rows}


def test_cores_and_cards():
    # 10 texts a second and core: 10**8 take 10**7 seconds of one
    found = cells(tables.paper_cores(SPEED), 2)
    assert found[2:] == ["10.00", "2,778", "116", "277,778", "386", "1,000 MB"]
    whole, reading = (cells(tables.paper_cards(GPU), line) for line in (2, 3))
    assert whole[1:] == ["100", "278", "12", "27,778", "39"]
    assert reading[1] == "1,000"


def test_storage_requests_and_times():
    rows = by_name(tables.paper_storage(RECORD))
    assert rows["shards of 4,096 texts"] == ["24,415", "2,441,407"]
    assert rows["texts of 1,000 bytes, not packed"] == ["100 GB", "10 TB"]
    assert rows["manifest and commits"] == ["9.77 MB", "977 MB"]
    assert rows["requests of the run that write or list"] == ["0.073 million", "7.3 million"]
    times = by_name(tables.paper_times(RECORD))
    # 10,000 files at a millisecond; 24,415 shards at 2 ms and 10**8 texts at 10 microseconds
    assert times["plan"][0] == "10 s"
    assert times["merge"][0] == "17.5 minutes"
    with pytest.raises(NotMeasuredError):
        tables.engine({})


def test_a_folder_of_many_shards_is_whole(tmp_path):
    manifest.copies(tmp_path / "in", ["a.parquet", "b.parquet"], manifest.file_of(10))
    output = str(tmp_path / "out")
    made = shards.begin(Dataset(str(tmp_path / "in")), output, manifest.NoTask(), shard_rows=1)
    manifest.write_results(tmp_path / "out", len(made))
    assert ResultsFolder(output).check().is_whole
    assert ResultsFolder(output).merge(str(tmp_path / "merged.csv")) == len(made) == 20


def test_requests_are_counted():
    pytest.importorskip("s3fs", reason="needs the extra s3")
    pytest.importorskip("moto", reason="needs an S3 server")
    with storage.s3_server() as counts:
        small, large = (storage.requests_of_run(counts, 1, size) for size in (1, 3))
    # attempt, part and commit; and the commit and part to be checked
    assert large["run"]["PutObject"] - small["run"]["PutObject"] == 3 * 2
    assert large["check"]["GetObject"] - small["check"]["GetObject"] == 2 * 2
    assert json.dumps(small)
