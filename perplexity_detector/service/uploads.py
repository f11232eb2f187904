"""A file that came up: received into a folder of ours, unpacked, looked through once."""

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
from perplexity_detector.service.micro_batching import estimate_tokens
from perplexity_detector.service.problem_details import Problem

#: What sentences call the file, wherever it lies.
NAME = "The file"
_MEDIA_TYPES = {
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
    "application/vnd.apache.parquet": "parquet",
}
#: How long looking through a file may take; a hundred megabytes take some ten seconds.
LOOK_SECONDS = 120.0
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
_BLOCK = 1 << 16


@dataclass
class Upload:
    """A file as `datasets` reads it.

    Attributes:
        path: where it lies.
        format: csv, tsv, jsonl or parquet.
        columns: what its columns are called.
        encoding: of csv, tsv and jsonl.
        max_characters: of a text; a longer one is a row with a problem.
        rows: of the file, once `scan` has counted them.
        tokens: estimated, of its texts, likewise.
    """

    path: Path
    format: str
    columns: Columns
    encoding: str
    max_characters: int
    rows: int = field(default=0, init=False)
    tokens: int = field(default=0, init=False)

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Frames of rows; see `datasets.read_chunks`."""
        for chunk in read_chunks(
            self.path, self.columns, chunk_rows=CHUNK_ROWS, encoding=self.encoding,
            format=self.format,
        ):  # fmt: skip
            too_long = chunk["text"].str.len() > self.max_characters
            chunk.loc[too_long, "problem"] = f"more than {self.max_characters:,} characters"
            yield chunk

    def scan(self) -> None:
        """Count rows and tokens; what is wrong with the file shows now, not while it is scored.

        Raises:
            DatasetError: it cannot be read.
        """
        end = time.monotonic() + LOOK_SECONDS
        for chunk in self.chunks():
            if time.monotonic() > end:  # open quotation marks make a csv slow to read
                raise DatasetError(f"{NAME} takes too long to read: send parts, or mend it.")
            self.rows += len(chunk)
            self.tokens += sum(map(estimate_tokens, chunk.loc[chunk["problem"] == "", "text"]))


async def receive(request: Request, target: Path) -> str | None:
    """Write a request's file, multipart or the body itself; its size is the gate's to limit.

    Returns:
        Its format as its name or media type says, or None.

    Raises:
        Problem: there is none, or more than one.
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
    """Of a file by its name, of which nothing else is used."""
    plain = PurePath(name.lower().removesuffix(".gz"))
    return FORMATS.get(plain.suffix)


def unpack(path: Path, most: int) -> None:
    """Unpack a gzipped file in its place; another is left as it is, unless it unpacks itself.

    Args:
        path: the file.
        most: bytes it may have when unpacked: a small archive can hold more than any disk.

    Raises:
        Problem: it has more.
        DatasetError: it is damaged.
    """
    if not _is_gzipped(path):
        _check_parquet(path, most)
        return
    unpacked = path.with_name(path.name + ".unpacked")
    try:
        with gzip.open(path) as packed, unpacked.open("wb") as plain:
            _copy(packed, plain, most)
    except (EOFError, OSError, zlib.error) as error:
        raise DatasetError(f"{NAME} is damaged or cut short: make or send it again.") from error
    if _is_gzipped(unpacked):  # whose reader would unpack it without a bound
        raise DatasetError(f"{NAME} is compressed twice; unpack it once.")
    unpacked.replace(path)
    _check_parquet(path, most)


def _check_parquet(path: Path, most: int) -> None:
    with path.open("rb") as file:
        if file.read(len(_PARQUET)) != _PARQUET:
            return
    try:
        about = pyarrow.parquet.read_metadata(path)
    except (pyarrow.ArrowException, OSError):
        return  # whose reader says what is wrong with it
    if sum(about.row_group(group).total_byte_size for group in range(about.num_row_groups)) > most:
        raise _too_large(most)


def _is_gzipped(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_GZIP)) == _GZIP


def _copy(source: gzip.GzipFile, target: IO[bytes], most: int) -> None:
    written = 0
    while block := source.read(_BLOCK):
        written += len(block)
        if written > most:
            raise _too_large(most)
        target.write(block)


def _too_large(most: int) -> Problem:
    return Problem(413, f"Unpacked, the file has more than {most:,} bytes: send parts.")
