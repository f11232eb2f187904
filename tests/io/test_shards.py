"""Manifests: every row of every file in one shard, and read there as in the whole file."""

import gzip
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplexity_detector.errors import ArtefactError, DatasetError, TooLargeError
from perplexity_detector.io.datasets import Columns, read_all
from perplexity_detector.io.limits import DEFAULT_LIMITS
from perplexity_detector.io.shards import Dataset, Manifest, plan, read_tables
from tests.io.dataset_files import as_csv, as_jsonl, as_parquet

FORMATS = {"csv": as_csv, "jsonl": as_jsonl, "parquet": as_parquet}


def rows_of(count, name="r"):
    return [{"id": f"{name}{n}", "text": f'Text "{n}",\nof {name}.'} for n in range(count)]


def read_whole(manifest):
    shards = [manifest[index] for index in range(len(manifest))]
    return pd.concat([chunk for shard in shards for chunk in manifest.read(shard)])


@settings(deadline=None, max_examples=30)
@given(
    counts=st.lists(st.integers(0, 20), min_size=1, max_size=4).filter(any),
    format=st.sampled_from(sorted(FORMATS)),
    shard_rows=st.integers(1, 25),
)
def test_shards_hold_every_row_once(tmp_path_factory, counts, format, shard_rows):
    folder = tmp_path_factory.mktemp("in")
    for number, count in enumerate(counts):
        rows = rows_of(count, f"f{number}-")
        content = FORMATS[format](rows) if rows else as_csv(rows_of(1)).splitlines()[0] + b"\n"
        name = f"{number}.{format}" if rows else f"{number}.csv"
        (folder / name).write_bytes(content)
    manifest = plan(Dataset(str(folder)), {}, shard_rows, chunk_rows=4)
    assert sum(manifest.lengths) == sum(counts)
    assert max(manifest.lengths) <= shard_rows
    read = read_whole(manifest)
    assert read["id"].tolist() == [
        f"f{number}-{n}" for number, count in enumerate(counts) for n in range(count)
    ]


@pytest.mark.parametrize("format", sorted(FORMATS))
def test_rows_are_read_as_in_the_whole_file(tmp_path, format):
    path = tmp_path / f"a.{format}"
    rows = rows_of(50)
    rows[7]["text"] = ""
    for row in rows[10:20]:
        row["id"] = ""
    if format == "parquet":
        pd.DataFrame(rows).to_parquet(path, row_group_size=9)
    else:
        path.write_bytes(FORMATS[format](rows))
    manifest = plan(Dataset(str(path)), {}, 8, chunk_rows=4)
    pd.testing.assert_frame_equal(
        read_whole(manifest).reset_index(drop=True), read_all(path), check_dtype=False
    )
    shard = manifest[1]
    (chunk,) = manifest.read(shard, range(9, 11))
    assert chunk["line"].tolist() == read_all(path)["line"][9:11].tolist()


def test_rows_of_many_files_without_ids_are_numbered_by_file(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("a.csv", "sub/b.csv"):
        (tmp_path / name).write_text("text\none\ntwo\n")
    manifest = plan(Dataset(str(tmp_path)), {}, 1, chunk_rows=1)
    ids = ["a.csv:1", "a.csv:2", "sub/b.csv:1", "sub/b.csv:2"]
    assert read_whole(manifest)["id"].tolist() == ids
    assert pd.concat(read_tables(Dataset(str(tmp_path)), 10))["id"].tolist() == ids
    alone = plan(Dataset(str(tmp_path / "a.csv")), {}, 1, chunk_rows=1)
    assert read_whole(alone)["id"].tolist() == ["1", "2"]


def test_a_shard_of_rows_that_cannot_be_used_is_no_error(tmp_path):
    (tmp_path / "a.csv").write_text("id,text\na,\nb,\nc,Text.\n")
    manifest = plan(Dataset(str(tmp_path)), {}, 2, chunk_rows=2)
    assert [len(manifest[index]) for index in range(2)] == [2, 1]
    (chunk,) = manifest.read(manifest[0])
    assert chunk["problem"].tolist() == ["no text", "no text"]


def test_a_packed_file_and_other_names_of_columns(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"nr;essay\n1;One\n".replace(b";", b",")))
    dataset = Dataset(str(tmp_path), Columns(id="nr", text="essay"))
    assert read_whole(plan(dataset, {}, 1, 1))["text"].tolist() == ["One"]


def test_what_cannot_be_planned(tmp_path):
    (tmp_path / "a.csv").write_text("id,text\n")
    with pytest.raises(DatasetError, match="has no rows"):
        plan(Dataset(str(tmp_path)), {}, 1, 1)
    (tmp_path / "b.csv").write_text("id,essay\n1,One\n")
    with pytest.raises(DatasetError, match=r"b.csv has no column 'text'"):
        plan(Dataset(str(tmp_path)), {}, 1, 1)
    (tmp_path / "b.csv").write_text("")
    with pytest.raises(DatasetError, match=r"b.csv is empty"):
        plan(Dataset(str(tmp_path)), {}, 1, 1)


def test_a_parquet_file_is_counted_by_its_end(tmp_path, monkeypatch):
    path = tmp_path / "a.parquet"
    path.write_bytes(as_parquet(rows_of(5)))
    assert plan(Dataset(str(path)), {}, 2, 1).lengths == [2, 2, 1]
    limits = replace(DEFAULT_LIMITS, rows=4)
    monkeypatch.setattr("perplexity_detector.io.shards.DEFAULT_LIMITS", limits)
    with pytest.raises(TooLargeError, match="has more than 4 rows"):
        plan(Dataset(str(path)), {}, 2, 1)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DatasetError, match="is damaged or cut short"):
        plan(Dataset(str(path)), {}, 2, 1)


def test_a_manifest_keeps_everything(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(as_jsonl(rows_of(5)))
    dataset = Dataset(str(tmp_path), Columns(id="id"), "utf-8", "jsonl")
    manifest = plan(dataset, {"fpr": 0.01, "list": ["a", None]}, 2, 1)
    content = manifest.to_bytes()
    loaded = Manifest.from_bytes(content, "there")
    assert loaded.to_bytes() == content
    assert (loaded.dataset, loaded.run, loaded.chunk_rows) == (dataset, manifest.run, 1)
    assert [loaded[index] for index in range(3)] == [manifest[index] for index in range(3)]
    for damaged in (content[:-9], b"", as_parquet(rows_of(1))):
        with pytest.raises(ArtefactError, match="there is damaged or of another version"):
            Manifest.from_bytes(damaged, "there")
