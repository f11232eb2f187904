"""The files that make the package agree with each other."""

import re
import sys

import pytest

from tests.paths import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# torch pins CUDA's libraries itself, and a machine without a card should not have them
CUDA = re.compile(r"nvidia-|cuda-|triton$")


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
    assert {re.match(r"[\w-]+", one)[0] for one in wanted} <= locked


def test_the_version_is_said_once(project):
    import perplexity_detector

    assert perplexity_detector.__version__ == project["project"]["version"]


def test_features_is_a_link_for_newcomers():
    link = ROOT / "features"
    assert link.is_symlink()
    assert link.resolve() == ROOT / "perplexity_detector" / "features"


def test_only_the_package_goes_into_a_wheel(project):
    assert project["tool"]["poetry"]["packages"] == [{"include": "perplexity_detector"}]


def test_no_weights_are_in_git():
    ignored = (ROOT / ".gitignore").read_text()
    assert "/perplexity_detector/pretrained/smollm2/" in ignored.splitlines()
