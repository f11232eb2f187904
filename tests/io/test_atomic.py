"""Folders are replaced as a whole, whatever is killed or read meanwhile."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from perplexity_detector.detectors.loading import PUBLISHED, was_published
from perplexity_detector.errors import ArtefactError
from perplexity_detector.io import artefact_folder, atomic

CONTENT = {"one.bin": b"1" * 5000, "two.bin": b"2" * 5000}
#: Publishes two artefacts in turn, for ever.
PUBLISHER = """
import sys
from pathlib import Path
from perplexity_detector.io import artefact_folder
folders, target = [Path(name) for name in sys.argv[1:3]], Path(sys.argv[3])
print("ready", flush=True)
while True:
    for folder in folders:
        artefact_folder.publish(folder, target)
"""


@pytest.fixture
def artefacts(tmp_path):
    """Two folders of files that differ, and their contents."""
    contents = [{name: data.replace(b"1", sign) for name, data in CONTENT.items()}
                for sign in (b"a", b"b")]  # fmt: skip
    folders = [
        artefact_folder.write(tmp_path / f"{number}", {"number": number}, files)
        for number, files in enumerate(contents)
    ]
    return folders, contents


@pytest.fixture(params=["exchange", "two steps"])
def way(request, monkeypatch):
    """With one step, as on Linux, and with two, as elsewhere."""
    if request.param == "two steps":
        monkeypatch.setattr(atomic, "_exchange", lambda *folders: False)
    elif sys.platform != "linux":
        pytest.skip("only Linux swaps two folders")
    return request.param


def test_a_folder_is_replaced_and_nothing_else_is_left(artefacts, tmp_path, way):
    folders, contents = artefacts
    target = tmp_path / "place" / PUBLISHED
    for folder, files in zip(folders, contents, strict=True):
        artefact_folder.publish(folder, target)
        assert artefact_folder.read(target).files == files
        assert [path.name for path in target.parent.iterdir()] == [PUBLISHED]


def test_a_file_system_that_cannot_swap_takes_two_steps(artefacts, tmp_path, monkeypatch):
    if sys.platform != "linux":
        pytest.skip("only Linux swaps two folders")
    monkeypatch.setattr(atomic, "_RENAME_EXCHANGE", 1 << 30)  # a flag that no file system has
    for folder in artefacts[0]:
        artefact_folder.publish(folder, tmp_path / PUBLISHED)
    assert artefact_folder.read(tmp_path / PUBLISHED).config["number"] == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux swaps two folders")
def test_a_kill_at_any_moment_leaves_a_whole_detector(artefacts, tmp_path):
    folders, contents = artefacts
    data = tmp_path / "data"
    artefact_folder.publish(folders[0], data / PUBLISHED)
    for attempt in range(5):
        command = [sys.executable, "-c", PUBLISHER, *map(str, folders), str(data / PUBLISHED)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as publisher:
            publisher.stdout.readline()
            time.sleep(0.01 * attempt)
            os.kill(publisher.pid, signal.SIGKILL)
        assert artefact_folder.read(data / PUBLISHED).files in contents


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux swaps two folders")
def test_readers_meet_one_whole_artefact_or_the_other(artefacts, tmp_path):
    folders, _ = artefacts
    target = tmp_path / PUBLISHED
    artefact_folder.publish(folders[0], target)
    done = threading.Event()

    def publish():
        while not done.is_set():
            for folder in folders:
                artefact_folder.publish(folder, target)

    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        met: set[int] = set()
        while met != {0, 1}:
            met |= {artefact_folder.read(target).config["number"] for _ in range(50)}
    finally:
        done.set()
        publisher.join()


def test_a_detector_that_was_moved_away_is_put_back(artefacts, tmp_path):
    data = tmp_path / "data"
    artefact_folder.publish(artefacts[0][0], data / PUBLISHED)
    leftover = data / f".{PUBLISHED}-killed"
    leftover.mkdir()
    (data / PUBLISHED).rename(leftover / "old")
    assert was_published(data)
    assert artefact_folder.read(data / PUBLISHED).config["number"] == 0


def test_old_working_folders_are_deleted_and_young_ones_kept(artefacts, tmp_path):
    data = tmp_path / "data"
    old, young = data / f".{PUBLISHED}-a", data / f".{PUBLISHED}-b"
    for folder in (old, young):
        (folder / "new").mkdir(parents=True)
    past = time.time() - 2 * atomic.LEFTOVER_SECONDS
    os.utime(old, (past, past))
    artefact_folder.publish(artefacts[0][0], data / PUBLISHED)
    assert not old.exists()
    assert young.exists()


def test_a_published_detector_that_is_lost_is_an_error(artefacts, tmp_path):
    data = tmp_path / "data"
    assert not was_published(data)
    (data / PUBLISHED).mkdir(parents=True)  # as a container's volume is
    assert not was_published(data)
    (data / PUBLISHED / "classifier.ubj").touch()
    with pytest.raises(ArtefactError, match="missing or incomplete"):
        was_published(data)
