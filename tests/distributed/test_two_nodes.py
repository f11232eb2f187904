"""A cluster as a person starts it, and the command line on it."""

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.running import MODEL, run
from tests.labelled import SAMPLE
from tests.paths import ROOT

pytest.importorskip("ray", reason="needs the extra ray")
pytestmark = [
    pytest.mark.distributed,
    pytest.mark.skipif(sys.platform != "linux", reason="Ray's clusters of one machine need Linux"),
]
RAY = Path(sys.executable).parent / "ray"


@contextmanager
def node(folder, *options):
    """`ray start`, with all that it starts; gives what it has said."""
    log = folder / f"{len(list(folder.iterdir()))}.log"
    with log.open("w") as said:
        started = subprocess.Popen(
            [RAY, "start", "--block", "--num-cpus=1", "--object-store-memory=80000000", *options],
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 180
        while "This command will now block" not in (text := log.read_text()):
            assert started.poll() is None, text
            assert time.monotonic() < deadline, text
            time.sleep(0.1)
        yield text
    finally:
        os.killpg(started.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            started.wait(20)
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()


@pytest.fixture
def address(tmp_path, monkeypatch):
    """Of a cluster of two nodes on this machine."""
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("RAY_memory_monitor_refresh_ms", "0")  # other programs' memory is no fault
    folder = tmp_path / "nodes"
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with node(folder, "--head", f"--port={port}", "--include-dashboard=false") as said:
        found = re.search(r"ray start --address='([\d.:]+)'", said)
        assert found is not None, said
        with node(folder, f"--address={found[1]}"):
            yield found[1]


def test_the_sample_on_two_nodes(address, tmp_path, smollm2_folder):
    texts = pd.read_csv(SAMPLE)[:6]
    (tmp_path / "in").mkdir()
    texts[:3].to_csv(tmp_path / "in" / "a.csv", index=False)
    texts[3:].to_csv(tmp_path / "in" / "b.csv", index=False)
    command = [MODEL, "predict", "--dataset=in", "--detector=fast", "--details"]
    on_ray = ["--engine=ray", f"--address={address}", "--workers=1:2"]
    done = run(*command, "--output=out/", *on_ray, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (said,) = [line for line in done.stderr.splitlines() if "worker-hours" in line]
    assert said.startswith("6 texts in 2 shards: ")
    assert "Traceback" not in done.stderr
    here = run(*command, "--output=here/", cwd=tmp_path)
    assert here.returncode == 0, here.stderr
    written = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("part-*")}
    assert written == {path.name: path.read_bytes() for path in (tmp_path / "here").glob("part-*")}
    again = run(*command, "--output=out/", *on_ray, cwd=tmp_path)
    assert again.returncode == 2
    assert "out has 2 of 2 shards of an earlier run: pass --resume" in again.stderr
    pipeline = (
        "import ray, sys\n"
        "from perplexity_detector.pipelines.distributed import DetectorBatch\n"
        "ray.init(address=sys.argv[1], log_to_driver=False)\n"
        "rows = ray.data.read_csv(sys.argv[2])\n"
        "scored = rows.map_batches(DetectorBatch, batch_format='pandas',\n"
        "    fn_constructor_kwargs={'detector': 'fast'},\n"
        "    compute=ray.data.ActorPoolStrategy(size=1)).to_pandas()\n"
        "scored[['id', 'verdict', 'probability']].to_csv('scored.csv', index=False)\n"
    )
    done = run("-c", pipeline, address, tmp_path / "in", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    scored = pd.read_csv(tmp_path / "scored.csv").set_index("id").sort_index()
    parts = pd.read_parquet(tmp_path / "here").set_index("id").sort_index()
    assert scored["verdict"].tolist() == parts["verdict"].tolist()
    assert scored["probability"].round(6).tolist() == parts["generated"].tolist()


@contextmanager
def killed_afterwards(environment):
    """Kill what was started with an environment, as `ray start` leaves its processes."""
    mark = f"MARK_OF_TEST={secrets.token_hex(16)}"
    try:
        yield {**environment, **dict([mark.split("=")])}
    finally:
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it has ended meanwhile, or is another user's
                if mark.encode() in (process / "environ").read_bytes().split(b"\0"):
                    os.kill(int(process.name), signal.SIGKILL)


def test_the_commands_of_the_guide(tmp_path, smollm2_folder):
    guide = (ROOT / "docs" / "guides" / "shards.md").read_text()
    (commands,) = re.findall(r"^```sh\n([^`]*ray start --head.*?)^```", guide, re.S | re.M)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert commands.count("6379") == 2
    commands = commands.replace("6379", str(port))
    # instead of `ray stop`, which stops others' as well
    count = "import ray; ray.init('auto'); print(sum(one['Alive'] for one in ray.nodes()), 'nodes')"
    commands = commands.replace("ray stop\n", f'python -c "{count}"\n')
    assert count in commands
    (tmp_path / "data" / "sample").mkdir(parents=True)
    pd.read_csv(SAMPLE)[:3].to_csv(tmp_path / "data" / "sample" / "essays.csv", index=False)
    environment = {name: value for name, value in os.environ.items() if name[:4] != "RAY_"}
    environment |= {
        "PATH": f"{RAY.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "RAY_memory_monitor_refresh_ms": "0",
    }
    log = tmp_path / "log"  # and no pipe, which nodes could keep open
    with killed_afterwards(environment) as marked, log.open("w") as said:
        done = subprocess.run(
            ["bash", "-e", "-c", commands],
            cwd=tmp_path,
            env=marked,
            stdout=said,
            stderr=subprocess.STDOUT,
            timeout=500,
            check=False,
        )
    text = log.read_text()
    assert done.returncode == 0, text[-3000:]
    assert "3 texts in 1 shard: " in text
    assert "2 nodes" in text
    assert len(pd.read_parquet(tmp_path / "out")) == 3


def test_no_cluster_there(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    done = run(
        MODEL, "predict", f"--dataset={SAMPLE}", "--output=out/", "--engine=ray",
        f"--address=127.0.0.1:{port}", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 2
    assert f"No Ray cluster at 127.0.0.1:{port} lets this program in: start one" in done.stderr
    assert "Traceback" not in done.stderr
