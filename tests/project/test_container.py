"""What can be run of Dockerfile and compose file without a container engine."""

import fnmatch
import inspect
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from perplexity_detector.command_line import My_TextClassifier_Model
from tests.paths import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: Variables of the compose file with a default: ${NAME:-default}.
DEFAULT = re.compile(r"\$\{(\w+):-([^}]*)\}")


def instructions(dockerfile):
    """(instruction, rest) of each, without comments, continued lines joined."""
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [tuple(line.strip().split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def stages():
    """Name -> instructions; the last stage, which becomes the image, is called `image`."""
    found: dict[str, list[tuple[str, str]]] = {}
    for word, rest in instructions((ROOT / "Dockerfile").read_text()):
        if word == "FROM":
            name = rest.partition(" AS ")[2] or "image"
            found[name] = []
        elif found:
            found[name].append((word, rest))
    return found


@pytest.fixture(scope="module")
def image(stages):
    """The last stage: instruction -> what follows it."""
    return dict(stages["image"])


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def services(**environment: str) -> dict[str, Any]:
    """The services of the compose file, with variables from an environment."""
    text = (ROOT / "docker-compose.yaml").read_text()
    filled = DEFAULT.sub(lambda found: environment.get(found[1], found[2]), text)
    assert "${" not in filled
    found: dict[str, Any] = yaml.safe_load(filled)["services"]
    return found


def copied(stage):
    """(sources, target) of what a stage copies from the checkout."""
    words = [rest.split() for word, rest in stage if word == "COPY" and "--from=" not in rest]
    return [(sources, target) for *sources, target in words]


def check_out(stage, folder):
    """Copy into a folder what a stage copies from the checkout."""
    for sources, target in copied(stage):
        for source in sources:
            if (ROOT / source).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / source, folder / target, ignore=ignored)
            else:
                name = Path(source).name if target.endswith("/") else ""
                place = folder / target / name
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, place)


def test_the_python_is_one_that_the_package_is_for(project):
    bases = [
        rest for word, rest in instructions((ROOT / "Dockerfile").read_text()) if word == "FROM"
    ]
    versions = {found[1] for base in bases if (found := re.match(r"python:([\d.]+)", base))}
    assert versions
    for version in versions:
        assert version in SpecifierSet(project["requires-python"])


def test_the_context_holds_what_is_copied_and_no_weights(stages):
    def is_sent(path):
        sent = True  # the last line that matches decides
        for line in (ROOT / ".dockerignore").read_text().splitlines():
            pattern = line.lstrip("!")
            paths = [path, *map(str, Path(path).parents)]
            if not line.startswith("#") and any(fnmatch.fnmatch(one, pattern) for one in paths):
                sent = line.startswith("!")
        return sent

    for stage in stages.values():
        for sources, _ in copied(stage):
            for source in sources:
                assert (ROOT / source).exists()
                assert is_sent(source.rstrip("/"))
    assert not is_sent("perplexity_detector/pretrained/smollm2/model.safetensors")
    assert not is_sent("data/sample/essays.csv")
    assert not is_sent(".git/config")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib came with Python 3.11")
@pytest.mark.skipif(shutil.which("sed") is None, reason="there is no sed")
def test_what_is_installed_is_what_the_project_asks_for(stages, project, tmp_path):
    check_out(stages["requirements"], tmp_path)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for word, command in stages["requirements"]:
        if word == "RUN":
            subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, env={"PATH": path}, check=True)
    lines = (tmp_path / "requirements.txt").read_text().splitlines()
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"]]
    wanted += [one for name in ("documents", "service", "tracking") for one in extras[name]]
    assert [line.replace("xgboost-cpu", "xgboost") for line in lines] == wanted
    constraints = (tmp_path / "constraints.txt").read_text().splitlines()
    pinned = {Requirement(line).name for line in constraints}
    assert "xgboost-cpu" in {Requirement(line).name for line in lines} & pinned
    assert "xgboost" not in pinned


def test_the_language_model_is_pulled_with_what_is_copied_for_it(stages, tmp_path):
    check_out(stages["language-model"], tmp_path)
    (command,) = (rest for word, rest in stages["language-model"] if word == "RUN")
    words = [word for word in shlex.split(command) if "=" not in word]
    assert words[0] == "python"
    done = subprocess.run(
        [sys.executable, *words[1:]],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": "", "PIP_NO_INDEX": "1"},
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    # every import succeeds, and only the download, which is forbidden here, does not
    assert "could not download" in done.stderr
    assert "Traceback" not in done.stderr


def parameters(command):
    """Names of the options of a command."""
    return inspect.signature(getattr(My_TextClassifier_Model, command)).parameters


def test_the_image_runs_a_command_that_exists(image, project):
    assert json.loads(image["ENTRYPOINT"]) == [*project["scripts"]]
    command, *options = json.loads(image["CMD"])
    assert {option.lstrip("-").partition("=")[0] for option in options} <= set(parameters(command))
    assert image["EXPOSE"] == str(parameters(command)["port"].default)


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False), (None, False)])
def test_health_is_what_readyz_answers(image, status, healthy):
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
        command = [sys.executable, *(word.replace("8000", str(port)) for word in check[1:])]
        done = subprocess.run(command, check=False, capture_output=True)
        if status is not None:
            server.shutdown()
    assert (done.returncode == 0) == healthy
    assert asked == ([] if status is None else ["/readyz"])


def test_nobody_else_reaches_the_ports_unless_that_is_set():
    for service in services().values():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    for service in services(DETECTOR_ADDRESS="0.0.0.0", DETECTOR_PORT="80").values():
        assert all(port.startswith("0.0.0.0:") for port in service["ports"])


def test_compose_starts_the_service_alone_unless_asked():
    assert [name for name, service in services().items() if "profiles" not in service] == ["api"]


def test_compose_runs_commands_that_exist():
    command, *options = services()["gpu"]["command"]
    assert {option.lstrip("-").partition("=")[0] for option in options} <= set(parameters(command))


def test_compose_takes_the_key_from_the_environment():
    from perplexity_detector.service.settings import API_KEY

    for name in ("api", "gpu"):
        assert services()[name]["environment"][API_KEY] is None  # as it is outside, or not at all


def test_mlflow_shows_the_store_of_training():
    from perplexity_detector.pipelines.mlflow_run import DATABASE

    assert (
        f"--backend-store-uri=sqlite:////app/data/{DATABASE}" in services()["mlflow"]["entrypoint"]
    )
