"""Read texts and labels from files into frames; rows with problems are marked, not dropped."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import Field, dataclass, fields
from itertools import count, islice
from pathlib import Path
from typing import IO

import pandas as pd

from perplexity_detector.errors import DatasetError, InputError
from perplexity_detector.io.limits import DEFAULT_LIMITS, Limits
from perplexity_detector.io.row_readers import Row, Table, open_table

NO_TEXT = "no text"
#: Value of `generated` in a row whose label cannot be read.
NO_LABEL = -1

_LABELS = {
    **dict.fromkeys(("0", "0.0", "false", "human"), 0),
    **dict.fromkeys(("1", "1.0", "true", "generated"), 1),
}


@dataclass(frozen=True)
class Columns:
    """Names of a file's columns; the defaults are Kaggle's names and our own.

    A role's default is also the name of its column in a frame. The file must have `text`, `label`
    if labels are read, and every column that is given another name than the default.
    """

    id: str = "id"
    text: str = "text"
    label: str = "generated"
    prompt: str = "prompt_id"
    source: str = "source"
    split: str = "split"
    domain: str = "domain"
    generator: str = "generator"
    attack: str = "attack"
    licence: str = "licence"


DEFAULT_COLUMNS = Columns()


def read_chunks(
    path: str | Path | IO[bytes],
    columns: Columns = DEFAULT_COLUMNS,
    *,
    label: bool | None = False,
    chunk_rows: int = 256,
    encoding: str = "utf-8",
    format: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    rows: range | None = None,
    raw: IO[bytes] | None = None,
    id_prefix: str = "",
) -> Iterator[pd.DataFrame]:
    """Read texts from csv, tsv, jsonl or parquet, plain or gzipped, some rows at a time.

    Memory does not grow with the number of rows. A row that is broken or has no text stays in
    its frame, with the reason in `problem`; the caller decides whether to drop it. A quotation
    mark that is never closed costs the row where it stands (see `row_readers`), not later rows.

    Args:
        path: a file, `-` for standard input, or an open file, which is not closed.
        columns: names of the file's columns.
        label: whether to read labels; None reads them if the file has them.
        chunk_rows: rows in a frame; the last frame may have fewer.
        encoding: of csv, tsv and jsonl; a Python codec.
        format: csv, tsv, jsonl or parquet; None takes it from the extension, and on standard
            input from the first character (`{` means jsonl, else csv).
        limits: of bytes, rows, columns, seconds and, for parquet, memory.
        rows: read these alone, from 0, in steps of 1. That none of them can be used is no error.
        raw: the file, if it is open already; `path` then only names it.
        id_prefix: goes before the ids that are made up for rows without one.

    Yields:
        Frames with the columns
        id: str; row numbers from 1 if the file has no such column, `line-N` if a cell is empty.
        text: str, unchanged; empty in a broken row.
        line: int, where the row starts in the file, from 1 with the header; in parquet its number.
        problem: str, empty if the row can be used.
        generated: int, 0 or 1, or NO_LABEL if it cannot be read; not unless `label`.
        prompt_id, source, split, domain, generator, attack: str; only if the file has them.

    Raises:
        DatasetError: the file cannot be read, exceeds a limit, lacks a column, or has no row that
            can be used. Raised on the first or the last step of the iteration.
        InputError: `chunk_rows` is not positive.
    """
    if chunk_rows < 1:
        raise InputError(f"A chunk cannot have {chunk_rows} rows", "chunk_rows", "use 1 or more")
    wanted = {getattr(columns, role.name) for role in _roles(columns, label)}
    with open_table(
        path, wanted=wanted, format=format, encoding=encoding, limits=limits, rows=rows, raw=raw
    ) as table:
        present = _present_columns(table, columns, label)
        numbers = count(1 if rows is None else rows.start + 1)
        first_problem = ""
        usable = False
        while chunk := list(islice(table.rows, chunk_rows)):
            frame = _frame(chunk, present, numbers, id_prefix)
            usable = usable or bool(frame["problem"].isin(["", NO_TEXT]).any())
            first_problem = first_problem or "".join(describe_problems(frame[:1]))
            yield frame
        if rows is not None:
            return
        if not first_problem and not usable:
            raise DatasetError(f"{table.name} has no rows", hint="give a row for each text")
        if not usable:
            raise DatasetError(f"No row of {table.name} can be used; {first_problem}.")


def count_rows(
    path: str | Path,
    columns: Columns = DEFAULT_COLUMNS,
    *,
    encoding: str = "utf-8",
    format: str | None = None,
    raw: IO[bytes] | None = None,
) -> int:
    """Number of rows that `read_chunks` reads; a parquet file is not read for it.

    Raises:
        DatasetError: the file cannot be read, or lacks a column.
    """
    with open_table(path, wanted=(), format=format, encoding=encoding, raw=raw) as table:
        _present_columns(table, columns, label=False)
        return sum(1 for _ in table.rows) if table.row_count is None else table.row_count


def require_columns(name: str, found: list[str], columns: Columns) -> None:
    """Check that a file has the columns that are needed to score its texts.

    Raises:
        DatasetError: it lacks one.
    """
    _present_columns(Table(name, found, iter(())), columns, label=False)


def read_all(
    path: str | Path,
    columns: Columns = DEFAULT_COLUMNS,
    *,
    label: bool | None = False,
    encoding: str = "utf-8",
    format: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> pd.DataFrame:
    """Read a whole file of texts into one frame; see `read_chunks`."""
    chunks = read_chunks(
        path, columns, label=label, chunk_rows=4096, encoding=encoding, format=format,
        limits=limits,
    )  # fmt: skip
    return pd.concat(chunks, ignore_index=True)


def split_problems(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split a frame into the rows that can be used and those that cannot, each numbered from 0."""
    usable = frame["problem"] == ""
    return frame[usable].reset_index(drop=True), frame[~usable].reset_index(drop=True)


