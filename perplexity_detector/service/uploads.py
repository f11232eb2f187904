"""Uploaded files: receive them into a folder, unpack and scan a table once, read documents."""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import IO, NamedTuple, Protocol

import pandas as pd
import pyarrow
import pyarrow.parquet
from fastapi import Request
from starlette.datastructures import UploadFile

from perplexity_detector.errors import DatasetError
from perplexity_detector.io.byte_streams import FORMATS
from perplexity_detector.io.datasets import Columns, read_chunks
from perplexity_detector.io.documents import DEFAULT_LIMITS, Limits
from perplexity_detector.io.documents.collection import File, has_document_name, open_named
from perplexity_detector.io.documents.frames import read_files
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
#: Extension of a document that is sent as the body, by its media type.
_DOCUMENT_TYPES = {
    "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/zip": ".zip",
    "text/html": ".html",
    "text/markdown": ".md",
    "text/plain": ".txt",
}
#: Files of one form.
MAX_FILES = 1_000
#: Limit of the time to scan a file; a hundred megabytes take about ten seconds.
SCAN_SECONDS = 120.0
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
_BLOCK = 1 << 16


class Received(NamedTuple):
    """Files of a request.

    Attributes:
        files: where each lies, and the client's name for it, which is used only as an id and for
            its extension.
        format: of a table, by name or media type; None if they do not give one.
    """

    files: list[tuple[Path, str]]
    format: str | None

    @property
    def are_documents(self) -> bool:
        """Whether they are documents, and not one table."""
        return self.format is None and any(has_document_name(name) for _, name in self.files)


class Readable(Protocol):
    """What a job scores.

    Attributes:
        rows: number of texts.
        tokens: estimated tokens of the texts.
        documents: whether they are documents.
        names: paths on this machine -> what error messages call them instead.
    """

    rows: int
    tokens: int
    documents: bool

    @property
    def names(self) -> dict[str, str]:
        """See above."""

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Frames with id, text and problem."""

    def remove(self) -> None:
        """Remove what was uploaded."""


class UploadedDocuments:
    """Uploaded documents, whose texts are read once.

    Args:
        received: of a request.
        max_bytes: limit of the unpacked size of a zip.
        max_characters: limit for a text; a row with a longer one has a problem.
        by_people: whether a document in a folder of generated ones has a problem.

    Attributes:
        frame: id, text, problem and left_out of each document, once `read` has read them.
    """

    documents = True

    def __init__(
        self, received: Received, max_bytes: int, max_characters: int, by_people: bool = False
    ) -> None:
        self._files = received.files
        self._label = None if by_people else False
        self._max_characters = max_characters
        self._limits = Limits(
            document_bytes=min(max_bytes, DEFAULT_LIMITS.document_bytes), unpacked_bytes=max_bytes
        )
        self.frame = pd.DataFrame()
        self.rows = self.tokens = 0

    @property
    def names(self) -> dict[str, str]:
        """Paths on this machine -> the client's names."""
        return {str(path): name for path, name in self._files}

    def read(self) -> None:
        """Read the texts of all documents.

        Raises:
            DatasetError: no document can be read, or they take too long.
        """
        end = time.monotonic() + SCAN_SECONDS
        with open_named(self._files, self._limits) as files:
            frames = []
            for frame in read_files(
                _in_time(files, end), "what was sent", label=self._label, limits=self._limits
            ):
                frames.append(_without_long(mark_generated(frame), self._max_characters))
        self.frame = pd.concat(frames, ignore_index=True)
        self.rows = len(self.frame)
        usable = self.frame.loc[self.frame["problem"] == "", "text"]
        self.tokens = sum(map(estimate_tokens, usable))
        self.remove()

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Frames of the texts that `read` has read."""
        for start in range(0, self.rows, CHUNK_ROWS):
            yield self.frame.iloc[start : start + CHUNK_ROWS].reset_index(drop=True)

    def remove(self) -> None:
        """Remove the files."""
        for path, _ in self._files:
            path.unlink(missing_ok=True)


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
    documents: bool = field(default=False, init=False)

    @property
    def names(self) -> dict[str, str]:
        """The path on this machine -> what error messages call it."""
        return {str(self.path): NAME}

    def remove(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Read frames of rows; see `datasets.read_chunks`."""
        for rows in read_chunks(
            self.path, self.columns, chunk_rows=CHUNK_ROWS, encoding=self.encoding,
            format=self.format, label=None if self.by_people else False,
        ):  # fmt: skip
            yield _without_long(mark_generated(rows), self.max_characters)

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


def _without_long(chunk: pd.DataFrame, max_characters: int) -> pd.DataFrame:
    too_long = chunk["text"].str.len() > max_characters
    chunk.loc[too_long, "problem"] = f"more than {max_characters:,} characters"
    return chunk


def _in_time(files: list[File], end: float) -> Iterator[File]:
    for file in files:
        if time.monotonic() > end:
            raise DatasetError("These documents take too long to read", hint="send fewer at once")
        yield file


async def receive(request: Request, folder: Path) -> Received:
    """Save a request's files, from a form or as the body; the middleware limits their size.

    Raises:
        Problem: the form has no file, or several that are not documents.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "multipart/form-data":
        path = folder / "upload"
        with path.open("wb") as file:
            async for block in request.stream():
                file.write(block)
        name = f"document{_DOCUMENT_TYPES.get(media_type, '')}"
        return Received([(path, name)], _MEDIA_TYPES.get(media_type))
    async with request.form(max_files=MAX_FILES, max_fields=10) as form:
        uploads = [one for _, one in form.multi_items() if isinstance(one, UploadFile)]
        if not uploads:
            raise Problem(422, "Send the file as a field of the form, such as `file`.")
        files = []
        for number, upload in enumerate(uploads):
            path = folder / f"upload-{number}"
            with path.open("wb") as file:
                async for block in _blocks(upload):
                    file.write(block)
            files.append((path, upload.filename or "document"))
        formats = [_format_of(name) for _, name in files]
        if len(files) > 1 and any(formats):
            raise Problem(422, "Send a table by itself, or several documents without a table.")
        return Received(files, formats[0] or _MEDIA_TYPES.get(uploads[0].content_type or ""))


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
