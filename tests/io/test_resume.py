"""Predictions that are stopped, killed and resumed: the file is that of one run, to the byte."""

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import zlib

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplexity_detector.errors import InputError
from perplexity_detector.io.datasets import read_chunks
from perplexity_detector.io.results_writer import ResultsWriter
from perplexity_detector.lm.kernels.device import resolve_device
from perplexity_detector.pipelines.predict import CHUNK_ROWS, predict
from tests.labelled import light_detector, two_styles
from tests.paths import ROOT

TEXTS, _ = two_styles(18, seed=1)
IDS = ["a", "two\nlines", 'say "a, b"', "é", "\ud800x", *map(str, range(13))]
CHUNK = 4
#: What lies in a folder after a run that was not stopped.
WHOLE = {"results.csv", "results.meta.json"}


@pytest.fixture(scope="module")
def fitted():
    return light_detector(fpr=0.1).fit(*two_styles(160))


@pytest.fixture(scope="module")
def detector(fitted, tmp_path_factory):
    return fitted.save_pretrained(tmp_path_factory.mktemp("detector") / "model")


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    path = tmp_path_factory.mktemp("dataset") / "rows.jsonl"
    cells = [{"id": i, "text": t} for i, t in zip(IDS, TEXTS, strict=True)]
    cells[6]["text"] = ""  # a row with a problem has its place, too
    path.write_text("".join(json.dumps(row) + "\n" for row in cells))
    return path


@pytest.fixture(scope="module")
def whole(rows, fitted, tmp_path_factory):
    """The file of a run that was never stopped."""
    output = tmp_path_factory.mktemp("whole") / "results.csv"
    list(run(rows, fitted, output))
    return output.read_bytes()


def run(rows, detector, output, **options):
    return predict(read_chunks(rows, chunk_rows=CHUNK), detector, output, details=True, **options)


def stopped(rows, detector, output, chunks):
    """Leave the files of a run that is killed after this number of chunks."""
    folder = output.parent / "killed"
    going = run(rows, detector, folder / output.name)
    for _ in range(chunks):
        next(going)
    for file in folder.iterdir():
        shutil.copy(file, output.parent / file.name)
    going.close()
    shutil.rmtree(folder)


def names_in(folder):
    return {file.name for file in folder.iterdir()}


def part_of(output):
    return output.with_name(output.name + ".part")


def journal_of(output):
    return output.with_name(output.name + ".part.journal")


def with_checksum(content):
    """A line of a journal."""
    return b"%08x %s\n" % (zlib.crc32(content), content)


def resumed(rows, detector, output):
    return sum(map(len, run(rows, detector, output, resume=True)))


@settings(deadline=None, max_examples=12)
@given(chunks=st.integers(1, 4), data=st.data())
def test_wherever_a_line_was_cut(rows, fitted, whole, tmp_path_factory, chunks, data):
    output = tmp_path_factory.mktemp("cut") / "results.csv"
    stopped(rows, fitted, output, chunks)
    assert whole.startswith(part_of(output).read_bytes())
    more = data.draw(st.integers(0, len(whole)))  # rows that the journal does not know of yet
    end = part_of(output).stat().st_size
    part_of(output).write_bytes(whole[: end + more])
    written = chunks
    if cut := data.draw(st.sampled_from([0, 1, 20])):  # killed while the journal was written
        journal_of(output).write_bytes(journal_of(output).read_bytes()[:-cut])
        written -= 1
    assert resumed(rows, fitted, output) == len(TEXTS) - CHUNK * written
    assert output.read_bytes() == whole
    assert names_in(output.parent) == WHOLE


def test_a_kill_before_the_first_rows(rows, fitted, whole, tmp_path):
    output = tmp_path / "results.csv"
    for part, journal in ((b"", b""), (b"id,gen", b'{"fpr'), (b"", with_checksum(b'{"fpr": 7}'))):
        part_of(output).write_bytes(part)
        journal_of(output).write_bytes(journal)
        assert resumed(rows, fitted, output) == len(TEXTS)
        assert output.read_bytes() == whole


