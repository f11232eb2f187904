"""Which XGBoost `make` installs: without a card the one without NVIDIA's NCCL."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

pytestmark = pytest.mark.skipif(
    shutil.which("make") is None or os.name == "nt", reason="there is no make"
)
CARD = Path("/dev/nvidiactl").exists()
#: A Python that notes what it should install, and runs everything else.
PYTHON = f"""#!/bin/sh
if [ "$2" = pip ]; then echo "$@" >> pip.txt; else exec {sys.executable} "$@"; fi
"""


def program(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(0o755)


@pytest.fixture
def install(tmp_path):
    """Run the installation of `make` in an empty checkout: what pip is asked, and which pins."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "scripts"):
        (tmp_path / name).symlink_to(ROOT / name)
    program(tmp_path / ".venv" / "bin" / "python", PYTHON)
    (tmp_path / ".venv" / "created").touch()

    def make(system, *arguments):
        program(tmp_path / "programs" / "uname", f"#!/bin/sh\necho {system}\n")
        path = f"{tmp_path / 'programs'}{os.pathsep}{os.environ['PATH']}"
        subprocess.run(
            ["make", ".venv/installed", *arguments], cwd=tmp_path, check=True, capture_output=True,
            env={"PATH": path},
        )  # fmt: skip
        lines = [
            line
            for name in ("requirements.txt", "constraints.txt")
            for line in (tmp_path / ".venv" / name).read_text().splitlines()
            if line.startswith("xgboost")
        ]
        return (tmp_path / "pip.txt").read_text(), lines

    return make


@pytest.mark.parametrize(
    ("system", "arguments", "chosen", "other"),
    [
        ("Darwin", [], "xgboost", "xgboost-cpu"),
        ("Linux", ["XGBOOST=xgboost-cpu"], "xgboost-cpu", "xgboost"),
        ("Linux", ["XGBOOST=xgboost"], "xgboost", "xgboost-cpu"),
        pytest.param("Linux", [], "xgboost-cpu", "xgboost",
                     marks=pytest.mark.skipif(CARD, reason="this machine has a card")),
        pytest.param("Linux", [], "xgboost", "xgboost-cpu",
                     marks=pytest.mark.skipif(not CARD, reason="this machine has no card")),
    ],
)  # fmt: skip
def test_the_xgboost_of_this_machine_is_installed(install, system, arguments, chosen, other):
    asked, lines = install(system, *arguments)
    removed, installed, _ = asked.splitlines()
    # both install the module xgboost, so that the other must go first
    assert removed.split()[2:] == ["uninstall", "--quiet", "--yes", other]
    assert "--requirement=.venv/requirements.txt" in installed
    assert "--constraint=.venv/constraints.txt" in installed
    requirement, *pins = lines
    assert requirement.startswith(f"{chosen}>=")
    assert pins
    assert all(pin.startswith(f"{chosen}==") for pin in pins)
