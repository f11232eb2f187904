"""Files of rows that are costly to read: read within limits, or refused in one sentence."""

import gzip
import subprocess
import sys
import time

import pytest

from perplexity_detector.errors import DatasetError
from perplexity_detector.io.datasets import describe_problems, read_all
from perplexity_detector.io.limits import Limits
from tests.hostile.peak_memory import grown
from tests.paths import ROOT

#: Prints by how many megabytes memory grows while a file is read that is refused.
READ = """
import contextlib, sys
from perplexity_detector.errors import DatasetError
from perplexity_detector.io.datasets import read_all
from tests.hostile.peak_memory import grown
with grown() as memory, contextlib.suppress(DatasetError):
    read_all(sys.argv[1])
print(memory.megabytes)
"""


def error_of(path, **options):
    with pytest.raises(DatasetError) as caught:
        read_all(path, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    "start",
    ['{"id": "b", "text": "', '{"id": "b", "x": "', '{"id": "b", "x": "a", ', '{"id": "b", '],
)
@pytest.mark.parametrize("filler", ["a", '\\"', '"', "\\", '"a": "', " "])
def test_a_broken_line_of_json_costs_little(tmp_path, start, filler):
    path = tmp_path / "rows.jsonl.gz"
    broken = start + filler * (4_000_000 // len(filler))
    path.write_bytes(gzip.compress(f'{{"id": "a", "text": "Fine"}}\n{broken}\n'.encode(), 1))
    begin = time.monotonic()
    with grown() as memory:
        frame = read_all(path)
    assert describe_problems(frame) == ["line 2 (id b): not valid JSON"]
    assert time.monotonic() - begin < 2
    assert memory.megabytes < 100


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "lines", [b'x","\n' * 50_000, (b'x","' + b"a" * 9_000 + b"\n") * 500], ids=["short", "long"]
)
def test_lines_that_all_leave_a_quotation_mark_open_are_refused_soon(tmp_path, lines):
    begin = time.monotonic()
    message = error_of(write(tmp_path, "a.csv", b"id,text\n" + lines))
    assert "too many quotation marks that are not closed, the last in line " in message
    assert time.monotonic() - begin < 10


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", b"id,text" + b",a" * 100_000 + b"\n1,a\n", "more than 4,000 columns"),
        ("a.csv", b"id,text" + b",a" * 6_000_000 + b"\n1,a\n", "more than 10,000,000 characters"),
        ("a.jsonl", b'{"text":"a"' + b"".join(b',"%x":1' % i for i in range(5_000)) + b"}\n",
         "more than 4,000 fields"),
    ],
)  # fmt: skip
def test_columns_by_the_thousand_are_refused(tmp_path, name, content, sentence):
    path = write(tmp_path, name, content)
    assert sentence in error_of(path)
    with grown():
        pass  # skips what follows where memory cannot be measured
    # in a process of its own: the heap of this one has holes, which growing blocks cannot use
    done = subprocess.run(
        [sys.executable, "-c", READ, path], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 150


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("a.csv", b'id,text\na,Fine\nb,"%b"\nc,Fine too\n'),
        ("a.csv", b"id,text\na,Fine\nb,%b\nc,Fine too\n"),
        ("a.jsonl",
         b'{"id":"a","text":"Fine"}\n{"id":"b","text":"%b"}\n{"id":"c","text":"Fine too"}\n'),
    ],
)  # fmt: skip
def test_a_record_that_is_too_long_costs_its_row(tmp_path, name, rows):
    frame = read_all(write(tmp_path, name, rows % (b"a" * 25_000_000)))
    (problem,) = set(frame["problem"]) - {""}
    assert problem in ("more than 10,000,000 characters", "a quotation mark is not closed")
    assert frame.loc[frame["problem"] == "", "text"].tolist() == ["Fine", "Fine too"]
    assert frame["line"].tolist() == ([2, 3, 4] if name == "a.csv" else [1, 2, 3])


def test_nested_values_are_not_kept(tmp_path):
    nested = b'{"id":[' + b"[]," * 100_000 + b'1],"text":"Fine","x":[' + b"[]," * 100_000 + b"1]}\n"
    path = write(tmp_path, "a.jsonl", nested * 8)
    with grown() as memory:
        frame = read_all(path)
    assert frame["text"].tolist() == ["Fine"] * 8
    assert memory.megabytes < 100


@pytest.mark.parametrize("encoding", ["punycode", "idna", "unicode_escape", "utf-7", "hex"])
def test_encodings_for_other_things_than_files_are_refused(tmp_path, encoding):
    path = write(tmp_path, "a.csv", b"id,text\n1,a\n")
    assert f"encoding {encoding!r}" in error_of(path, encoding=encoding)


@pytest.mark.parametrize("encoding", ["utf-32", "utf-16"])
def test_wide_encodings_are_told_apart(tmp_path, encoding):
    path = write(tmp_path, "a.csv", "id,text\n1,naïve\n".encode(encoding))
    assert f"pass encoding={encoding}" in error_of(path)
    assert read_all(path, encoding=encoding)["text"].tolist() == ["naïve"]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.jsonl"])
@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(bytes=100_000), "has more than 100,000 bytes: give it in parts."),
        (Limits(rows=5_000), "has more than 5,000 rows: give it in parts."),
        (Limits(seconds=0.001), "takes more than 0.001 seconds to read: give it in parts."),
    ],
    ids=["bytes", "rows", "seconds"],
)
def test_limits_hold_for_every_table(tmp_path, name, limits, sentence):
    rows = b"id,text\n" + b"1,aaaaaaaa\n" * 20_000
    if "jsonl" in name:
        rows = b'{"id":1,"text":"aaaaaaaa"}\n' * 20_000
    path = write(tmp_path, name, gzip.compress(rows) if name.endswith(".gz") else rows)
    assert error_of(path, limits=limits) == f"{path} {sentence}"
    assert len(read_all(path)) == 20_000
