"""Uploaded files: receive one into a folder, unpack it, and scan it once."""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import IO

import pandas as pd
import pyarrow
import pyarrow.parquet
from fastapi import Request
from starlette.datastructures import UploadFile

from perplexity_detector.errors import DatasetError
from perplexity_detector.io.byte_streams import FORMATS
from perplexity_detector.io.datasets import Columns, read_chunks
from perplexity_detector.pipelines.predict import CHUNK_ROWS
from perplexity_detector.pipelines.recalibrate import mark_generated
from perplexity_detector.service.micro_batching import estimate_tokens
from perplexity_detector.service.problem_details import Problem

#: What error messages call the file instead of its path.
NAME = "The file"
_MEDIA_TYPES = {
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
    "application/vnd.apache.parquet": "parquet",
}
#: Limit of the time to scan a file; a hundred megabytes take about ten seconds.
SCAN_SECONDS = 120.0
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
_BLOCK = 1 << 16


@dataclass
class Upload:
    """An uploaded file of rows, and how to read it.

    Attributes:
        path: of the file.
        format: csv, tsv, jsonl or parquet.
        columns: names of its columns.
        encoding: of csv, tsv and jsonl.
        max_characters: limit for a text; a row with a longer one has a problem.
        by_people: whether a row that is labelled as generated has a problem.
        rows: number of rows, once `scan` has counted them.
        tokens: estimated tokens of its texts, once `scan` has counted them.
    """

    path: Path
    format: str
    columns: Columns
    encoding: str
    max_characters: int
    by_people: bool = False
    rows: int = field(default=0, init=False)
    tokens: int = field(default=0, init=False)

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Read frames of rows; see `datasets.read_chunks`."""
        for rows in read_chunks(
            self.path, self.columns, chunk_rows=CHUNK_ROWS, encoding=self.encoding,
            format=self.format, label=None if self.by_people else False,
        ):  # fmt: skip
            chunk = mark_generated(rows)
            too_long = chunk["text"].str.len() > self.max_characters
            chunk.loc[too_long, "problem"] = f"more than {self.max_characters:,} characters"
            yield chunk

    def scan(self) -> None:
        """Count rows and tokens, and find errors in the file before it is scored.

        Raises:
            DatasetError: it cannot be read.
        """
        end = time.monotonic() + SCAN_SECONDS
        for chunk in self.chunks():
            if time.monotonic() > end:  # a csv full of unclosed quotation marks is slow to read
                raise DatasetError(
                    f"{NAME} takes too long to read", hint="send it in pieces, or repair it"
                )
            self.rows += len(chunk)
            self.tokens += sum(map(estimate_tokens, chunk.loc[chunk["problem"] == "", "text"]))


async def receive(request: Request, target: Path) -> str | None:
    """Save a request's file, from a form or as the body; the middleware limits its size.

    Returns:
        Its format by its name or media type, or None if they do not give one.

    Raises:
        Problem: the form has no file.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "multipart/form-data":
        with target.open("wb") as file:
            async for block in request.stream():
                file.write(block)
        return _MEDIA_TYPES.get(media_type)
    async with request.form(max_files=1, max_fields=10) as form:
        uploads = [one for one in form.values() if isinstance(one, UploadFile)]
        if not uploads:
            raise Problem(422, "Send the file as a field of the form, such as `file`.")
        with target.open("wb") as file:
            async for block in _blocks(uploads[0]):
                file.write(block)
        named = _format_of(uploads[0].filename or "")
        return named or _MEDIA_TYPES.get(uploads[0].content_type or "")


async def _blocks(upload: UploadFile) -> AsyncIterator[bytes]:
    while block := await upload.read(_BLOCK):
        yield block


def _format_of(name: str) -> str | None:
    """The format by the extension of a client's file name, which is used for nothing else."""
    plain = PurePath(name.lower().removesuffix(".gz"))
    return FORMATS.get(plain.suffix)


def unpack(path: Path, max_bytes: int) -> None:
    """Unpack a gzipped file in place, and check the unpacked size of a parquet file.

    Args:
        path: the file.
        max_bytes: limit of the unpacked size; a small archive can hold more than fits on a disk.

    Raises:
        Problem: 413, the unpacked file is larger.
        DatasetError: it is damaged, or compressed twice.
    """
    if not _is_gzipped(path):
        _check_parquet(path, max_bytes)
        return
    unpacked = path.with_name(path.name + ".unpacked")
    try:
        with gzip.open(path) as packed, unpacked.open("wb") as plain:
            _copy(packed, plain, max_bytes)
    except (EOFError, OSError, zlib.error) as error:
        raise DatasetError(
            f"{NAME} is damaged or cut short", hint="make or send it again"
        ) from error
    if _is_gzipped(unpacked):  # the reader would unpack it without a limit
        raise DatasetError(f"{NAME} is compressed twice", hint="unpack it once")
    unpacked.replace(path)
    _check_parquet(path, max_bytes)


def _check_parquet(path: Path, max_bytes: int) -> None:
    with path.open("rb") as file:
        if file.read(len(_PARQUET)) != _PARQUET:
            return
    try:
        metadata = pyarrow.parquet.read_metadata(path)
    except (pyarrow.ArrowException, OSError):
        return  # the reader reports what is wrong with it
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    if sum(group.total_byte_size for group in groups) > max_bytes:
        raise _too_large(max_bytes)


def _is_gzipped(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_GZIP)) == _GZIP


def _copy(source: gzip.GzipFile, target: IO[bytes], max_bytes: int) -> None:
    written = 0
    while block := source.read(_BLOCK):
        written += len(block)
        if written > max_bytes:
            raise _too_large(max_bytes)
        target.write(block)


def _too_large(max_bytes: int) -> Problem:
    return Problem(413, f"Unpacked, the file has more than {max_bytes:,} bytes: send it in pieces.")
