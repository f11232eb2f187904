"""Kills at chosen system calls and at random: what was there before, or all that is new."""

import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from perplexity_detector.detectors.loading import PUBLISHED, was_published
from perplexity_detector.io import artefact_folder
from tests.hostile.sizes import number
from tests.paths import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="system calls of Linux")

#: Publishes an artefact in place of another.
PUBLISH = """
import sys
from pathlib import Path
from perplexity_detector.io import artefact_folder
artefact_folder.publish(Path(sys.argv[1]), Path(sys.argv[2]))
"""
#: Writes results for rows, after those that are there.
RESUME = """
import sys
from perplexity_detector.io.datasets import read_chunks
from perplexity_detector.io.results_writer import ResultsWriter
with ResultsWriter(sys.argv[2], ["id", "length"], {"run": 1}, resume=True) as results:
    for chunk in results.skip_written(read_chunks(sys.argv[1], chunk_rows=5)):
        results.write(chunk[["id"]].assign(length=chunk["text"].str.len()), chunk)
"""
#: Where each is killed; in `make test` at the first of each only.
OF_PUBLISHING = ["rename,renameat2", "mkdir", "write,sendfile", "unlink,unlinkat", "rmdir"]
OF_RESUMING = ["rename", "write", "fsync", "ftruncate", "flock"]
CHOSEN = number(1, 5)
#: The most kills at one call.
MOST = number(2, 12)


def traces():
    """Whether this machine has strace and lets it trace."""
    program = shutil.which("strace")
    return program is not None and not subprocess.run([program, "true"], check=False,
                                                      capture_output=True).returncode  # fmt: skip


needs_strace = pytest.mark.skipif(
    sys.platform == "linux" and not traces(), reason="there is no strace that may trace"
)


def command(program, *arguments):
    return [sys.executable, "-c", program, *map(str, arguments)]


def killed_at(call, which, program, *arguments):
    """Run a program that is killed as it makes a system call for the so-manieth time.

    Returns:
        Whether it was; it ends well if it makes fewer of these calls.
    """
    inject = [f"--inject={call}:signal=SIGKILL:when={which}", f"--trace={call}"]
    done = subprocess.run(
        ["strace", "-o", "/dev/null", *inject, *command(program, *arguments)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def killed_after(seconds, program, *arguments):
    """Run a program for some seconds at most; whether it was killed."""
    with subprocess.Popen(command(program, *arguments), cwd=ROOT) as process:
        time.sleep(seconds)
        process.kill()
    assert process.returncode in (0, -signal.SIGKILL)
    return process.returncode != 0


@pytest.fixture
def published(tmp_path):
    """Where one of two artefacts was published: the place, the folders, and their contents."""
    contents = [{"one.bin": sign * 5_000, "two.bin": sign * 7_000} for sign in (b"a", b"b")]
    folders = [
        artefact_folder.write(tmp_path / f"{place}", {"number": place}, files)
        for place, files in enumerate(contents)
    ]
    target = tmp_path / "data" / PUBLISHED
    artefact_folder.publish(folders[0], target)
    return target, folders, contents


def check_published(published):
    target, folders, contents = published
    assert artefact_folder.read(target).files in contents
    assert was_published(target.parent)
    artefact_folder.publish(folders[1], target)
    assert artefact_folder.read(target).files == contents[1]
    artefact_folder.publish(folders[0], target)


@needs_strace
@pytest.mark.parametrize("call", OF_PUBLISHING[:CHOSEN])
def test_publishing_that_is_killed_at_a_system_call(published, call):
    target, folders, _ = published
    which = 1
    while which <= MOST and killed_at(call, which, PUBLISH, folders[1], target):
        check_published(published)
        which += 1
    assert which > 1, f"publishing never calls {call}"


def test_publishing_that_is_killed_at_random(published):
    target, folders, _ = published
    start = time.perf_counter()
    subprocess.run(command(PUBLISH, folders[1], target), cwd=ROOT, check=True)
    whole = time.perf_counter() - start
    draw = random.Random(0)
    kills = 0
    for _ in range(number(5, 200)):
        kills += killed_after(draw.uniform(0.1, 0.9) * whole, PUBLISH, folders[1], target)
        check_published(published)
    assert kills


# --- results ---------------------------------------------------------------------------------


@pytest.fixture
def rows(tmp_path):
    """A file of rows, and what its results are."""
    path = tmp_path / "rows.csv"
    texts = ["word " * (7 * place % 23 + 1) for place in range(60)]
    path.write_text("id,text\n" + "".join(f"{n},{text}\n" for n, text in enumerate(texts)))
    subprocess.run(command(RESUME, path, tmp_path / "whole.csv"), cwd=ROOT, check=True)
    return path, (tmp_path / "whole.csv").read_bytes()


def check_results(rows, results):
    """Resume what was killed: the results are those of a run that was not, byte for byte."""
    path, whole = rows
    part = results.with_name(f"{results.name}.part")
    if part.exists():
        assert whole.startswith(part.read_bytes()[: len(whole)])
    subprocess.run(command(RESUME, path, results), cwd=ROOT, check=True)
    assert results.read_bytes() == whole
    assert not list(results.parent.glob("results.csv.*"))
    results.unlink()


@needs_strace
@pytest.mark.parametrize("call", OF_RESUMING[:CHOSEN])
def test_results_that_are_killed_at_a_system_call(rows, tmp_path, call):
    results = tmp_path / "results.csv"
    which = 1
    while which <= MOST and killed_at(call, which, RESUME, rows[0], results):
        check_results(rows, results)
        which += 1
    assert which > 1, f"no results call {call}"


def test_results_that_are_killed_at_random(rows, tmp_path):
    draw = random.Random(0)
    results = tmp_path / "results.csv"
    part = results.with_name(f"{results.name}.part")
    for _ in range(number(2, 30)):
        with subprocess.Popen(command(RESUME, rows[0], results), cwd=ROOT) as process:
            while process.poll() is None and not part.exists():
                time.sleep(0.001)
            time.sleep(draw.uniform(0, 0.03))
            process.kill()
        check_results(rows, results)
