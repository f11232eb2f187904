"""Parquet files of a few kilobytes that decode to gigabytes: refused in one sentence."""

import time

import pyarrow
import pyarrow.parquet
import pytest

from perplexity_detector.errors import DatasetError, TooLargeError
from perplexity_detector.io.datasets import describe_problems, read_all
from perplexity_detector.io.limits import Limits
from tests.hostile.peak_memory import grown
from tests.service.serving import is_problem

#: Of an upload.
STRICT = Limits(bytes=100_000_000, rows=200_000, seconds=60)


def write(folder, table, **options):
    path = folder / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table(table), path, **options)
    return path


def repeated(value, times):
    places = pyarrow.array([0] * times, pyarrow.int32())
    return pyarrow.DictionaryArray.from_arrays(places, pyarrow.array([value]))


def error_of(path, limits=STRICT, kind=DatasetError):
    begin = time.monotonic()
    with grown() as memory, pytest.raises(kind) as caught:
        read_all(path, limits=limits)
    assert time.monotonic() - begin < 20
    assert memory.megabytes < 150
    return str(caught.value)


def test_ids_that_are_repeated_count_as_often_as_they_occur(tmp_path, client):
    path = write(tmp_path, {"id": repeated("x" * 2_000, 150_000), "text": repeated("A", 150_000)})
    assert path.stat().st_size < 50_000
    assert "more than 100,000,000 bytes" in error_of(path, kind=TooLargeError)
    answer = client.post("/v1/files", files={"file": ("a.parquet", path.read_bytes())})
    assert is_problem(answer, 413)
    assert answer.json()["detail"].startswith("The file has more than 100,000,000 bytes")


def test_a_page_larger_than_the_memory_allowed_is_not_decoded(tmp_path):
    path = write(
        tmp_path,
        {"text": ["x" * 150_000_000]},
        compression="zstd",
        use_dictionary=False,
        write_statistics=False,
    )
    assert path.stat().st_size < 50_000
    assert "too much memory" in error_of(path, Limits(memory=300_000_000))


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ([[1] * 100_000, []], "list<"),
        ([{"a": 1}, None], "struct<"),
        ([b"a", b"b"], "binary"),
        (pyarrow.array([2**62, 1], pyarrow.timestamp("us")), "timestamp[us]"),
    ],
    ids=["list", "struct", "bytes", "time out of range"],
)
@pytest.mark.parametrize("name", ["id", "text"])
def test_a_column_that_is_not_flat_is_refused(tmp_path, name, column, kind):
    table = {"id": ["a", "b"], "text": ["Fine", "Fine"], name: column}
    assert f"The column {name!r} of" in (message := error_of(write(tmp_path, table)))
    assert f"holds {kind}" in message
    assert "not strings, numbers or booleans" in message


def test_other_columns_may_hold_anything(tmp_path):
    path = write(tmp_path, {"id": [True, False], "text": ["A", "B"], "more": [[1], [2]]})
    assert read_all(path)[["id", "text"]].values.tolist() == [["True", "A"], ["False", "B"]]


def test_a_string_that_is_not_utf8_costs_its_row(tmp_path):
    buffers = pyarrow.array([b"a\xff", "b\ufffd".encode(), b"c"], pyarrow.binary()).buffers()
    texts = pyarrow.Array.from_buffers(pyarrow.string(), 3, buffers)
    frame = read_all(write(tmp_path, {"id": ["a", "b", "c"], "text": texts}))
    assert describe_problems(frame) == ["line 1 (id a): text is not UTF-8"]
    assert frame["text"].tolist() == ["", "b\ufffd", "c"]


def test_a_string_that_is_too_long_costs_its_row(tmp_path):
    frame = read_all(write(tmp_path, {"text": ["x" * 10_000_001, "Fine"]}))
    assert describe_problems(frame) == ["line 1 (id 1): text has more than 10,000,000 bytes"]


def test_rows_without_a_value_count(tmp_path):
    path = write(tmp_path, {"text": pyarrow.nulls(300_000, pyarrow.string())})
    assert path.stat().st_size < 5_000
    assert "more than 200,000 rows" in error_of(path, kind=TooLargeError)


def test_columns_count(tmp_path):
    path = write(tmp_path, {f"c{number}": [1] for number in range(5_000)})
    assert "more than 4,000 columns" in error_of(path, kind=TooLargeError)
