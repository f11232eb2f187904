"""uv and pipx install the package and run its command, from wheels alone and without network."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

from perplexity_detector.version import __version__
from tests.labelled import sample

FROM_WHEELS = ("--no-index", "--find-links")


@pytest.fixture
def wheel(wheelhouse):
    """The package's own."""
    (file,) = wheelhouse.glob("perplexity_detector-*.whl")
    return file


@pytest.fixture
def uv(offline, room):
    """Runs uv, or uvx, of this environment without network."""
    if find_spec("uv") is None:
        pytest.skip("uv is not installed")
    from uv import find_uv_bin

    programs = Path(find_uv_bin()).parent
    places = {"UV_CACHE_DIR": str(room / "cache"), "UV_TOOL_DIR": str(room / "tools")}

    def run(program, *command):
        return offline(programs / program, "--offline", *command, **places)

    return run


def check(command, room, offline):
    """That the installed command scores the sample."""
    sample().head(2).to_csv(room / "two.csv", index=False)
    offline(command, "predict", "--dataset=two.csv", "--detector=fast")
    results = pd.read_csv(room / "data" / "results.csv", dtype={"id": str})
    assert results["id"].tolist() == sample()["id"].head(2).tolist()
    assert results["generated"].between(0, 1).all()


def test_uvx_runs_the_command_and_uv_installs_it(uv, offline, wheelhouse, wheel, room):
    python, cpu = ("--python", sys.executable), "--torch-backend=cpu"
    source, command = (cpu, *FROM_WHEELS, wheelhouse), ("perplexity-detector", "--version")
    assert __version__ in uv("uvx", *python, *source, "--from", wheel, *command)
    uv("uv", "venv", room / "own", *python)
    uv("uv", "pip", "install", "--python", room / "own", *source, wheel)
    check(room / "own" / "bin" / "perplexity-detector", room, offline)


def test_pipx_installs_the_command(offline, wheelhouse, wheel, room):
    if find_spec("pipx") is None:
        pytest.skip("pipx is not installed")
    places = {"PIPX_HOME": str(room / "pipx"), "PIPX_BIN_DIR": str(room / "bin")}
    from_wheels = f"--pip-args={' '.join((*FROM_WHEELS, str(wheelhouse)))}"
    offline(sys.executable, "-m", "pipx", "install", wheel, from_wheels, **places)
    command = room / "bin" / "perplexity-detector"
    assert __version__ in subprocess.check_output([command, "--version"], text=True)
    check(command, room, offline)
