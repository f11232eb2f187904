"""What installs without network: a folder of wheels, and an environment that reaches nothing."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.paths import ROOT

#: A port on which nothing listens.
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="session")
def wheelhouse():
    """A folder with the package's wheel and those of all that it needs, for this Python."""
    folder = Path(os.environ.get("WHEELHOUSE", ROOT / "dist" / "kaggle" / "wheels")).resolve()
    if not list(folder.glob("perplexity_detector-*.whl")):
        pytest.skip("there is no folder of wheels: `make kaggle` writes one, or name it WHEELHOUSE")
    if not list(folder.glob("torch-*.whl")):
        pytest.skip("the folder of wheels has no torch")
    version = f"cp{sys.version_info.major}{sys.version_info.minor}"
    if not list(folder.glob(f"numpy-*-{version}-*.whl")):
        pytest.skip("the folder of wheels is for another Python")
    return folder


@pytest.fixture
def room():
    """A short-lived folder for environments, which take gigabytes: pytest would keep three."""
    with tempfile.TemporaryDirectory(prefix="offline-") as folder:
        yield Path(folder)


@pytest.fixture
def offline(room):
    """Runs a command without network: in a namespace of its own where Linux lets us."""
    isolated = ["unshare", "--net", "--map-root-user"]
    try:
        subprocess.run([*isolated, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        isolated = []
    ours = ("PIP_", "UV_", "PIPX_", "PYTHON", "VIRTUAL_ENV")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        clean |= {name: NOWHERE, name.upper(): NOWHERE}
    clean |= {"HF_HUB_OFFLINE": "1", "HOME": str(room), "PIP_CONFIG_FILE": os.devnull}

    def run(*command, **variables):
        done = subprocess.run(
            [*isolated, *map(str, command)], cwd=room, env={**clean, **variables},
            check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    return run