def describe_problems(frame: pd.DataFrame) -> list[str]:
    """Describe each row with a problem in a phrase: "line 7 (id b12): no text".

    Documents have no lines: "essay.pdf: no text".
    """
    if "line" not in frame:
        rows = zip(frame["id"], frame["problem"], strict=True)
        return [f"{_one_line(row_id)}: {problem}" for row_id, problem in rows if problem]
    return [
        f"line {line} (id {_shown(row_id)}): {problem}"
        for line, row_id, problem in zip(frame["line"], frame["id"], frame["problem"], strict=True)
        if problem
    ]


def require_two_classes(frame: pd.DataFrame) -> None:
    """Check that there are usable rows of both classes.

    Raises:
        DatasetError: one of the classes is missing.
    """
    labels = frame.loc[frame["problem"] == "", "generated"]
    for value, author in ((0, "a person"), (1, "a model")):
        if not (labels == value).any():
            raise DatasetError(
                f"Of {len(labels)} usable rows none is labelled {value}, written by {author}",
                "label_column",
                "add such texts, or name the column of the labels with {label_column}",
            )


def _roles(columns: Columns, label: bool | None) -> list[Field[str]]:
    return [role for role in fields(columns) if label is not False or role.name != "label"]


def _present_columns(table: Table, columns: Columns, label: bool | None) -> dict[str, str]:
    """The frame's columns that the file has -> their names in the file."""
    if not table.columns:
        raise DatasetError(f"{table.name} has no rows", hint="give a row for each text")
    present = {}
    for role in _roles(columns, label):
        actual = getattr(columns, role.name)
        always = ("text", "label") if label else ("text",)
        needed = role.name in always or actual != role.default
        occurrences = table.columns.count(actual)
        if occurrences > 1:
            raise DatasetError(
                f"{table.name} has {occurrences} columns named {actual!r}",
                hint="rename all but one",
            )
        if occurrences:
            present[str(role.default)] = actual
        elif needed:
            raise DatasetError(
                f"{table.name} has no column {actual!r}; it has {_listed(table.columns)}",
                f"{role.name}_column",
                f"name the right one with {{{role.name}_column}}",
            )
    return present


def _frame(
    rows: list[Row], present: dict[str, str], numbers: Iterator[int], id_prefix: str
) -> pd.DataFrame:
    problems = [_problem(row, present) for row in rows]
    content: dict[str, list[str] | list[int]] = {
        "id": [_row_id(row, present.get("id"), next(numbers), id_prefix) for row in rows],
        "text": [_text(row, present["text"]) for row in rows],
        "line": [row.line for row in rows],
        "problem": problems,
    }
    for name, actual in present.items():
        if name == "generated":
            content[name] = [_label(row.cells.get(actual)) for row in rows]
        elif name not in content:
            content[name] = [_as_text(row.cells.get(actual)) for row in rows]
    # dtype object, since JSON can hold half a surrogate pair and Arrow's strings cannot
    return pd.DataFrame(
        {
            name: pd.Series(values, dtype="int64" if name in ("line", "generated") else object)
            for name, values in content.items()
        }
    )


def _problem(row: Row, present: dict[str, str]) -> str:
    if row.problem:
        return row.problem
    text = row.cells.get(present["text"])
    if not _as_text(text).strip():
        return NO_TEXT
    if not isinstance(text, str):
        return f"{present['text']} is not a string"
    if "generated" in present:
        label = row.cells.get(present["generated"])
        if _label(label) == NO_LABEL:
            return f"{present['generated']} is {_shown(_as_text(label))!r}, not 0 or 1"
    return ""


def _row_id(row: Row, column: str | None, number: int, prefix: str) -> str:
    if column is None:
        return f"{prefix}{number}"
    return _as_text(row.cells.get(column)) or f"{prefix}line-{row.line}"


def _text(row: Row, column: str) -> str:
    text = row.cells.get(column)
    return text if isinstance(text, str) and not row.problem else ""


def _label(value: object) -> int:
    return _LABELS.get(_as_text(value).strip().lower(), NO_LABEL)


def _as_text(value: object) -> str:
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    return "" if missing else str(value)


def _shown(value: str) -> str:
    """In one line, shortened so that no user's text gets into a message."""
    value = " ".join(value.split())
    return value if len(value) <= 30 else value[:27] + "..."


def _one_line(path: str) -> str:
    return " ".join(path.split())


def _listed(names: list[str]) -> str:
    shown = [repr(_shown(name)) for name in names[:12]]
    return ", ".join(shown) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
