import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from perplexity_detector.io.datasets import Columns, read_all, read_chunks
from tests.io.dataset_files import CONTENT, FakeStdin, as_jsonl, as_parquet, check_rows, error_of

# --- formats --------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("format", list(CONTENT))
def test_every_format_plain_and_gzipped(write, format, packed):
    content = gzip.compress(CONTENT[format], mtime=0) if packed else CONTENT[format]
    path = write(content, f"rows.{format}{'.gz' if packed else ''}")
    check_rows(read_all(path, label=True))
    assert (
        read_all(path)["line"].tolist()
        == {
            "csv": [2, 5, 6],
            "tsv": [2, 5, 6],
            "jsonl": [1, 2, 3],
            "parquet": [1, 2, 3],
        }[format]
    )


def test_labels_are_read_only_when_asked_for(write):
    assert "generated" not in read_all(write(CONTENT["csv"]))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("gzip_without_the_extension.csv", gzip.compress(CONTENT["csv"], mtime=0)),
        ("the_extension_without_gzip.csv.gz", CONTENT["csv"]),
        ("UPPER.CSV", CONTENT["csv"]),
        ("byte_order_mark.csv", b"\xef\xbb\xbf" + CONTENT["csv"]),
        ("windows_lines.csv", b"\r\n" + CONTENT["csv"]),
        ("rows.ndjson", CONTENT["jsonl"]),
    ],
)
def test_content_decides_about_gzip_and_marks_are_skipped(write, name, content):
    check_rows(read_all(write(content, name), label=True))


def test_format_option_stands_above_the_extension(write):
    check_rows(read_all(write(CONTENT["jsonl"], "rows.txt"), label=True, format="jsonl"))


def test_encodings(write):
    text = "id,text\n1,naïve café\n"
    latin = write(text.encode("latin-1"))
    assert read_all(latin, encoding="latin-1")["text"].tolist() == ["naïve café"]
    utf16 = write(text.encode("utf-16"))
    assert read_all(utf16, encoding="utf-16")["text"].tolist() == ["naïve café"]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("format", list(CONTENT))
def test_standard_input(monkeypatch, format, packed):
    content = gzip.compress(CONTENT[format], mtime=0) if packed else CONTENT[format]
    monkeypatch.setattr(sys, "stdin", FakeStdin(content))
    # the first character cannot tell tabs from commas
    check_rows(read_all("-", label=True, format="tsv" if format == "tsv" else None))


def test_standard_input_of_a_process():
    code = (
        "from perplexity_detector.io.datasets import read_all\n"
        "import sys\n"
        "print(read_all('-')['id'].tolist(), 'torch' in sys.modules, sys.stdin.closed)"
    )
    for content in (b"\n " + CONTENT["jsonl"], CONTENT["csv"]):
        done = subprocess.run(
            [sys.executable, "-c", code], input=content, capture_output=True, check=True
        )
        assert done.stdout.decode().strip() == "['a1', 'b2', '3'] False False"


def test_a_named_pipe_is_read_like_standard_input(tmp_path):
    command = (
        'cat "$1" | "$0" -c '
        "'import sys; from perplexity_detector.io.datasets import read_all;"
        " print(len(read_all(sys.argv[1])))' /dev/stdin"
    )
    path = tmp_path / "rows"
    path.write_bytes(CONTENT["jsonl"])
    if not Path("/dev/stdin").exists():
        pytest.skip("no /dev/stdin on this system")
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, str(path)], capture_output=True, check=True
    )
    assert done.stdout.strip() == b"3"


# --- columns --------------------------------------------------------------------------------


def test_other_names(write):
    path = write("key,essay,is_ai,topic\nx,Hello there,1,7\n")
    columns = Columns(id="key", text="essay", label="is_ai", prompt="topic")
    frame = read_all(path, columns, label=True)
    assert frame.iloc[0].to_dict() == {
        "id": "x",
        "text": "Hello there",
        "line": 2,
        "problem": "",
        "generated": 1,
        "prompt_id": "7",
    }


def test_without_an_id_column_rows_are_numbered(write):
    path = write("text\nFirst\nSecond\nThird\n")
    ids = [row_id for chunk in read_chunks(path, chunk_rows=2) for row_id in chunk["id"]]
    assert ids == ["1", "2", "3"]


def test_an_empty_id_is_named_after_its_line(write):
    assert read_all(write("id,text\n,First\nb,Second\n"))["id"].tolist() == ["line-2", "b"]


def test_missing_columns_are_named_with_what_there_is(write):
    path = write("id,essay\n1,Hello\n")
    message = error_of(path)
    assert "'text'" in message
    assert "'id', 'essay'" in message
    assert "with text_column." in message
    assert "with label_column." in error_of(path, Columns(text="essay"), label=True)
    # named otherwise than by default, so meant
    assert "with source_column." in error_of(path, Columns(text="essay", source="origin"))
    assert "with id_column." in error_of(path, Columns(id="key", text="essay"))
    assert len(read_all(path, Columns(text="essay", label="origin"))) == 1


def test_a_missing_column_is_noticed_in_every_format(write):
    rows = [{"id": "1", "essay": "Hello"}]
    for content, name in [(as_jsonl(rows), "a.jsonl"), (as_parquet(rows), "a.parquet")]:
        assert "it has 'id', 'essay'" in error_of(write(content, name))


def test_a_text_for_a_header_does_not_get_into_the_message(write):
    assert "secret" not in error_of(write("1,A long text without header with a secret in it\n"))


def test_two_columns_of_one_name(write):
    assert "2 columns named 'text'" in error_of(write("id,text,text\n1,a,b\n"))
    assert len(read_all(write("id,text,note,note\n1,a,b,c\n"))) == 1
