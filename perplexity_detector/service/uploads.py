"""Uploaded files: receive them into files without a name, scan a table once, read documents.

What has no name is gone with the process, however that ends.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePath
from typing import IO, NamedTuple, Protocol

import pandas as pd
from fastapi import Request
from starlette.datastructures import UploadFile

from perplexity_detector.io.byte_streams import FORMATS
from perplexity_detector.io.datasets import Columns, read_chunks
from perplexity_detector.io.documents.collection import has_document_name, open_named
from perplexity_detector.io.documents.frames import read_files
from perplexity_detector.io.limits import Limits
from perplexity_detector.pipelines.predict import CHUNK_ROWS
from perplexity_detector.pipelines.recalibrate import mark_generated
from perplexity_detector.service.micro_batching import estimate_tokens
from perplexity_detector.service.problem_details import Problem

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
#: Columns that a job needs of documents.
_COLUMNS = ["id", "text", "problem", "left_out"]
_BLOCK = 1 << 16


class Received(NamedTuple):
    """Files of a request.

    Attributes:
        files: each, open and without a name on the disk, and the client's name for it, which is
            used only as an id and for its extension.
        format: of a table, by name or media type; None if they do not give one.
    """

    files: list[tuple[IO[bytes], str]]
    format: str | None

    def close(self) -> None:
        """Close the files, which removes them."""
        for file, _ in self.files:
            file.close()

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
    """

    rows: int
    tokens: int
    documents: bool

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Frames with id, text and problem."""

    def close(self) -> None:
        """Close the files, which removes them."""


class UploadedDocuments:
    """Uploaded documents, whose texts are read once, into a file without a name.

    Args:
        received: of a request.
        limits: of reading them.
        max_characters: limit for a text; a row with a longer one has a problem.
        by_people: whether a document in a folder of generated ones has a problem.
    """

    documents = True

    def __init__(
        self, received: Received, limits: Limits, max_characters: int, by_people: bool = False
    ) -> None:
        self._received = received
        self._label = None if by_people else False
        self._max_characters = max_characters
        self._limits = limits
        self._texts = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self.rows = self.tokens = 0

    def read(self) -> None:
        """Read the texts of all documents.

        Raises:
            DatasetError: no document can be read, or they exceed a limit.
        """
        with open_named(self._received.files, self._limits) as files:
            for frame in read_files(files, "what was sent", label=self._label, limits=self._limits):
                chunk = _without_long(mark_generated(frame), self._max_characters)
                self.rows += len(chunk)
                usable = chunk.loc[chunk["problem"] == "", "text"]
                self.tokens += sum(map(estimate_tokens, usable))
                for row in chunk[_COLUMNS].itertuples(index=False):
                    self._texts.write(json.dumps(row) + "\n")
        self._received.close()

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Frames of the texts that `read` has read."""
        self._texts.seek(0)
        while lines := list(islice(self._texts, CHUNK_ROWS)):
            yield pd.DataFrame(list(map(json.loads, lines)), columns=_COLUMNS, dtype=object)

    def close(self) -> None:
        """Close the files, which removes them."""
        self._received.close()
        self._texts.close()


@dataclass
class Upload:
    """An uploaded file of rows, and how to read it.

    Attributes:
        file: its content.
        format: csv, tsv, jsonl or parquet.
        columns: names of its columns.
        encoding: of csv, tsv and jsonl.
        limits: of reading it.
        max_characters: limit for a text; a row with a longer one has a problem.
        by_people: whether a row that is labelled as generated has a problem.
        rows: number of rows, once `scan` has counted them.
        tokens: estimated tokens of its texts, once `scan` has counted them.
    """

    file: IO[bytes]
    format: str
    columns: Columns
    encoding: str
    limits: Limits
    max_characters: int
    by_people: bool = False
    rows: int = field(default=0, init=False)
    tokens: int = field(default=0, init=False)
    documents: bool = field(default=False, init=False)

    def close(self) -> None:
        """Close the file, which removes it."""
        self.file.close()

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Read frames of rows; see `datasets.read_chunks`."""
        for rows in read_chunks(
            self.file, self.columns, chunk_rows=CHUNK_ROWS, encoding=self.encoding,
            format=self.format, label=None if self.by_people else False, limits=self.limits,
        ):  # fmt: skip
            yield _without_long(mark_generated(rows), self.max_characters)

    def scan(self) -> None:
        """Count rows and tokens, and find errors in the file before it is scored.

        Raises:
            DatasetError: it cannot be read, or exceeds a limit.
        """
        for chunk in self.chunks():
            self.rows += len(chunk)
            self.tokens += sum(map(estimate_tokens, chunk.loc[chunk["problem"] == "", "text"]))


def _without_long(chunk: pd.DataFrame, max_characters: int) -> pd.DataFrame:
    too_long = chunk["text"].str.len() > max_characters
    chunk.loc[too_long, "problem"] = f"more than {max_characters:,} characters"
    return chunk


async def receive(request: Request, folder: Path) -> Received:
    """Save a request's files, from a form or as the body; the middleware limits their size.

    Raises:
        Problem: the form has no file, or several that are not documents.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "multipart/form-data":
        file = await _saved(request.stream(), folder)
        name = f"document{_DOCUMENT_TYPES.get(media_type, '')}"
        return Received([(file, name)], _MEDIA_TYPES.get(media_type))
    async with request.form(max_files=MAX_FILES, max_fields=10) as form:
        uploads = [one for _, one in form.multi_items() if isinstance(one, UploadFile)]
        if not uploads:
            raise Problem(422, "Send the file as a field of the form, such as `file`.")
        names = [upload.filename or "document" for upload in uploads]
        formats = list(map(_format_of, names))
        if len(names) > 1 and any(formats):
            raise Problem(422, "Send a table by itself, or several documents without a table.")
        files = [await _saved(_blocks(upload), folder) for upload in uploads]
        return Received(
            list(zip(files, names, strict=True)),
            formats[0] or _MEDIA_TYPES.get(uploads[0].content_type or ""),
        )


async def _saved(blocks: AsyncIterator[bytes], folder: Path) -> IO[bytes]:
    """Blocks in a file that has no name on the disk, so that it goes with the process."""
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
    async for block in blocks:
        file.write(block)
    file.flush()
    return file


async def _blocks(upload: UploadFile) -> AsyncIterator[bytes]:
    while block := await upload.read(_BLOCK):
        yield block


def _format_of(name: str) -> str | None:
    """The format by the extension of a client's file name, which is used for nothing else."""
    plain = PurePath(name.lower().removesuffix(".gz"))
    return FORMATS.get(plain.suffix)
