"""What README.md tells people to type does what it says."""

import os
import re
import shlex
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from tests.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.S))
COMMANDS = [
    line for line in SHELL.splitlines() if re.match(r"python model\.py .*data/sample/", line)
]
PYTHON = re.findall(r"```python\n(.*?)```", README, re.S)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A folder where the commands can write, with what they read."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "model.py").symlink_to(ROOT / "model.py")
    shutil.copytree(ROOT / "data" / "sample", folder / "data" / "sample")
    return folder


def test_there_are_commands_to_try():
    commands = [command.split()[2] for command in COMMANDS]
    assert commands == ["predict", "explain", "train", "evaluate"]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(command, checkout, smollm2_folder):
    words = shlex.split(command)
    done = subprocess.run(
        [sys.executable, *words[1:]],
        cwd=checkout, env={**os.environ, "COLUMNS": "100"},
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    made = {
        "predict": ["data/results.csv"],
        "explain": ["data/report.html"],
        "train": ["model/config.json", "data/model/README.md", "data/mlflow.db"],
        "evaluate": ["data/log_file.log"],
    }[words[2]]
    for name in made:
        assert (checkout / name).is_file()


@pytest.mark.parametrize("code", PYTHON)
def test_code(code, smollm2_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts = pd.read_csv(ROOT / "data" / "sample" / "essays.csv")["text"].tolist()[:2]
    people = [f"We have {number} hens, and they lay an egg a day." for number in range(100)]
    exec(code, {"texts": texts, "texts_by_people": people})


def test_targets_named_in_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"^make (\w+)", SHELL, re.M)):
        assert re.search(rf"^{target}:", makefile, re.M)


def test_links_lead_somewhere():
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).exists(), link
