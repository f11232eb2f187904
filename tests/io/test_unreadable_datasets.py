import gzip
import sys

import pytest

from perplexity_detector.errors import DatasetError, InputError
from perplexity_detector.io.datasets import read_all, read_chunks, require_two_classes
from tests.io.dataset_files import CONTENT, FakeStdin, as_parquet, error_of

#: A file that was gzipped twice; the same bytes in every process that collects these tests.
TWICE = gzip.compress(gzip.compress(b"id,text\n1,a\n", mtime=0), mtime=0)

# --- files that cannot be read --------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", b"", "is empty"),
        ("a.jsonl", b"", "is empty"),
        ("a.csv.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("a.csv", b"id,text\n", "has no rows"),
        ("a.csv", b"id,text", "has no rows"),
        ("a.csv", b"\n\n \n", "has no rows"),
        ("a.jsonl", b"\n\n", "has no rows"),
        ("a.parquet", as_parquet()[:-40], "damaged or cut short"),
        ("a.parquet", as_parquet()[:200] + bytes(400) + as_parquet()[600:], "damaged"),
        ("a.parquet", b"id,text\n1,a\n", "damaged or cut short"),
        ("a.csv.gz", gzip.compress(CONTENT["csv"], mtime=0)[:-12], "damaged or cut short"),
        (
            "a.csv.gz",
            gzip.compress(CONTENT["csv"], mtime=0)[:30] + bytes(60),
            "damaged or cut short",
        ),
        ("a.parquet.gz", gzip.compress(CONTENT["parquet"], mtime=0)[:-12], "damaged or cut short"),
        ("a.csv.gz", TWICE, "compressed twice"),
        ("a.csv", CONTENT["parquet"], "format=parquet"),
        ("a.csv", b"PK\x03\x04" + bytes(50), "zip archive or an Excel workbook"),
        ("a.xlsx", b"PK\x03\x04" + bytes(50), "zip archive or an Excel workbook"),
        ("a.csv", b"%PDF-1.7\n", "PDF"),
        ("a.csv", b"id,text\n1,\x00\x01\x02\n", "NUL bytes"),
        ("a.csv", "id,text\n1,a\n".encode("utf-16"), "pass encoding=utf-16"),
        ("a.csv", "id,text\n1,a\n".encode("utf-16-le"), "pass encoding=utf-16"),
        ("a.csv", "id,text\n1,a\n2,café\n".encode("latin-1"), "utf-8 at line 3: pass"),
        ("a.csv", b"id,text\n1,a\n2,cut in a letter \xc3", "utf-8 at line 3: pass"),
        (
            "a.jsonl",
            '{"text": "café"}'.encode("latin-1"),
            "for example encoding=cp1252",
        ),
        ("a.txt", b"id,text\n1,a\n", ".csv, .tsv, .jsonl, .ndjson, .parquet"),
        ("a", b"id,text\n1,a\n", "pass format="),
        ("a.gz", gzip.compress(b"id,text\n1,a\n", mtime=0), "pass format="),
        ("a.csv", CONTENT["jsonl"], "pass format=jsonl"),
        ("a.jsonl", b'[{"id": 1, "text": "a"}]', "one JSON object a line"),
        ("a.jsonl", b"id,text\n1,a\n", "Line 1 of"),
        ("a.csv", b"id;text\n1;a\n", "it has 'id;text'"),
        ("a.csv", b"id,text,x\n1,a\n2,b\n", "line 2 (id 1): 2 fields instead of 3"),
    ],
)
def test_files_that_cannot_be_read(write, name, content, expected):
    message = error_of(write(content, name))
    assert expected in message
    assert name in message


def test_damage_at_the_end_shows_before_the_first_chunk(write):
    rows = "".join(f"{i},{'word ' * 50}\n" for i in range(2000)).encode()
    latin = write(b"id,text\n" + rows + b"x,caf\xe9\n")
    cut = write(gzip.compress(b"id,text\n" + rows, mtime=0)[:-9], "cut.csv.gz")
    for path in (latin, cut):
        with pytest.raises(DatasetError):
            next(read_chunks(path, chunk_rows=1))


def test_wrong_labels_everywhere(write):
    message = error_of(write("id,text,generated\n1,a,gpt\n2,b,person\n"), label=True)
    assert "line 2 (id 1): generated is 'gpt', not 0 or 1" in message


def test_missing_file_and_folder(tmp_path):
    assert "check the path" in error_of(tmp_path / "none.csv")
    assert "is a folder" in error_of(tmp_path)
    assert "cannot be opened" in error_of("a\0b.csv")


def test_unknown_options(write):
    path = write("id,text\n1,a\n")
    assert "no format 'xml'" in error_of(path, format="xml")
    assert "no encoding 'utf-99'" in error_of(path, encoding="utf-99")
    assert "No file may be in encoding 'rot13'" in error_of(path, encoding="rot13")
    with pytest.raises(InputError):
        next(read_chunks(path, chunk_rows=0))


def test_empty_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", FakeStdin(b""))
    assert "standard input is empty" in error_of("-")


def test_one_class_only(write):
    one = read_all(write("id,text,generated\n1,a,0\n2,b,0\n3,,1\n"), label=True)
    with pytest.raises(DatasetError, match="Of 2 usable rows none is labelled 1"):
        require_two_classes(one)
    require_two_classes(read_all(write("id,text,generated\n1,a,0\n2,b,1\n"), label=True))
