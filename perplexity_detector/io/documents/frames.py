"""Documents -> frames, as of tables of texts: a broken file is a row with a problem."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path, PurePosixPath

import pandas as pd

from perplexity_detector.errors import DatasetError, InputError
from perplexity_detector.io.datasets import NO_LABEL, NO_TEXT, describe_problems
from perplexity_detector.io.documents.collection import File, open_files
from perplexity_detector.io.documents.extracted import (
    SCAN,
    ExtractedText,
    UnreadableError,
)
from perplexity_detector.io.documents.parser import Parser
from perplexity_detector.io.limits import DEFAULT_LIMITS, Limits, in_time

#: Label of the documents in a folder of this name.
_LABELS = {"human": 0, "0": 0, "generated": 1, "1": 1}
_NO_LABEL = "it lies in no folder named human or generated (or 0 or 1)"


def read(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> ExtractedText:
    """Read the running text of one document: PDF, DOCX, HTML, Markdown or plain text.

    It is parsed in another process, within limits.

    Args:
        path: a file; its extension says what it is.
        limits: of pages, time, memory and size.

    Raises:
        DatasetError: it cannot be read, or the extra `documents` is not installed.
    """
    with open_files(path, limits) as files, Parser(limits) as parser:
        if len(files) > 1 or Path(path).is_dir():
            raise DatasetError(f"{path} is not one document", hint="use `read_chunks` for many")
        try:
            return parser.parse(files[0].path, files[0].read())
        except UnreadableError as error:
            raise DatasetError(f"{path} cannot be read: {error}.") from error


def read_chunks(
    path: str | Path,
    *,
    label: bool | None = False,
    chunk_rows: int = 64,
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[pd.DataFrame]:
    """Read a document, a folder of documents with its sub-folders, or a zip, some at a time.

    A document that cannot be read stays in its frame, with the reason in `problem`.

    Args:
        path: a file or folder.
        label: whether to read labels: documents by people lie in a folder `human` or `0`, those
            by a model in one named `generated` or `1`; None needs no such folders.
        chunk_rows: rows in a frame; the last frame may have fewer.
        limits: of pages, time, memory and size.

    Yields:
        Frames with the columns
        id: str, a document's name, or its path within the folder or zip; of an export of Moodle or
        Canvas, the student's folder.
        text: str, paragraphs with blank lines between them; empty in a row with a problem.
        problem: str, empty if the row can be used.
        left_out: dict, what was left out of the text, such as {"comments": 2}.
        generated: int, 0 or 1, or NO_LABEL; not unless `label`.

    Raises:
        DatasetError: it cannot be opened, or none of its documents can be read. Raised on the
            first or the last step of the iteration.
        InputError: `chunk_rows` is not positive.
    """
    if chunk_rows < 1:
        raise InputError(f"A chunk cannot have {chunk_rows} rows", "chunk_rows", "use 1 or more")
    with open_files(path, limits) as files:
        yield from read_files(files, str(path), label=label, chunk_rows=chunk_rows, limits=limits)


def read_files(
    files: Iterable[File],
    name: str,
    *,
    label: bool | None = False,
    chunk_rows: int = 64,
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[pd.DataFrame]:
    """Read files that are open; see `read_chunks`.

    Args:
        files: in the order of the rows.
        name: what an error message calls all of them.
        label: whether to read labels.
        chunk_rows: rows in a frame.
        limits: of each document, and of the seconds for all.
    """
    usable = False
    first_problem = ""
    with Parser(limits) as parser:
        rows = in_time((_row(file, parser, label) for file in files), limits, name)
        while chunk := list(islice(rows, chunk_rows)):
            frame = pd.DataFrame(chunk, dtype=object)
            if label is not False:
                frame["generated"] = frame["generated"].astype("int64")
            usable = usable or bool(frame["problem"].isin(["", NO_TEXT, SCAN]).any())
            first_problem = first_problem or "".join(describe_problems(frame)[:1])
            yield frame
    if not usable:
        raise DatasetError(f"No document of {name} can be read; {first_problem}.")


def _row(file: File, parser: Parser, label: bool | None) -> dict[str, object]:
    row: dict[str, object] = {"id": file.id, "text": "", "problem": "", "left_out": {}}
    try:
        extracted = parser.parse(file.path, file.read())
        row["left_out"] = extracted.left_out
        if extracted.text.strip():
            row["text"] = extracted.text
        else:
            row["problem"] = extracted.note or NO_TEXT
    except UnreadableError as error:
        row["problem"] = str(error)
    if label is not False:
        row["generated"] = _label(file.path)
        if label and row["generated"] == NO_LABEL and not row["problem"]:
            row["problem"] = _NO_LABEL
    return row


def _label(path: str) -> int:
    """The label of the folder that lies nearest to the file."""
    for part in reversed(PurePosixPath(path).parts[:-1]):
        if part.lower() in _LABELS:
            return _LABELS[part.lower()]
    return NO_LABEL
