"""The Dockerfile and the compose file, as far as they can be proven without an engine."""

import fnmatch
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from perplexity_detector.command_line import My_TextClassifier_Model
from tests.paths import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CUDA = re.compile(r"nvidia|nccl|cuda|triton")


def instructions(dockerfile):
    """(instruction, rest) of each, with comments left out and continued lines joined."""
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [tuple(line.strip().split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def stages():
    """Name -> instructions; the last stage, which is the image, is called image."""
    found = {}
    for word, rest in instructions((ROOT / "Dockerfile").read_text()):
        if word == "FROM":
            name = rest.partition(" AS ")[2] or "image"
            found[name] = [(word, rest)]
        elif found:
            found[name].append((word, rest))
    return found


@pytest.fixture(scope="module")
def image(stages):
    """The last stage: instruction -> what follows it the last time."""
    return dict(stages["image"])


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def services():
    yaml = pytest.importorskip("yaml", reason="PyYAML, of transformers, is not installed")
    return yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"]


def copied(stages):
    """What is copied from the checkout: (stage, path)."""
    return [
        (name, path)
        for name, stage in stages.items()
        for word, rest in stage
        if word == "COPY" and "--from=" not in rest
        for path in rest.split()[:-1]
    ]


def test_the_last_stage_runs_as_no_root(image):
    assert int(image["USER"].split(":")[0]) > 0


def test_what_is_written_lies_in_the_volume(image):
    assert (image["WORKDIR"], image["VOLUME"]) == ("/app", "/app/data")
    settings = dict(pair.split("=", 1) for pair in shlex.split(image["ENV"]))
    for name in ("PERPLEXITY_DETECTOR_HOME", "HF_HOME"):
        assert settings[name].startswith("/app/data/")


def test_the_python_is_one_that_the_package_is_for(stages, project):
    versions = {re.search(r"python:([\d.]+)-slim", text)[1] for text in bases(stages)}
    assert len(versions) == 1
    assert versions.pop() in SpecifierSet(project["requires-python"])


def bases(stages):
    named = [stage[0][1].split()[0] for stage in stages.values()]
    return [base for base in named if base not in stages]


def test_a_change_of_code_installs_no_dependency_anew(stages):
    for name in ("requirements", "dependencies"):
        assert not [path for stage, path in copied(stages) if stage == name and "detector" in path]
    order = [rest for word, rest in stages["image"] if word == "COPY"]
    assert "--from=dependencies" in order[0]
    assert "--from=wheel" in order[1]


def test_the_context_holds_what_is_copied_and_no_weights(stages):
    def is_sent(path):
        sent = True  # the last line that matches decides
        for line in (ROOT / ".dockerignore").read_text().splitlines():
            pattern = line.lstrip("!")
            parts = [path, *map(str, Path(path).parents)]
            if not line.startswith("#") and any(fnmatch.fnmatch(part, pattern) for part in parts):
                sent = line.startswith("!")
        return sent

    for _, path in copied(stages):
        assert (ROOT / path).exists()
        assert is_sent(path.rstrip("/"))
    assert not is_sent("perplexity_detector/pretrained/smollm2/model.safetensors")
    assert not is_sent("data/sample/essays.csv")
    assert not is_sent(".git/config")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib came with Python 3.11")
def test_what_is_installed_is_what_the_project_asks_for(stages, project, tmp_path):
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for word, command in stages["requirements"]:
        if word == "RUN":
            subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, env={"PATH": path}, check=True)
    lines = (tmp_path / "requirements.txt").read_text().splitlines()
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["service"], *extras["tracking"]]
    assert [line.replace("xgboost-cpu", "xgboost") for line in lines] == wanted
    constraints = (tmp_path / "constraints.txt").read_text().splitlines()
    pinned = {Requirement(line).name for line in constraints}
    assert "xgboost-cpu" in {Requirement(line).name for line in lines} & pinned
    assert "xgboost" not in pinned
    assert not [line for line in [*lines, *constraints] if CUDA.search(line.split(";")[0])]


def test_the_default_is_torch_for_the_cpu():
    (index,) = (rest for word, rest in global_arguments() if "TORCH_INDEX" in rest)
    assert index.endswith("/cpu")


def global_arguments():
    found = instructions((ROOT / "Dockerfile").read_text())
    return found[: [word for word, _ in found].index("FROM")]


def test_the_words_are_those_of_the_command_line(image, project):
    assert json.loads(image["ENTRYPOINT"]) == [*project["scripts"]]
    command, *options = json.loads(image["CMD"])
    parameters = inspect.signature(getattr(My_TextClassifier_Model, command)).parameters
    assert {option.lstrip("-").partition("=")[0] for option in options} <= set(parameters)
    assert image["EXPOSE"] == str(parameters["port"].default)


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False), (None, False)])
def test_health_is_what_readyz_says(image, status, healthy):
    asked = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        if status is None:
            server.shutdown()
            server.server_close()
        check = json.loads(image["HEALTHCHECK"].partition(" CMD ")[2])
        assert check[0] == "python"
        command = [sys.executable, *(word.replace("8000", str(port)) for word in check[1:])]
        done = subprocess.run(command, check=False, capture_output=True)
        if status is not None:
            server.shutdown()
    assert (done.returncode == 0) == healthy
    assert asked == ([] if status is None else ["/readyz"])


def test_the_version_is_the_package_s(image, project):
    labels = dict(pair.split("=", 1) for pair in shlex.split(image["LABEL"]))
    assert labels["org.opencontainers.image.version"] == project["version"]
    assert labels["org.opencontainers.image.licenses"] == project["license"]
    assert labels["org.opencontainers.image.description"] == project["description"]


def test_compose_offers_the_service_a_card_and_mlflow(services):
    assert set(services) == {"api", "gpu", "mlflow"}
    assert "profiles" not in services["api"]
    for service in services.values():
        assert service["volumes"] == ["./data:/app/data"]
        assert service["cpus"] and service["mem_limit"]
        assert all("127.0.0.1" in port for port in service["ports"])
    (card,) = services["gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert card["driver"] == "nvidia"
    assert "cpu" not in services["gpu"]["build"]["args"]["TORCH_INDEX"]


def test_compose_takes_the_key_from_the_environment(services):
    from perplexity_detector.service.settings import API_KEY

    for name in ("api", "gpu"):
        assert services[name]["environment"][API_KEY] is None  # as it is outside, or not at all


def test_mlflow_s_page_is_over_the_store_of_training(services):
    from perplexity_detector.pipelines.mlflow_run import DATABASE

    assert f"--backend-store-uri=sqlite:////app/data/{DATABASE}" in services["mlflow"]["entrypoint"]
