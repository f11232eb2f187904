import csv
import gzip
import io
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplexity_detector.datasets import (
    NO_LABEL,
    Columns,
    describe_problems,
    read_all,
    read_chunks,
    require_two_classes,
    split_problems,
)
from perplexity_detector.errors import DatasetError, InputError

ROWS = [
    {
        "id": "a1",
        "prompt_id": 0,
        "text": "One, two.\n\nThree.",
        "generated": 0,
        "source": "persuade",
    },
    {"id": "b2", "prompt_id": 1, "text": 'She said "NA".', "generated": 1, "source": ""},
    {"id": "3", "prompt_id": 1, "text": "NA", "generated": 0, "source": "naïve — 東京"},
]
CSV = "id,prompt_id,text,generated\n"


def as_csv(rows=ROWS, delimiter=","):
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def as_jsonl(rows=ROWS):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def as_parquet(rows=ROWS):
    out = io.BytesIO()
    pd.DataFrame(rows).to_parquet(out, index=False)
    return out.getvalue()


CONTENT = {
    "csv": as_csv(),
    "tsv": as_csv(delimiter="\t"),
    "jsonl": as_jsonl(),
    "parquet": as_parquet(),
}


@pytest.fixture
def write(tmp_path):
    def write_file(content, name="rows.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


def error_of(path, columns=None, **options):
    with pytest.raises(DatasetError) as caught:
        read_all(path, columns or Columns(), **options)
    message = str(caught.value)
    assert message.count("\n") == 0
    assert message.endswith(".")
    return message


def check_rows(frame):
    assert frame["id"].tolist() == ["a1", "b2", "3"]
    assert frame["text"].tolist() == [row["text"] for row in ROWS]
    assert frame["generated"].tolist() == [0, 1, 0]
    assert frame["prompt_id"].tolist() == ["0", "1", "1"]
    assert frame["source"].tolist() == ["persuade", "", "naïve — 東京"]
    assert frame["problem"].tolist() == ["", "", ""]
    assert list(frame.columns) == [
        "id", "text", "line", "problem", "generated", "prompt_id", "source",
    ]  # fmt: skip


# --- formats --------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("format", list(CONTENT))
def test_every_format_plain_and_gzipped(write, format, packed):
    content = gzip.compress(CONTENT[format]) if packed else CONTENT[format]
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
        ("gzip_without_the_extension.csv", gzip.compress(CONTENT["csv"])),
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


class FakeStdin:
    def __init__(self, content):
        self.buffer = io.BytesIO(content)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("format", list(CONTENT))
def test_standard_input(monkeypatch, format, packed):
    content = gzip.compress(CONTENT[format]) if packed else CONTENT[format]
    monkeypatch.setattr(sys, "stdin", FakeStdin(content))
    # the first character cannot tell tabs from commas
    check_rows(read_all("-", label=True, format="tsv" if format == "tsv" else None))


def test_standard_input_of_a_process():
    code = (
        "from perplexity_detector.datasets import read_all\n"
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
        "'import sys; from perplexity_detector.datasets import read_all;"
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
    assert "--text_column=" in message
    assert "--label_column=" in error_of(path, Columns(text="essay"), label=True)
    # named otherwise than by default, so meant
    assert "--source_column=" in error_of(path, Columns(text="essay", source="origin"))
    assert "--id_column=" in error_of(path, Columns(id="key", text="essay"))
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


# --- rows with problems ---------------------------------------------------------------------


def problems(path, **options):
    return describe_problems(read_all(path, **options))


def test_broken_rows_cost_themselves(write):
    path = write(
        CSV
        + 'a,0,"Two\nlines",0\n'  # lines 2 and 3
        + "b,0,  ,1\n"
        + "c,0,Fine, with a stray comma,1\n"
        + "d,0\n"
        + "\n"
        + "e,0,Fine,maybe\n"
        + "f,0,Fine,\n"
        + "g,0,Fine,1.0\n"
        + "h,0,Fine,TRUE\n"
    )
    frame = read_all(path, label=True)
    assert describe_problems(frame) == [
        "line 4 (id b): no text",
        "line 5 (id c): 5 fields instead of 4",
        "line 6 (id d): 2 fields instead of 4",
        "line 8 (id e): generated is 'maybe', not 0 or 1",
        "line 9 (id f): generated is '', not 0 or 1",
    ]
    good, bad = split_problems(frame)
    assert good["id"].tolist() == ["a", "g", "h"]
    assert good["generated"].tolist() == [0, 1, 1]
    assert bad["text"].tolist() == ["  ", "", "", "Fine", "Fine"]
    assert bad["generated"].tolist() == [1, NO_LABEL, NO_LABEL, NO_LABEL, NO_LABEL]
    assert list(good.index) == [0, 1, 2]


def test_broken_json_lines(write):
    path = write(
        '{"id": "a", "text": "Fine"}\n'
        '{"id": "b", "text": "cut of\n'
        "\n"
        '{"id": 7, "text": null}\n'
        '{"id": "d", "text": 5}\n'
        "[1, 2]\n"
        '{"text": "half a pair \\ud83d"}\n'
        '{"text" "no colon"}\n',
        "rows.jsonl",
    )
    frame = read_all(path)
    assert describe_problems(frame) == [
        "line 2 (id b): not valid JSON",
        "line 4 (id 7): no text",
        "line 5 (id d): text is not a string",
        "line 6 (id line-6): not a JSON object",
        "line 8 (id line-8): not valid JSON",
    ]
    assert split_problems(frame)[0]["id"].tolist() == ["a", "line-7"]


def test_first_rows_without_the_columns_of_later_ones(write):
    path = write('{"id": "a"}\n{broken\n{"id": "c", "text": "Fine", "source": "web"}\n', "a.jsonl")
    frame = pd.concat(read_chunks(path, chunk_rows=1))
    assert frame["problem"].tolist() == ["no text", "not valid JSON", ""]
    assert frame["source"].tolist() == ["", "", "web"]


def test_problems_in_parquet(write):
    rows = [{"id": "a", "text": "Fine", "generated": 1.0}, {"id": "b", "text": None}, {"id": None}]
    path = write(as_parquet(rows), "rows.parquet")
    assert problems(path, label=True) == ["line 2 (id b): no text", "line 3 (id line-3): no text"]
    numbers = write(as_parquet([{"text": 4.5}, {"text": 1.0}]), "numbers.parquet")
    assert "text is not a string" in error_of(numbers)


def test_an_unclosed_quotation_mark_costs_one_row(write):
    path = write(
        CSV
        + '1,0,"Fine",0\n'
        + '2,0,"Never closed,0\n'
        + '3,0,"Fine",1\n'
        + '4,0,"Fine,\non two lines",1\n'
        + '5,0,"Cut of in its\n'
        + "second paragraph, here"
    )
    frame = read_all(path, label=True)
    assert describe_problems(frame) == [
        "line 3 (id 2): a quotation mark is not closed",
        "line 7 (id 5): a quotation mark is not closed",
    ]
    assert split_problems(frame)[0]["text"].tolist() == ["Fine", "Fine", "Fine,\non two lines"]


def test_an_unclosed_quotation_mark_before_a_long_file(write, monkeypatch):
    monkeypatch.setattr("perplexity_detector.rows.MAX_RECORD_LINES", 10)
    path = write(CSV + '0,0,"Never closed,0\n' + "".join(f"{i},0,Fine,0\n" for i in range(1, 100)))
    good, bad = split_problems(read_all(path, label=True))
    assert good["id"].tolist() == [str(i) for i in range(1, 100)]
    assert good["line"].tolist() == list(range(3, 102))
    assert bad["line"].tolist() == [2]


def test_the_last_line_with_an_open_quotation_mark(write):
    assert problems(write('id,text\n1,Fine\n2,"cut of')) == [
        "line 3 (id 2): a quotation mark is not closed"
    ]


def test_stray_quotation_marks_within_a_line_are_characters(write):
    frame = read_all(write('id,text\n1,A 5" disk\n2,"a "quoted" word"\n'))
    assert frame["text"].tolist() == ['A 5" disk', 'a quoted" word"']
    assert frame["problem"].tolist() == ["", ""]


def test_an_open_quotation_mark_in_the_header(write):
    assert "header" in error_of(write('id,"text\n1,a\n2,b\n'))


def test_a_few_nul_bytes_are_dropped(write):
    filler = "".join(f"{i},{'word ' * 100}\n" for i in range(200))
    frame = read_all(write("id,text\nx,a\0b\n" + filler + "y,c\0d\n"))
    assert frame["text"].iloc[[0, -1]].tolist() == ["ab", "cd"]


def test_a_cell_longer_than_the_csv_module_allows_by_default(write):
    text = "word " * 100_000
    assert read_all(write(f"id,text\n1,{text}\n"))["text"].iloc[0] == text


def test_texts_are_all_empty_but_rows_are_whole(write):
    assert problems(write("id,text\na,\n")) == ["line 2 (id a): no text"]


def test_rows_that_share_an_id_are_all_kept(write):
    frame = read_all(write("id,text\na,x\na,y\nb,z\na,w\n"))
    assert list(zip(frame["id"], frame["text"], strict=True)) == [*zip("aaba", "xyzw", strict=True)]


def test_long_ids_are_shortened():
    frame = pd.DataFrame({"id": ["x" * 99, "a\nb"], "line": [3, 4], "problem": "no text"})
    assert describe_problems(frame) == [
        f"line 3 (id {'x' * 27}...): no text",
        "line 4 (id a b): no text",
    ]


# --- files that cannot be read --------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", b"", "is empty"),
        ("a.jsonl", b"", "is empty"),
        ("a.csv.gz", gzip.compress(b""), "is empty"),
        ("a.csv", b"id,text\n", "has no rows"),
        ("a.csv", b"id,text", "has no rows"),
        ("a.csv", b"\n\n \n", "has no rows"),
        ("a.jsonl", b"\n\n", "has no rows"),
        ("a.parquet", as_parquet()[:-40], "damaged or cut short"),
        ("a.parquet", as_parquet()[:200] + bytes(400) + as_parquet()[600:], "damaged"),
        ("a.parquet", b"id,text\n1,a\n", "damaged or cut short"),
        ("a.csv.gz", gzip.compress(CONTENT["csv"])[:-12], "damaged or cut short"),
        ("a.csv.gz", gzip.compress(CONTENT["csv"])[:30] + bytes(60), "damaged or cut short"),
        ("a.parquet.gz", gzip.compress(CONTENT["parquet"])[:-12], "damaged or cut short"),
        ("a.csv.gz", gzip.compress(gzip.compress(b"id,text\n1,a\n")), "compressed twice"),
        ("a.csv", CONTENT["parquet"], "--format=parquet"),
        ("a.csv", b"PK\x03\x04" + bytes(50), "zip archive or an Excel workbook"),
        ("a.xlsx", b"PK\x03\x04" + bytes(50), "zip archive or an Excel workbook"),
        ("a.csv", b"%PDF-1.7\n", "PDF"),
        ("a.csv", b"id,text\n1,\x00\x01\x02\n", "NUL bytes"),
        ("a.csv", "id,text\n1,a\n".encode("utf-16"), "--encoding=utf-16"),
        ("a.csv", "id,text\n1,a\n".encode("utf-16-le"), "--encoding=utf-16"),
        ("a.csv", "id,text\n1,a\n2,café\n".encode("latin-1"), "utf-8 at line 3: pass"),
        ("a.csv", b"id,text\n1,a\n2,cut in a letter \xc3", "utf-8 at line 3: pass"),
        ("a.jsonl", '{"text": "café"}'.encode("latin-1"), "--encoding="),
        ("a.txt", b"id,text\n1,a\n", ".csv, .tsv, .jsonl, .ndjson, .parquet"),
        ("a", b"id,text\n1,a\n", "--format="),
        ("a.gz", gzip.compress(b"id,text\n1,a\n"), "--format="),
        ("a.csv", CONTENT["jsonl"], "--format=jsonl"),
        ("a.jsonl", b'[{"id": 1, "text": "a"}]', "one object a line"),
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
    cut = write(gzip.compress(b"id,text\n" + rows)[:-9], "cut.csv.gz")
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
    assert "--format=xml" in error_of(path, format="xml")
    assert "--encoding=utf-99" in error_of(path, encoding="utf-99")
    assert "--encoding=rot13" in error_of(path, encoding="rot13")
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


# --- properties -----------------------------------------------------------------------------


# the csv module of Python 3.10 cannot read NUL
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@settings(deadline=None, max_examples=150)
@given(
    rows=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5), delimiter=st.sampled_from(",\t")
)
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory, rows, delimiter):
    path = tmp_path_factory.mktemp("csv") / ("a.csv" if delimiter == "," else "a.tsv")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(["id", "text"])
        writer.writerows([f"i{row_id}", text] for row_id, text in rows)
    frame = pd.concat(read_chunks(path, chunk_rows=2))
    assert frame["id"].tolist() == [f"i{row_id}" for row_id, _ in rows]
    assert frame["text"].tolist() == [text for _, text in rows]
    assert set(frame["problem"]) <= {"", "no text"}


