"""What the system takes away (room on the disk, power, standard streams) costs one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from perplexity_detector.io.results_writer import ResultsWriter, write_atomic
from tests.paths import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux' descriptors and limits")

#: Reads two texts with a cache, on a disk that is full after the first bytes.
FULL_DISK = """
import resource, sys
from perplexity_detector.errors import InputError
from perplexity_detector.lm.cache import CachedScorer
from perplexity_detector.lm.scorer import LanguageModelScorer
scorer = CachedScorer(LanguageModelScorer(sys.argv[1]), sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    scorer.score(["We walked to the lake.", "It rained."])
except InputError as error:
    print(error)
"""
#: Copies standard input to such a disk.
FULL_TEMPORARY = """
import resource
from perplexity_detector.errors import DatasetError
from perplexity_detector.io.datasets import read_all
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    read_all("-")
except DatasetError as error:
    print(error)
"""


def shell(command, folder):
    return subprocess.run(
        ["sh", "-c", f"exec {sys.executable} {ROOT / 'model.py'} {command}"],
        cwd=folder, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_a_cache_on_a_full_disk_is_one_sentence(tiny_gpt2, tmp_path):
    cache = tmp_path / "cache"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tiny_gpt2), str(cache)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.stdout.startswith(f"The cache cannot be kept in {cache} ("), done.stderr
    assert "choose another folder, or free some room" in done.stdout
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_standard_input_that_finds_no_room_is_one_sentence(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL_TEMPORARY], input="id,text\n" + "1,a\n" * 1_000,
        capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert done.stdout.startswith(f"standard input cannot be copied to {tmp_path} ("), done.stderr


def test_standard_streams_that_are_closed(tmp_path):
    (tmp_path / "a.csv").write_text("id,text\n1,We walked to the lake.\n", encoding="utf-8")
    features = "features --families=stylometry"
    done = shell(f"{features} --dataset=- --output=a <&-", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Standard input is closed: pipe a file into it")
    done = shell(f"{features} --dataset=a.csv --output=- >&-", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("Standard output is closed: name a file")
    assert shell(f"{features} --dataset=a.csv --output=b.csv 2>&-", tmp_path).returncode == 0
    assert (tmp_path / "b.csv").read_text(encoding="utf-8").startswith("id,stylometry")


@pytest.fixture
def order(monkeypatch):
    """The names of files in the order in which they were synced and renamed."""
    events = []
    sync, replace = os.fsync, Path.replace

    def fsync(descriptor):
        events.append(("on the disk", Path(f"/proc/self/fd/{descriptor}").readlink().name))
        sync(descriptor)

    def renamed(path, target):
        events.append(("renamed", path.name))
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", renamed)
    return events


def test_results_are_on_the_disk_before_they_have_their_name(tmp_path, order):
    with ResultsWriter(tmp_path / "a.csv", ["id"]):
        pass
    write_atomic(tmp_path / "b.txt", "text")
    temporary = f".b.txt.{os.getpid()}.part"
    assert order == [
        ("on the disk", "a.csv.part"), ("renamed", "a.csv.part"), ("on the disk", tmp_path.name),
        ("on the disk", temporary), ("renamed", temporary), ("on the disk", tmp_path.name),
    ]  # fmt: skip
