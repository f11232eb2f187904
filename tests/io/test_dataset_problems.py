import tracemalloc

import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest

from perplexity_detector.io.datasets import (
    NO_LABEL,
    describe_problems,
    read_all,
    read_chunks,
    split_problems,
)
from tests.io.dataset_files import CSV, as_parquet, error_of

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


@pytest.mark.parametrize("kind", [pyarrow.string(), pyarrow.large_string()])
def test_a_value_that_parquet_repeats_is_held_once(tmp_path, kind):
    long = pyarrow.array(["x" * 1_000_000], kind)
    places = pyarrow.array([0] * 1_000, pyarrow.int32())
    table = pyarrow.table({"text": pyarrow.DictionaryArray.from_arrays(places, long)})
    path = tmp_path / "repeated.parquet"
    pyarrow.parquet.write_table(table, path)
    assert path.stat().st_size < 2_000_000
    tracemalloc.start()
    try:
        assert sum(len(chunk) for chunk in read_chunks(path, chunk_rows=1_000)) == 1_000
        assert tracemalloc.get_traced_memory()[1] < 50_000_000  # of 1 GB in a chunk
    finally:
        tracemalloc.stop()


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
    monkeypatch.setattr("perplexity_detector.io.row_readers.MAX_RECORD_LINES", 10)
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
