"""Shards: ranges of rows of the files of a dataset, and the manifest that lists them."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from perplexity_detector.errors import ArtefactError, DatasetError
from perplexity_detector.io import datasets
from perplexity_detector.io.datasets import DEFAULT_COLUMNS, Columns
from perplexity_detector.io.limits import DEFAULT_LIMITS, too_large
from perplexity_detector.io.storage import (
    StoredFile,
    find_tables,
    open_in_place,
    open_stored,
)

#: Files whose rows are counted at the same time: an object store answers slowly, but many at once.
_COUNTING_THREADS = 16
#: Files that are handed to the threads together, so that not all of very many wait in memory.
_FILES_TOGETHER = 1024
#: Key of the manifest's values in its file's metadata.
_VALUES = b"perplexity_detector"
_SCHEMA = pa.schema(
    [
        ("file", pa.dictionary(pa.int32(), pa.string())),
        ("start", pa.int64()),
        ("stop", pa.int64()),
        ("size", pa.int64()),
        ("etag", pa.dictionary(pa.int32(), pa.string())),
    ]
)


@dataclass(frozen=True)
class Dataset:
    """Tables to be read in shards.

    Attributes:
        place: a file, a folder, a pattern such as `in/*.parquet`, or a URL of these.
        columns: names of their columns.
        encoding: of csv, tsv and jsonl.
        format: csv, tsv, jsonl or parquet; None takes it from each file's extension.
    """

    place: str
    columns: Columns = DEFAULT_COLUMNS
    encoding: str = "utf-8"
    format: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Dataset:
        """The inverse of `to_dict`."""
        return cls(**{**values, "columns": Columns(**values["columns"])})


@dataclass(frozen=True)
class Shard:
    """A range of rows of one file.

    Attributes:
        index: its number in the manifest, from 0.
        file: as it was found.
        start: its first row, from 0.
        stop: the row after its last one.
    """

    index: int
    file: StoredFile
    start: int
    stop: int

    @property
    def rows(self) -> range:
        """Numbers of its rows in the file."""
        return range(self.start, self.stop)

    def __len__(self) -> int:
        return self.stop - self.start


class Manifest:
    """The shards of a run, and what its results depend on.

    Args:
        dataset: what is read.
        run: plain values on which the results depend besides the texts.
        chunk_rows: rows that are scored together.
        table: a row for each shard, with the columns of `_SCHEMA`.

    Attributes:
        dataset, run, chunk_rows: as given.
    """

    def __init__(
        self, dataset: Dataset, run: Mapping[str, Any], chunk_rows: int, table: pa.Table
    ) -> None:
        self.dataset = dataset
        self.run = dict(run)
        self.chunk_rows = chunk_rows
        self._table = table
        self._folder = _common_folder(_first_and_last(table.column("file")))

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __getitem__(self, index: int) -> Shard:
        row = {name: self._table.column(name)[index].as_py() for name in _SCHEMA.names}
        file = StoredFile(row["file"], row["size"], row["etag"])
        return Shard(index, file, row["start"], row["stop"])

    @property
    def lengths(self) -> list[int]:
        """Number of rows of each shard."""
        lengths: list[int] = (
            pa.compute.subtract(self._table.column("stop"), self._table.column("start"))
        ).to_pylist()
        return lengths

    def read(self, shard: Shard, rows: range | None = None) -> Iterator[pd.DataFrame]:
        """Read a shard, or some of its rows, in frames of `chunk_rows`; see `read_chunks`.

        Raises:
            DatasetError: the file cannot be read, or has changed since it was found.
        """
        wanted = shard.rows if rows is None else rows
        return _read(shard.file, self.dataset, self._folder, self.chunk_rows, rows=wanted)

    def values(self) -> dict[str, Any]:
        """What a later run must share to continue: dataset, chunks and `run`, for JSON."""
        return {
            "dataset": self.dataset.place,
            "names of columns": list(asdict(self.dataset.columns).values()),
            "encoding": self.dataset.encoding,
            "format": self.dataset.format,
            "rows of a chunk": self.chunk_rows,
            **self.run,
        }

    @classmethod
    def of_no_shards(cls, dataset: Dataset, run: Mapping[str, Any], chunk_rows: int) -> Manifest:
        """A manifest for its values alone."""
        return cls(dataset, run, chunk_rows, _SCHEMA.empty_table())

    def to_bytes(self) -> bytes:
        """A parquet file; the same shards give the same bytes."""
        values = {
            "dataset": self.dataset.to_dict(),
            "run": self.run,
            "chunk_rows": self.chunk_rows,
        }
        table = self._table.replace_schema_metadata({_VALUES: json.dumps(values)})
        buffer = io.BytesIO()
        pq.write_table(table, buffer, compression="zstd")
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes, name: str) -> Manifest:
        """The inverse of `to_bytes`.

        Args:
            content: of the file.
            name: of the file, for the error message.

        Raises:
            ArtefactError: it is damaged.
        """
        try:
            table = pq.read_table(io.BytesIO(content))
            values = json.loads((table.schema.metadata or {})[_VALUES])
            dataset = Dataset.from_dict(values["dataset"])
            return cls(dataset, values["run"], values["chunk_rows"], table.cast(_SCHEMA))
        except (pa.ArrowException, KeyError, TypeError, ValueError) as error:
            raise ArtefactError(
                f"{name} is damaged or of another version", hint="name another folder of results"
            ) from error


def plan(dataset: Dataset, run: Mapping[str, Any], shard_rows: int, chunk_rows: int) -> Manifest:
    """List the shards of a dataset, in order of files and rows.

    The rows of each file are counted: of parquet from its footer, of others by reading it.

    Args:
        dataset: its files are found now.
        run: plain values on which the results depend besides the texts.
        shard_rows: rows of a shard, but for the last of each file.
        chunk_rows: rows that are scored together.

    Raises:
        DatasetError: a file cannot be read or lacks a column, or there are no rows.
    """
    files = find_tables(dataset.place)
    counts = np.array(_count_rows(files, dataset), dtype=np.int64)
    if not counts.any():
        raise DatasetError(f"{dataset.place} has no rows", hint="give a row for each text")
    shards_of_file = -(-counts // shard_rows)
    file = np.repeat(np.arange(len(files)), shards_of_file)  # of each shard
    number = np.arange(len(file)) - np.repeat(
        np.cumsum(shards_of_file) - shards_of_file, shards_of_file
    )
    start = number * shard_rows
    columns = {
        "file": pa.array([one.url for one in files]).dictionary_encode().take(file),
        "start": start,
        "stop": np.minimum(start + shard_rows, counts[file]),
        "size": np.array([one.size for one in files], dtype=np.int64)[file],
        "etag": pa.array([one.etag for one in files]).dictionary_encode().take(file),
    }
    return Manifest(dataset, run, chunk_rows, pa.table(columns, schema=_SCHEMA))


def _count_rows(files: Sequence[StoredFile], dataset: Dataset) -> list[int]:
    counts: list[int] = []
    with ThreadPoolExecutor(_COUNTING_THREADS) as pool:
        for begin in range(0, len(files), _FILES_TOGETHER):
            together = files[begin : begin + _FILES_TOGETHER]
            counts += pool.map(lambda file: _count(file, dataset), together)
    return counts


def read_tables(
    dataset: Dataset, chunk_rows: int, label: bool | None = False
) -> Iterator[pd.DataFrame]:
    """Read all tables of a dataset, one after the other; see `datasets.read_chunks`.

    Args:
        dataset: its files are found now.
        chunk_rows: rows in a frame; the last frame of a file may have fewer.
        label: whether to read labels; None reads them where there are any.

    Raises:
        DatasetError: a file cannot be read, lacks a column, or has no row that can be used.
    """
    files = find_tables(dataset.place)
    folder = _common_folder([file.url for file in files])
    for file in files:
        yield from _read(file, dataset, folder, chunk_rows, label=label)


def _read(
    file: StoredFile,
    dataset: Dataset,
    folder: str | None,
    chunk_rows: int,
    rows: range | None = None,
    label: bool | None = False,
) -> Iterator[pd.DataFrame]:
    # rows without an id are numbered; those of several files by file
    prefix = "" if folder is None else f"{file.url.removeprefix(folder)}:"
    with open_stored(file) as raw:
        yield from datasets.read_chunks(
            file.url,
            dataset.columns,
            label=label,
            chunk_rows=chunk_rows,
            encoding=dataset.encoding,
            format=dataset.format,
            rows=rows,
            raw=raw,
            id_prefix=prefix,
        )


def _first_and_last(names: pa.ChunkedArray) -> list[str]:
    """The first and the last of some names in order; one if all are the same."""
    found = pa.compute.min_max(names.unique().cast(pa.string())).as_py()
    return sorted({found["min"], found["max"]} - {None})


def _common_folder(files: Sequence[str]) -> str | None:
    """The folder of several files, with a slash; None of one file."""
    if len(files) < 2:
        return None
    # not commonpath, to which s3:// is a folder
    beginning = os.path.commonprefix(files)  # noqa: RUF071
    return beginning[: max(beginning.rfind("/"), beginning.rfind(os.sep)) + 1]


def _count(file: StoredFile, dataset: Dataset) -> int:
    if (dataset.format or PurePath(file.url).suffix.lower()) in ("parquet", ".parquet"):
        return _count_parquet(file, dataset)
    with open_stored(file) as raw:
        return datasets.count_rows(
            file.url,
            dataset.columns,
            encoding=dataset.encoding,
            format=dataset.format,
            raw=raw,
        )


def _count_parquet(file: StoredFile, dataset: Dataset) -> int:
    """Rows of a parquet file by its end alone, which Arrow limits; the rest may be large.

    What it holds is read in a process of its own, later: to start one for each of very many files
    would take days.
    """
    with open_in_place(file) as stream:
        try:
            footer = pq.ParquetFile(stream)
            names, rows = footer.schema_arrow.names, int(footer.metadata.num_rows)
        except Exception as error:  # a broken file can make the parser raise anything
            raise DatasetError(
                f"{file.url} is damaged or cut short", hint="make or copy it again"
            ) from error
        for number, what in ((len(names), "columns"), (rows, "rows")):
            limit = getattr(DEFAULT_LIMITS, what)
            if number > limit:  # a footer that lies would otherwise make very many shards
                raise too_large(file.url, f"{limit:,} {what}")
        datasets.require_columns(file.url, names, dataset.columns)
        return rows
