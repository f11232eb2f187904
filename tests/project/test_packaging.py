"""The files that make the package agree with each other."""

import hashlib
import os
import re
import subprocess
import sys

import pytest

from perplexity_detector.io.artefact_folder import PRETRAINED
from tests.paths import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# torch pins CUDA's libraries itself, and a machine without a card should not have them
CUDA = re.compile(r"nvidia-|cuda-|triton$")
#: What takes long to import.
HEAVY = {"fire", "numpy", "pandas", "scipy", "sklearn", "torch", "transformers", "xgboost"}


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_constraints_are_the_lock():
    lock = tomllib.loads((ROOT / "poetry.lock").read_text())
    locked = {(package["name"], package["version"]) for package in lock["package"]}
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    constrained = {tuple(line.split(";")[0].strip().split("==")) for line in lines}
    assert constrained == {pair for pair in locked if not CUDA.match(pair[0])}


def test_the_lock_has_every_direct_dependency(project):
    lock = tomllib.loads((ROOT / "poetry.lock").read_text())
    locked = {package["name"] for package in lock["package"]}
    extras = project["project"]["optional-dependencies"].values()
    wanted = [*project["project"]["dependencies"], *(one for extra in extras for one in extra)]
    assert {found[0] for one in wanted if (found := re.match(r"[\w-]+", one))} <= locked


def test_requirements_are_those_of_the_package_and_its_extras(project):
    """By which an environment gets xgboost-cpu in place of xgboost."""
    command = [sys.executable, "scripts/requirements.py", "service", "mcp"]
    printed = subprocess.check_output(command, cwd=ROOT, text=True).splitlines()
    extras = project["project"]["optional-dependencies"]
    assert printed == [*project["project"]["dependencies"], *extras["service"], *extras["mcp"]]
    assert [one for one in printed if one.startswith("xgboost>=")]


def test_importing_the_package_loads_nothing_heavy():
    code = f"import sys, perplexity_detector; print(*sorted({HEAVY} & set(sys.modules)))"
    loaded = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True)
    assert loaded.split() == []


@pytest.mark.skipif(os.name == "nt", reason="git may write a file in place of a link")
def test_features_is_a_link_for_newcomers():
    assert (ROOT / "features").resolve() == ROOT / "perplexity_detector" / "features"


def test_no_large_file_is_shipped_twice():
    large = [file for file in PRETRAINED.rglob("*") if file.is_file() and file.stat().st_size > 1e5]
    hashes = [hashlib.sha256(file.read_bytes()).hexdigest() for file in large]
    assert len(set(hashes)) == len(large) > 5


def test_no_weights_are_in_git():
    command = ["git", "ls-files", "perplexity_detector/pretrained"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("this is no git checkout")
    assert not [name for name in done.stdout.splitlines() if "smollm2" in name]
