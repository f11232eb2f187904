"""The wheel in an empty environment, in another folder, without network."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from tests.paths import ROOT

PYPI_LIMIT = 100 * 1024 * 1024

NO_NETWORK = """
import socket

def refuse(*arguments):
    raise OSError("this test has no network")

socket.socket.connect = refuse
socket.getaddrinfo = refuse
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory, smollm2_folder):
    folder = tmp_path_factory.mktemp("wheel")
    build = "import sys; from poetry.core.masonry.api import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(folder)], cwd=ROOT, check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """An environment that holds the wheel alone; its dependencies are borrowed from ours."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel], check=True
    )
    ask = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    site = Path(subprocess.check_output([python, "-c", ask], text=True).strip())
    # a path added by a .pth file has its own .pth files, such as our editable install's, ignored
    (site / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    (site / "sitecustomize.py").write_text(NO_NETWORK)
    return folder / "bin"


def run(command, folder):
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        command, cwd=folder, env=clean, check=False, capture_output=True, text=True
    )


def test_size_and_content(wheel):
    assert wheel.stat().st_size < PYPI_LIMIT
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"perplexity_detector"}
    for needed in (
        "smollm2/model.safetensors",
        "smollm2/LICENSE",
        "standard/classifier.ubj",
        "fast/classifier.ubj",
    ):
        assert f"perplexity_detector/pretrained/{needed}" in names


def test_the_command_scores_without_network(installed, tmp_path):
    sample = pd.read_csv(ROOT / "data" / "sample" / "essays.csv").head(2)
    sample.to_csv(tmp_path / "two.csv", index=False)
    done = run([installed / "perplexity-detector", "predict", "--dataset=two.csv"], tmp_path)
    assert done.returncode == 0, done.stderr
    results = pd.read_csv(tmp_path / "data" / "results.csv")
    assert results["id"].tolist() == sample["id"].tolist()
    assert results["generated"].between(0, 1).all()


def test_the_import_comes_from_the_wheel(installed, tmp_path):
    done = run([installed / "python", "-c", "import perplexity_detector as p; print(p)"], tmp_path)
    assert str(installed.parent) in done.stdout, done.stderr