def test_a_damaged_journal_is_not_trusted(rows, fitted, whole, tmp_path):
    output = tmp_path / "results.csv"
    stopped(rows, fitted, output, 3)
    written, journal = part_of(output).read_bytes(), journal_of(output).read_bytes()
    for place in range(0, len(journal) - 200, 7):
        damaged = bytearray(journal)
        damaged[place] ^= 1 + place % 255
        journal_of(output).write_bytes(damaged)
        with pytest.raises(InputError, match=r"is damaged in line \d: leave out resume"):
            resumed(rows, fitted, output)
        assert part_of(output).read_bytes() == written
    journal_of(output).write_bytes(journal)
    assert resumed(rows, fitted, output) == len(TEXTS) - 3 * CHUNK
    assert output.read_bytes() == whole


def test_a_kill_after_the_last_rows(rows, fitted, whole, tmp_path):
    output = tmp_path / "results.csv"
    stopped(rows, fitted, output, 5)
    assert resumed(rows, fitted, output) == 0
    # the file has its name, and the journal is not gone yet
    stopped(rows, fitted, output, 5)
    entry = json.loads(journal_of(output).read_bytes().splitlines()[-1][9:])
    with journal_of(output).open("ab") as journal:
        journal.write(with_checksum(json.dumps({**entry, "whole": True}).encode()))
    part_of(output).replace(output)
    assert resumed(rows, fitted, output) == 0
    assert output.read_bytes() == whole
    assert names_in(tmp_path) == WHOLE


def test_an_exception_keeps_rows_and_says_so(rows, fitted, whole, tmp_path, caplog):
    output = tmp_path / "results.csv"
    output.write_text("earlier\n")
    going = run(rows, fitted, output)
    next(going)
    with pytest.raises(KeyboardInterrupt):
        going.throw(KeyboardInterrupt)
    assert output.read_text() == "earlier\n"
    assert caplog.messages == [
        f"Rows kept in {part_of(output)}: 4. The same run with `resume` continues after them."
    ]
    assert resumed(rows, fitted, output) == 14
    assert caplog.messages[1:2] == ["Rows already written: 4."]
    assert output.read_bytes() == whole


def test_without_resume_it_begins_anew_and_says_so(rows, fitted, whole, tmp_path, caplog):
    output = tmp_path / "results.csv"
    stopped(rows, fitted, output, 2)
    assert sum(map(len, run(rows, fitted, output))) == len(TEXTS)
    assert output.read_bytes() == whole
    assert any(
        message.startswith("8 rows that an earlier run left in") for message in caplog.messages
    )


@pytest.mark.parametrize("change", ["text", "id", "order", "fewer"])
def test_another_dataset_is_refused(rows, fitted, whole, tmp_path, change):
    output = tmp_path / "results.csv"
    stopped(rows, fitted, output, 2)
    cells = [json.loads(line) for line in rows.read_text().splitlines()]
    if change == "order":
        cells[0], cells[7] = cells[7], cells[0]
    elif change == "fewer":
        del cells[5:]
    else:
        cells[3][change] += "."
    other = tmp_path / "other.jsonl"
    other.write_text("".join(json.dumps(row) + "\n" for row in cells))
    with pytest.raises(InputError, match="The first 8 rows of this dataset are not those"):
        resumed(other, fitted, output)
    assert resumed(rows, fitted, output) == 10  # what was there is still good
    assert output.read_bytes() == whole


def test_rows_that_were_added_are_scored(rows, fitted, tmp_path):
    output = tmp_path / "results.csv"
    stopped(rows, fitted, output, 2)
    longer = tmp_path / "longer.jsonl"
    longer.write_text(rows.read_text() + json.dumps({"id": "new", "text": TEXTS[0]}) + "\n")
    assert resumed(longer, fitted, output) == 11
    assert pd.read_csv(output)["id"].tolist()[-1] == "new"


