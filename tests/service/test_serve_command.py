"""The command `serve` as its users run it: started, asked, stopped by a signal."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading

import httpx2
import pytest

from tests.asked import refused
from tests.paths import ROOT
from tests.service.serving import wait_for

KEY = "PERPLEXITY_DETECTOR_API_KEY"
#: Seconds; a busy machine takes its time to start a process.
PATIENCE = 300
MISSING = """
import sys
sys.modules["{}"] = None
"""


def environment(**more):
    plain = {name: value for name, value in os.environ.items() if name != KEY}
    return {**plain, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **more}


def run(*options, cwd, **more):
    return subprocess.run(
        [sys.executable, ROOT / "model.py", "serve", *options], cwd=cwd, env=environment(**more),
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def saved(detector, tmp_path_factory):
    return detector.save_pretrained(tmp_path_factory.mktemp("saved") / "light")


@pytest.fixture
def started(saved, tmp_path):
    """A service in a process of its own, in an empty folder, and a client of it."""
    (tmp_path / "tmp").mkdir()
    # what is started in the background of a shell inherits that it ignores the signal
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [sys.executable, ROOT / "model.py", "serve", "--port=0", f"--detector={saved}"],
        cwd=tmp_path, env=environment(**{KEY: "k", "TMPDIR": str(tmp_path / "tmp")}),
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    signal.signal(signal.SIGINT, inherited)
    try:
        first_line = process.stderr.readline()
        url = re.search(r"http://127\.0\.0\.1:\d+", first_line)
        assert url, first_line
        headers = {"Authorization": "Bearer k"}
        with httpx2.Client(
            base_url=url[0], headers=headers, trust_env=False, timeout=PATIENCE
        ) as client:
            yield process, client
    finally:
        process.kill()
        process.wait()


def test_a_stopped_service_finishes_what_runs(started, texts, tmp_path):
    process, client = started
    assert client.get("/healthz").status_code == 200
    wait_for(lambda: client.get("/readyz").status_code == 200, PATIENCE)
    assert client.get("/readyz").json()["detector"] == "light"
    (folder,) = (tmp_path / "tmp").glob("perplexity-detector-*")
    # many enough that the signal comes while they are read
    answers = []
    many = {"texts": ["zanzibar " + text for text in texts] * 30}
    asking = threading.Thread(target=lambda: answers.append(client.post("/v1/predict", json=many)))
    asking.start()
    wait_for(lambda: "batch_texts_count 0.0" not in client.get("/metrics").text, PATIENCE)
    process.send_signal(signal.SIGTERM)
    asking.join()
    assert [len(one.json()["results"]) for one in answers] == [180]
    assert process.wait(PATIENCE) == 0
    assert not folder.exists()
    with pytest.raises(httpx2.ConnectError):
        client.get("/healthz")
    log = (tmp_path / "data" / "log_file.log").read_text()
    assert "command: serve --host=127.0.0.1 --port=0" in log
    assert "POST /v1/predict 200" in log
    assert "stopped by SIGTERM" in log
    assert "zanzibar" not in log
    assert "Traceback" not in log + process.stderr.read()


def test_ctrl_c_ends_it(started):
    process, client = started
    assert client.get("/healthz").status_code == 200  # loading or ready
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 130
    assert "Traceback" not in process.stderr.read()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--port=http"], "--port is a whole number of at least 0, not http."),
        (["--port=70000"], "--port is at most 65535, not 70000."),
        (["--fpr=2"], "--fpr is a rate between 0 and 1"),
        (["--max_texts=0"], "--max_texts is a whole number of at least 1, not 0."),
        (["--host=no.such.host.invalid"], "no.such.host.invalid:8000 cannot be listened on"),
    ],
)
def test_wrong_options_are_a_sentence(options, sentence, here):
    assert sentence in refused(here("serve", *options))


def test_a_detector_that_is_missing_ends_a_service_that_has_started(tmp_path):
    done = run("--detector=nowhere", "--port=0", cwd=tmp_path)
    assert done.returncode == 2
    assert "There is no detector in nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken(here):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sentence = refused(here("serve", f"--port={port}"))
    assert f"127.0.0.1:{port} cannot be listened on" in sentence


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "PERPLEXITY_DETECTOR_MAX_TEXTS should be a valid integer"),
        # the option wins, so the next mistake shows
        (["--max_texts=5", "--host=no.such.host.invalid"], "choose another --port or --host."),
    ],
)
def test_wrong_variables_are_a_sentence(options, sentence, here, monkeypatch):
    monkeypatch.setenv("PERPLEXITY_DETECTOR_MAX_TEXTS", "many")
    assert sentence in refused(here("serve", *options))


def test_an_empty_key_is_no_key(here, monkeypatch):
    monkeypatch.setenv(KEY, " ")
    assert f"{KEY} is empty" in refused(here("serve"))


@pytest.mark.parametrize("package", ["fastapi", "pydantic_settings"])
def test_without_the_extra_one_sentence_says_what_to_install(tmp_path, package):
    (tmp_path / "sitecustomize.py").write_text(MISSING.format(package))
    done = run(cwd=tmp_path, PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert done.returncode == 2
    assert "pip install 'perplexity-detector[service]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_but_the_service_imports_fastapi():
    package = ROOT / "perplexity_detector"
    ask = (
        "import sys, json, perplexity_detector.command_line, perplexity_detector.detector\n"
        "print(json.dumps(sorted({'fastapi', 'uvicorn', 'pydantic_settings'} & set(sys.modules))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", ask], env=environment(), capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == []
    for file in package.rglob("*.py"):
        if package / "service" not in file.parents:
            # the package mcp brings pydantic, which describes the arguments of its tools
            foreign = "fastapi" if file.name == "mcp_server.py" else "(fastapi|pydantic)"
            found = re.search(rf"^\s*(import|from) {foreign}", file.read_text(), re.M)
            assert not found, file
