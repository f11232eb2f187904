"""The bill of materials of a wheel: valid CycloneDX, with the language model, without CUDA."""

import hashlib
import json
import subprocess
import sys

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement

from tests.paths import ROOT

#: As the lock has them, and constraints.txt does not.
CUDA = ["nvidia-nccl-cu12==2.30.7", "cuda-bindings==13.0.3", "triton==3.5.0"]


def run(*command, stdin):
    done = subprocess.run(
        [sys.executable, *map(str, command)], input=stdin, cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def locked():
    """One package in eight: to validate all of them takes a minute."""
    return [Requirement(one) for one in (ROOT / "constraints.txt").read_text().splitlines()[::8]]


@pytest.fixture(scope="module")
def bill(locked, smollm2_folder, tmp_path_factory):
    # as `make wheel` has it: what [tool] says of poetry is nothing to this program
    project = tmp_path_factory.mktemp("project") / "pyproject.toml"
    project.write_text((ROOT / "pyproject.toml").read_text().partition("\n[tool")[0])
    requirements = "\n".join([*map(str, locked), *CUDA])
    of_lock = run(
        "-m", "cyclonedx_py", "requirements", f"--pyproject={project}", "--mc-type=library",
        "--output-reproducible", "--no-validate", "-", stdin=requirements,
    )  # fmt: skip
    assert "nvidia" in of_lock
    return run("scripts/bill_of_materials.py", smollm2_folder, stdin=of_lock)


def test_it_is_valid(bill):
    version = SchemaVersion.from_version(json.loads(bill)["specVersion"])
    assert version >= SchemaVersion.V1_5  # the first that knows models
    assert JsonStrictValidator(version).validate_str(bill) is None


def test_it_has_the_packages_of_the_lock_and_nothing_of_cuda(bill, locked):
    listed = json.loads(bill)["components"]
    packages = {(one["name"], one["version"]) for one in listed if one["type"] == "library"}
    assert packages == {(one.name, str(one.specifier).removeprefix("==")) for one in locked}
    assert "nvidia" not in bill


def test_it_names_the_language_model(bill, smollm2_folder):
    (model,) = (
        one for one in json.loads(bill)["components"] if one["type"] == "machine-learning-model"
    )
    assert model["name"].startswith("SmolLM2-135M")
    assert model["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    assert "Apache License" in (smollm2_folder / "LICENSE").read_text()
    weights = hashlib.sha256((smollm2_folder / "model.safetensors").read_bytes()).hexdigest()
    assert model["hashes"] == [{"alg": "SHA-256", "content": weights}]


def test_a_bill_that_is_not_valid_is_refused(bill, smollm2_folder):
    wrong = json.loads(bill)
    wrong["components"][0]["type"] = "no type"
    done = subprocess.run(
        [sys.executable, "scripts/bill_of_materials.py", smollm2_folder], input=json.dumps(wrong),
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("The bill of materials is not valid: ")