@settings(deadline=None, max_examples=100)
@given(content=st.binary(max_size=200), format=st.sampled_from(["csv", "tsv", "jsonl", "parquet"]))
def test_any_bytes_give_rows_or_a_sentence(tmp_path_factory, content, format):
    path = tmp_path_factory.mktemp("bytes") / f"a.{format}"
    path.write_bytes(content)
    try:
        assert len(read_all(path)) > 0
    except DatasetError as error:
        assert str(error).endswith(".")


@settings(deadline=None, max_examples=150)
@given(body=st.text('ab,"\n', max_size=60))
def test_no_line_of_a_broken_csv_is_read_twice_and_order_is_kept(tmp_path_factory, body):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_text("id,text\n1,first\n" + body, encoding="utf-8")
    frame = read_all(path)
    assert frame["line"].is_monotonic_increasing
    assert frame["line"].is_unique
    assert frame["line"].max() <= 2 + body.count("\n") + 1


def peak_memory(path):
    tracemalloc.start()
    for chunk in read_chunks(path, chunk_rows=256):
        assert len(chunk) <= 256
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl.gz", "rows.parquet"])
def test_memory_does_not_grow_with_rows(write, name):
    def content(count):
        rows = [{"id": i, "text": f"{i} " + "word " * 40} for i in range(count)]
        if "csv" in name:
            return as_csv(rows)
        return as_parquet(rows) if "parquet" in name else gzip.compress(as_jsonl(rows), 1)

    peak_memory(write(content(300), name))  # what is imported or cached once
    few = peak_memory(write(content(2_000), name))
    many = peak_memory(write(content(20_000), name))
    assert many < few * 1.3 + 500_000
