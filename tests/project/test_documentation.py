"""README and documentation: their Python runs, their commands work, their links lead somewhere."""

import re
import shlex
import shutil
import subprocess
from typing import Any

import pandas as pd
import pytest

from tests.paths import ROOT, SAMPLE_FOLDER

PAGES = {
    str(page.relative_to(ROOT)): page.read_text(encoding="utf-8")
    for page in [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").rglob("*.md")),
    ]
    if "_build" not in page.parts
}
BLOCK = re.compile(r"(<!-- not run: \S.*? -->\n)?```(\w+)\n(.*?)^```", re.S | re.M)
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMAND = re.compile(r"(?:python model\.py|perplexity-detector) (.*data/sample/.*)")
#: Texts that the commands read: two of each class. Training reads all.
FEW = ["s01", "s02", "s29", "s30"]


def blocks(page: str, language: str) -> list[str]:
    """Code of the blocks of a language that are meant to run."""
    return [
        code
        for not_run, found, code in BLOCK.findall(PAGES[page])
        if found == language and not not_run
    ]


def commands() -> list[str]:
    """Commands on the sample, each once."""
    lines = [
        line
        for page in PAGES
        for code in blocks(page, "sh")
        for line in code.replace("\\\n", " ").splitlines()
    ]
    found = [COMMAND.match(line) for line in lines]
    return list(dict.fromkeys(match[1] for match in found if match))


def test_there_is_something_to_run():
    assert {command.split()[0] for command in commands()} >= {"predict", "explain", "train"}
    assert sum(bool(blocks(page, "python")) for page in PAGES) >= 5


@pytest.mark.parametrize("command", commands())
def test_commands(command, here, tmp_path, smollm2_folder):
    words = shlex.split(command, comments=True)
    shutil.copytree(SAMPLE_FOLDER, tmp_path / "data" / "sample")
    if words[0] == "train":
        words.append("--track=False")  # MLflow has tests of its own, and takes half a minute
    else:
        shorten(tmp_path / "data" / "sample")
    code, out, err = here(*words)
    assert code == 0, err
    assert "Traceback" not in out + err
    written = {
        "predict": "data/results.csv",
        "explain": "data/report.html",
        "features": "data/features.csv",
        "train": "data/model/config.json",
        "evaluate": "data/log_file.log",
    }[words[0]]
    assert (tmp_path / written).is_file()


def shorten(folder):
    """Keep few texts of each file."""
    essays = pd.read_csv(folder / "essays.csv")
    essays[essays["id"].isin(FEW)].to_csv(folder / "essays.csv", index=False)
    pd.read_csv(folder / "odd.csv").head(2).to_csv(folder / "odd.csv", index=False)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")])
def test_python(page, smollm2_folder, tmp_path, monkeypatch):
    """The blocks of a page run one after the other, in one namespace."""
    monkeypatch.chdir(tmp_path)
    sample = pd.read_csv(SAMPLE_FOLDER / "essays.csv")
    namespace: dict[str, Any] = {
        "sample": sample,
        "texts": sample["text"].tolist()[:2],
        "human_texts": [f"We have {n} hens, and they lay an egg a day." for n in range(100)],
    }
    for number, code in enumerate(blocks(page, "python"), 1):
        exec(compile(code, f"{page}, block {number}", "exec"), namespace)


def test_targets_of_make_exist():
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    targets = {name for text in PAGES.values() for name in re.findall(r"\bmake ([a-z]+)\b`", text)}
    targets |= {
        name
        for page in PAGES
        for code in blocks(page, "sh")
        for name in re.findall(r"^make (\w+)", code, re.M)
    }
    assert targets >= {"demo", "test", "docs"}
    subprocess.run([make, "--dry-run", *sorted(targets)], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    folder = (ROOT / page).parent
    for link in LINK.findall(PAGES[page]):
        if not link.startswith(("http://", "https://", "#")):
            assert (folder / link.partition("#")[0]).exists(), link
