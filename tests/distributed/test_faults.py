"""Whatever is lost on a cluster, the parts are those of a run on one machine, to the byte."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from perplexity_detector.errors import DatasetError, InputError
from perplexity_detector.io.results_folder import ResultsFolder
from perplexity_detector.io.shards import Dataset
from perplexity_detector.pipelines import distributed, shards
from perplexity_detector.pipelines.distributed import Workers
from perplexity_detector.pipelines.shards import STOPS_PROGRAM
from perplexity_detector.text import crop
from tests.distributed import scoring
from tests.distributed.scoring import KILLER, SHARD_ROWS
from tests.labelled import sample, small_detector
from tests.paths import ROOT

ray = pytest.importorskip("ray", reason="needs the extra ray")
pytestmark = [
    pytest.mark.distributed,
    pytest.mark.skipif(sys.platform != "linux", reason="Ray's clusters of one machine need Linux"),
]

SHARDS = 40
WORKERS = Workers(1, 2)
#: Bytes of the memory that Ray's nodes share; it needs no more, and a container may have little.
STORE = 80_000_000
#: To wait at most; a busy machine can be slow.
SECONDS = 500


@pytest.fixture(scope="module")
def cluster():
    """A head without cores and two nodes of one, that know this project's modules."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("RAY_memory_monitor_refresh_ms", "0")  # other programs' memory is no fault
        made = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 0,
                "object_store_memory": STORE,
                "include_dashboard": False,
            },
        )
        for _ in range(2):
            add_node(made)
        yield made
        ray.shutdown()
        made.shutdown()


def add_node(cluster):
    return cluster.add_node(num_cpus=1, object_store_memory=STORE)


