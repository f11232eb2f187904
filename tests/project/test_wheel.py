"""The wheel in an empty environment, in another folder, without network."""

import os
import re
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
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    python = programs / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel], check=True
    )
    ask = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    site = Path(subprocess.check_output([python, "-c", ask], text=True).strip())
    # a path added by a .pth file has its own .pth files, such as our editable install's, ignored
    (site / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    (site / "sitecustomize.py").write_text(NO_NETWORK)
    return programs


#: What a user's type checker must know of the public names.
TYPED = """
import perplexity_detector as p

detector = p.TextDetector.from_pretrained("fast")
reveal_type(detector)
reveal_type(detector.predict_proba(["A text."]))
reveal_type(detector.assess(["A text."]))
explanation = detector.explain("A text.")
reveal_type(explanation)
reveal_type(explanation.probability)
reveal_type(explanation.to_dict())
reveal_type(p.FeatureExtractor().transform(["A text."]))
reveal_type(p.LanguageModelScorer().score(["A text."]))
reveal_type(p.canonicalise("A text."))
reveal_type(p.__version__)
detector.explain(3)
"""
REVEALED = [
    "TextDetector",
    "ndarray[tuple[Any, ...], dtype[Any]]",
    "DataFrame",
    "Explanation",
    "float",
    "dict[str, Any]",
    "ndarray[tuple[Any, ...], dtype[Any]]",
    "list[TokenStatistics]",
    "str",
    "str",
]
#: Libraries that take mypy minutes, and of which the public types say nothing.
NOT_FOLLOWED = """
[mypy]
[mypy-torch.*,transformers.*,sklearn.*,xgboost.*,scipy.*,tokenizers.*,safetensors.*,tqdm.*]
follow_imports = skip
ignore_missing_imports = true
"""


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
        "auto/first/classifier.ubj",
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


def test_the_import_comes_from_the_wheel_with_its_version(wheel, installed, tmp_path):
    code = "import perplexity_detector as p; print(p.__file__, p.__version__)"
    done = run([installed / "python", "-c", code], tmp_path)
    file, version = done.stdout.split()
    assert Path(file).is_relative_to(installed.parent)
    assert wheel.name.split("-")[1] == version


def test_mypy_reveals_the_public_types(installed, tmp_path):
    (tmp_path / "typed.py").write_text(TYPED)
    (tmp_path / "mypy.ini").write_text(NOT_FOLLOWED)
    done = run([installed / "python", "-m", "mypy", "typed.py"], tmp_path)
    revealed = re.findall(r'Revealed type is "(.*)"', done.stdout)
    # without the modules that names are defined in
    assert [re.sub(r"[\w.]+\.(\w+)", r"\1", one) for one in revealed] == REVEALED
    assert 'incompatible type "int"; expected "str"' in done.stdout
    assert "Found 1 error" in done.stdout
