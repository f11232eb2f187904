"""What a killed service leaves on the disk: no text, and a folder that the next one removes."""

import os
import signal
import subprocess
import sys
import tempfile

import pytest

from perplexity_detector.service.temporary_folder import PREFIX, TemporaryFolder

TEXT = "We walked to the lake before it rained."
#: Kills itself once it has begun to score a table and documents.
SERVICE = """
import os, signal, sys
from pathlib import Path
from perplexity_detector.service.settings import Settings
from tests.labelled import light_detector, two_styles
from tests.service.serving import WatchedEngine, listening
engine = WatchedEngine(light_detector(fpr=0.1).fit(*two_styles(60)))
with listening(lambda: engine, Settings(), Path(sys.argv[1])) as client:
    engine.hold()
    text = sys.argv[2]
    for name, content in (("a.csv", f"id,text\\n1,{text}\\n"), ("a.txt", text)):
        answer = client.post("/v1/files", files={"file": (name, content.encode())},
                             headers={"Prefer": "respond-async"})
        assert answer.status_code == 202, answer.text
    assert engine.reading.wait(20)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_service_leaves_no_text(temporary, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SERVICE, str(tmp_path / "data"), TEXT],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = [path for path in temporary.rglob("*") if path.is_file()]
    assert left
    assert not [path for path in left if TEXT.encode() in path.read_bytes()]
    folder = TemporaryFolder()
    assert [path.name for path in temporary.iterdir()] == [folder.path.parent.name]
    folder.remove()
    assert not list(temporary.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_nothing_but_what_was_left_behind_is_removed(temporary, tmp_path):
    alive = TemporaryFolder()
    starting = temporary / f"{PREFIX}starting"
    starting.mkdir()
    left = temporary / f"{PREFIX}left"
    left.mkdir()
    os.utime(left, (1, 1))
    checkout = temporary / f"{PREFIX}main"
    (checkout / "docs").mkdir(parents=True)
    os.utime(checkout, (1, 1))
    (tmp_path / "elsewhere").mkdir()
    link = temporary / f"{PREFIX}link"
    link.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    TemporaryFolder().remove()
    assert {path.name for path in temporary.iterdir()} == {
        alive.path.parent.name, starting.name, checkout.name, link.name,
    }  # fmt: skip
    assert [path.name for path in checkout.iterdir()] == ["docs"]
    assert (tmp_path / "elsewhere").is_dir()
    alive.remove()