def test_other_settings_are_refused(rows, fitted, tmp_path):
    output = tmp_path / "results.csv"
    stopped(rows, fitted, output, 1)
    other = light_detector(fpr=0.1, n_estimators=10).fit(*two_styles(80))
    with pytest.raises(InputError, match=r"begun with another detector \(.*: give the same"):
        resumed(rows, other, output)
    with pytest.raises(InputError, match=r"another set of columns \(id, generated, v.*"):
        list(predict(read_chunks(rows, chunk_rows=CHUNK), fitted, output, resume=True))
    fitted.set_params(fpr=0.2)
    with pytest.raises(InputError, match=r"another fpr \(0.1, not 0.2\)"):
        resumed(rows, fitted, output)
    fitted.set_params(fpr=0.1)
    begun = journal_of(output).read_bytes()
    here = str(resolve_device("auto")).encode()
    header, *entries = begun.splitlines(keepends=True)
    moved = header[9:-1].replace(b'"device": "' + here, b'"device": "elsewhere')
    journal_of(output).write_bytes(b"".join([with_checksum(moved), *entries]))
    with pytest.raises(InputError, match="another device \\(elsewhere, not "):
        resumed(rows, fitted, output)
    journal_of(output).write_bytes(begun)
    assert resumed(rows, fitted, output) == 14


def test_one_run_at_a_time(rows, fitted, whole, tmp_path):
    output = tmp_path / "results.csv"
    first = run(rows, fitted, output)
    next(first)
    for resume in (False, True):
        with pytest.raises(InputError, match=f"Another run is writing {output}: wait"):
            list(run(rows, fitted, output, resume=resume))
    list(first)
    assert output.read_bytes() == whole
    assert names_in(tmp_path) == WHOLE


def test_runs_that_start_while_another_ends_do_not_write_at_once(tmp_path):
    """Whoever enters holds the lock alone, though each run removes the lock file at its end."""
    writing = []
    overlaps = []

    def run_often():
        for _ in range(30):
            try:
                with ResultsWriter(tmp_path / "results.csv", ["id"]):
                    writing.append(1)
                    overlaps.extend(writing[1:])
                    time.sleep(0.002)
                    writing.pop()
            except InputError as error:
                assert "Another run is writing" in str(error)

    threads = [threading.Thread(target=run_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert overlaps == []
    assert [file.name for file in tmp_path.iterdir()] == ["results.csv"]


@pytest.mark.skipif(os.name == "nt", reason="flock of POSIX")
@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK])
def test_a_file_system_without_locks(rows, fitted, whole, tmp_path, monkeypatch, code):
    import fcntl

    def flock(file, operation):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", flock)
    output = tmp_path / "results.csv"
    list(run(rows, fitted, output))
    assert output.read_bytes() == whole
    assert names_in(tmp_path) == WHOLE


@pytest.mark.parametrize("place", ["-", "/dev/null"])
def test_only_files_are_gone_on_with(place):
    with pytest.raises(InputError, match=r"nothing to resume: .*leave out resume"):
        ResultsWriter(place, ["id"], {}, resume=True).__enter__()


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_killed_again_and_again(fitted, detector, tmp_path):
    texts, _ = two_styles(800, seed=2)
    pd.DataFrame({"id": range(800), "text": texts}).to_csv(tmp_path / "rows.csv", index=False)
    chunks = read_chunks(tmp_path / "rows.csv", chunk_rows=CHUNK_ROWS)
    list(predict(chunks, fitted, tmp_path / "whole.csv", details=True))
    expected = (tmp_path / "whole.csv").read_bytes()
    command = [
        sys.executable, "-m", "perplexity_detector", "predict", "rows.csv", "--details",
        f"--detector={detector}",
    ]  # fmt: skip
    place = {
        "cwd": tmp_path,
        "stderr": subprocess.PIPE,
        "env": {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
    }
    draw = random.Random(0)
    output = tmp_path / "results.csv"
    killed = 0
    for share in (0.0, 0.3, 0.6):
        with subprocess.Popen([*command, "--output=results.csv", "--resume"], **place) as process:
            part = part_of(output)
            while process.poll() is None:
                if part.exists() and part.stat().st_size > share * len(expected):
                    time.sleep(draw.uniform(0, 0.05))
                    process.send_signal(signal.SIGKILL)
                    break
                time.sleep(0.001)
        killed += process.returncode == -signal.SIGKILL
        assert not output.exists()
        assert expected.startswith(part.read_bytes())
    assert killed == 3
    done = subprocess.run([*command, "--output=results.csv", "--resume"], check=True, **place)
    there, tally = done.stderr.decode().splitlines()
    assert int(there.rstrip(".").split()[-1]) + int(tally.split()[0]) == 800
    assert output.read_bytes() == expected
    assert not list(tmp_path.glob("*.part*"))