@pytest.fixture(scope="module")
def detector(tiny_gpt2, tmp_path_factory):
    """Of a random language model; it reads tokens and hidden states, as shipped ones do."""
    folder = tmp_path_factory.mktemp("detector") / "model"
    families = ["perplexity", "entropy", "stylometry", "representation"]
    return small_detector(tiny_gpt2, families).save_pretrained(folder)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """A folder of two files, 40 shards together."""
    folder = tmp_path_factory.mktemp("in")
    texts = [crop(text, 30) for text in sample()["text"]]
    rows = SHARDS * SHARD_ROWS
    frame = pd.DataFrame(
        {
            "id": [f"r{n}" for n in range(rows)],
            "text": [f"{n}. {texts[n % len(texts)]}" for n in range(rows)],
        }
    )
    frame[: rows // 2].to_parquet(folder / "a.parquet", row_group_size=16)
    frame[rows // 2 :].to_csv(folder / "b.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def local(dataset, detector, tmp_path_factory):
    """Parts of a run on this machine, without an engine."""
    return compute_here(dataset, detector, tmp_path_factory.mktemp("local") / "out")


def compute_here(dataset, detector, output):
    load = partial(scoring.load, str(detector))
    manifest = shards.begin(Dataset(str(dataset)), str(output), load(), shard_rows=SHARD_ROWS)
    assert len(manifest) == SHARDS
    list(shards.compute(str(output), load, shards.pending(str(output), manifest)))
    return parts(output)


def parts(output):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in output.glob("part-*.parquet")
    }


@pytest.fixture(scope="module")
def start(cluster, detector):
    """Starts a driver in this process, which takes no time to start; its number of shards."""
    with ThreadPoolExecutor() as pool:

        def submit(dataset, output, seconds=0.05, workers=WORKERS):
            load = partial(scoring.load, str(detector), seconds)
            return pool.submit(
                lambda: len(list(distributed.predict(
                    Dataset(str(dataset)), str(output), load, workers, cluster.address,
                    resume=True, shard_rows=SHARD_ROWS,
                )))
            )  # fmt: skip

        yield submit


def start_program(cluster, dataset, output, detector, seconds=0.05):
    """A driver of its own, which can be killed."""
    command = [sys.executable, "-m", "tests.distributed.scoring", cluster.address]
    return subprocess.Popen(
        [*command, str(dataset), str(output), str(detector), str(seconds)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_for_commits(output, number):
    deadline = time.monotonic() + SECONDS
    while len(ResultsFolder(str(output)).committed()) < number:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def actors(cluster):
    """Process ids of the cluster's actors that compute shards."""
    raylets = {
        one.process.pid for node in cluster.list_all_nodes() for one in node.all_processes["raylet"]
    }
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            if parent in raylets and "_Actor" in (process / "cmdline").read_text():
                found.append(int(process.name))
    return found


def check(output, expected):
    assert parts(output) == expected
    assert ResultsFolder(str(output)).check().is_whole
    ids = pd.read_parquet(output)["id"]
    assert ids.is_unique
    assert len(ids) == SHARDS * SHARD_ROWS


def test_an_actor_is_killed(cluster, dataset, start, local, tmp_path):
    output = tmp_path / "out"
    driver = start(dataset, output)
    wait_for_commits(output, 5)
    os.kill(actors(cluster)[0], signal.SIGKILL)
    assert len(ResultsFolder(str(output)).committed()) < SHARDS
    assert driver.result(SECONDS) == SHARDS
    check(output, local)


def test_a_node_is_lost_and_another_joins(cluster, dataset, start, local, tmp_path):
    output = tmp_path / "out"
    driver = start(dataset, output)
    wait_for_commits(output, 5)
    cluster.remove_node(cluster.worker_nodes.copy().pop(), allow_graceful=False)
    add_node(cluster)
    assert driver.result(SECONDS) == SHARDS
    check(output, local)


def test_a_node_is_lost_for_good(cluster, dataset, start, local, tmp_path):
    output = tmp_path / "out"
    driver = start(dataset, output, workers=Workers(2, 2))
    wait_for_commits(output, 5)
    cluster.remove_node(cluster.worker_nodes.copy().pop(), allow_graceful=False)
    # what was computed there has room once the other worker has nothing left to do
    assert driver.result(SECONDS) == SHARDS
    add_node(cluster)
    check(output, local)


def test_the_driver_is_killed_and_started_again(cluster, dataset, detector, start, local, tmp_path):
    output = tmp_path / "out"
    driver = start_program(cluster, dataset, output, detector)
    wait_for_commits(output, 5)
    driver.kill()
    driver.wait()
    before = len(ResultsFolder(str(output)).committed())
    assert 5 <= before < SHARDS
    assert 0 < start(dataset, output).result(SECONDS) <= SHARDS - before
    check(output, local)


def test_a_row_stops_every_process_that_scores_it(dataset, detector, start, tmp_path):
    rows = pd.read_csv(dataset / "b.csv")
    rows.loc[30, "text"] = f"A {KILLER}."
    folder = tmp_path / "in"
    folder.mkdir()
    rows.to_csv(folder / "b.csv", index=False)
    (folder / "a.parquet").write_bytes((dataset / "a.parquet").read_bytes())
    output = tmp_path / "out"
    assert start(folder, output, seconds=0).result(SECONDS) == SHARDS
    found = pd.read_parquet(output)
    assert found.loc[found["problem"] != "", "id"].tolist() == [rows["id"][30]]
    assert found.loc[found["problem"] != "", "problem"].tolist() == [STOPS_PROGRAM]
    # as on one machine, where someone starts the program again
    there = tmp_path / "local"
    load = partial(scoring.load, str(detector))
    manifest = shards.begin(Dataset(str(folder)), str(there), load(), shard_rows=SHARD_ROWS)
    shard = 20 + 30 // SHARD_ROWS  # the second file begins at 20
    whole = manifest[shard].rows
    for attempted in (whole, whole[:1]):  # as if they had stopped it, which takes long
        ResultsFolder(str(there)).count_attempt(shard, attempted, shards.MAX_ATTEMPTS)
    list(shards.compute(str(there), load, shards.pending(str(there), manifest)))
    check(output, parts(there))


def test_two_drivers_on_one_output(cluster, dataset, detector, start, local, tmp_path):
    output = tmp_path / "out"
    driver = start(dataset, output)
    wait_for_commits(output, 1)
    load = partial(scoring.load, str(detector))
    with pytest.raises(InputError, match="Another run is writing"):
        list(
            distributed.predict(
                Dataset(str(dataset)), str(output), load, Workers(), cluster.address, resume=True
            )
        )
    assert driver.result(SECONDS) == SHARDS
    check(output, local)


def test_a_cluster_that_makes_room_later(
    cluster, dataset, start, local, tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(distributed, "_ROOM_SECONDS", 0.5)
    driver = start(dataset, tmp_path / "out", seconds=0, workers=Workers(1, 2, cpus=2, gpus=1))
    deadline = time.monotonic() + SECONDS
    while "No node has room for a worker yet (cores: 2, cards: 1)" not in caplog.text:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    # a card by name only, which a detector on the processor does not use
    node = cluster.add_node(num_cpus=2, num_gpus=1, object_store_memory=STORE)
    assert driver.result(SECONDS) == SHARDS
    cluster.remove_node(node)
    check(tmp_path / "out", local)


def test_errors_of_the_user_come_from_workers_as_they_are(cluster, dataset, start, tmp_path, capfd):
    (tmp_path / "no.csv").write_text("id,text\n")
    with pytest.raises(DatasetError, match=r"no\.csv has no rows: give a row for each text"):
        start(tmp_path / "no.csv", tmp_path / "out").result(SECONDS)
    absent: Any = _OnAnotherMachine()
    with pytest.raises(InputError, match=r"A worker cannot begin: .*No module named 'not_there'"):
        list(
            distributed.predict(Dataset(str(dataset)), str(tmp_path / "out"), absent, Workers(1, 1))
        )
    assert "Traceback" not in capfd.readouterr().err


class _OnAnotherMachine:
    """Loads a task by a module that workers lack."""

    def __reduce__(self):
        return import_module, ("not_there",)
