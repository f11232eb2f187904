import csv
import gzip
import tracemalloc

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplexity_detector.errors import DatasetError
from perplexity_detector.io.datasets import read_all, read_chunks
from tests.io.dataset_files import as_csv, as_jsonl, as_parquet

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
        return as_parquet(rows) if "parquet" in name else gzip.compress(as_jsonl(rows), 1, mtime=0)

    peak_memory(write(content(300), name))  # what is imported or cached once
    few = peak_memory(write(content(2_000), name))
    many = peak_memory(write(content(20_000), name))
    assert many < few * 1.3 + 500_000
