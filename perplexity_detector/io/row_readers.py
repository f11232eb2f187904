"""Read rows of csv, tsv, jsonl and parquet files, one reader for each format."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import IO, NamedTuple

from perplexity_detector.errors import DatasetError
from perplexity_detector.io.byte_streams import open_checked
from perplexity_detector.io.limits import DEFAULT_LIMITS, Limits, in_time, too_large
from perplexity_detector.io.parquet import ParquetFile

#: A csv record of more lines than this is taken for one with an unclosed quotation mark.
MAX_RECORD_LINES = 10_000
#: Characters of one record; a longer one costs its row, and the rest of a longer line is skipped.
MAX_RECORD_CHARACTERS = 10_000_000
#: Characters that unclosed quotation marks may make the csv reader read again, in a whole file.
MAX_REREAD_CHARACTERS = 200_000_000
#: Rows of jsonl from which its columns are taken.
SAMPLE_ROWS = 256
#: The problem of a csv record in which a quotation mark is never closed.
UNCLOSED = "a quotation mark is not closed"
TOO_LONG = f"more than {MAX_RECORD_CHARACTERS:,} characters"

_DELIMITERS = {"csv": ",", "tsv": "\t"}
_JSON_PAIR = re.compile(r'"(\w{1,200})"\s*:\s*("[^"\\]*(?:\\.[^"\\]*)*"|-?\d+)(?=\s*[,}])')
#: Characters of a broken line of JSON in which its first cells are looked for.
_BROKEN_JSON = 4_096


class Row(NamedTuple):
    """One row.

    Attributes:
        line: number of the line where it starts, from 1; in parquet the row's number.
        cells: by column; in a row with a problem those that could be read.
        problem: what is wrong with it; empty if nothing is.
    """

    line: int
    cells: Mapping[str, object]
    problem: str = ""


class Table(NamedTuple):
    """An open file.

    Attributes:
        name: what an error message calls it.
        columns: their names, in the file's order.
        rows: read from the file one by one.
        row_count: number of rows in the file, where its format says so.
    """

    name: str
    columns: list[str]
    rows: Iterator[Row]
    row_count: int | None = None


@contextmanager
def open_table(
    path: str | Path | IO[bytes],
    *,
    wanted: Collection[str],
    format: str | None = None,
    encoding: str = "utf-8",
    limits: Limits = DEFAULT_LIMITS,
    rows: range | None = None,
    raw: IO[bytes] | None = None,
) -> Iterator[Table]:
    """Open a file of rows and read them lazily.

    Args:
        path: a file, `-` for standard input, or an open file (see `open_checked`).
        wanted: the columns whose cells are read.
        format: csv, tsv, jsonl or parquet; None takes it from the extension.
        encoding: a Python codec.
        limits: of columns, rows, bytes, seconds and, for parquet, memory.
        rows: read these alone, from 0, in steps of 1; all if not given. Of a parquet file only
            the row groups that hold them are read, any other is read through from its start.
        raw: the file, if it is open already; see `open_checked`.

    Yields:
        The table; its file is closed with the block.

    Raises:
        DatasetError: as `open_checked`; or the header cannot be read, the first lines of a jsonl
            file hold no JSON objects, or the file exceeds a limit.
    """
    with open_checked(path, format, encoding, limits.bytes, raw) as opened:
        name = opened.name
        if opened.format == "parquet":
            with closing(ParquetFile(opened.stream, name, wanted, limits, rows)) as file:
                first = 0 if rows is None else rows.start
                yield _within(_read_parquet(file, name, first), limits)
            return
        text = io.TextIOWrapper(opened.stream, encoding=opened.encoding, newline="")
        if opened.format == "jsonl":
            table = _within(_read_jsonl(text, name, wanted, limits), limits)
        else:
            delimiter = _DELIMITERS[opened.format]
            table = _within(_read_csv(text, name, delimiter, wanted, limits), limits)
        if rows is not None:
            table = table._replace(rows=islice(table.rows, rows.start, rows.stop))
        yield table


def _within(table: Table, limits: Limits) -> Table:
    """The same table, whose rows are read within limits."""
    return table._replace(rows=_counted(in_time(table.rows, limits, table.name), limits, table))


def _counted(rows: Iterator[Row], limits: Limits, table: Table) -> Iterator[Row]:
    for number, row in enumerate(rows, start=1):
        if number > limits.rows:
            raise too_large(table.name, f"{limits.rows:,} rows")
        yield row


def _limited_lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Lines with their ends; of one that is too long, one character more than is allowed."""
    limit = MAX_RECORD_CHARACTERS + 1
    while line := text.readline(limit):
        yield line
        while len(line) == limit and not line.endswith(("\n", "\r")):
            line = text.readline(limit)


# --- csv and tsv ----------------------------------------------------------------------------


class _Lines(Iterator[str]):
    """Lines for the csv module, which can be pushed back if they were not one record.

    Attributes:
        number: lines given so far.
        taken: the lines of the record that is being read.
        characters: of those lines.
        ended: whether the record was still open when the lines ran out.
        reread: characters pushed back so far, where a short line counts as 100.
    """

    def __init__(self, stream: Iterator[str]) -> None:
        self._stream = stream
        self._pushed_back: deque[str] = deque()
        self.number = self.reread = 0
        self.begin()

    def begin(self) -> None:
        """Start a record."""
        self.taken: list[str] = []
        self.characters = 0
        self.ended = False

    def push_back(self, lines: list[str]) -> None:
        """Return the last lines read to the stream."""
        self._pushed_back.extendleft(reversed(lines))
        self.number -= len(lines)
        self.reread += sum(max(len(line), 100) for line in lines)

    def __next__(self) -> str:
        line = None
        if len(self.taken) < MAX_RECORD_LINES and self.characters <= MAX_RECORD_CHARACTERS:
            line = self._pushed_back.popleft() if self._pushed_back else next(self._stream, None)
        if line is None:
            self.ended = True
            raise StopIteration
        self.number += 1
        self.taken.append(line)
        self.characters += len(line)
        # the csv module of Python 3.10 stops at NUL; canonical text has none anyway
        return line.replace("\0", "")


def _read_csv(
    text: io.TextIOWrapper, name: str, delimiter: str, wanted: Collection[str], limits: Limits
) -> Table:
    csv.field_size_limit(2**31 - 1)
    records = _csv_records(_Lines(_limited_lines(text)), delimiter, name)
    _, header, problem = next(records, (1, [], ""))
    if problem:
        raise DatasetError(f"The header of {name} cannot be read, {problem}.")
    if len(header) > limits.columns:
        raise too_large(name, f"{limits.columns:,} columns")
    columns = [column.strip() for column in header]
    return Table(name, columns, _csv_rows(records, columns, wanted))


def _csv_rows(
    records: Iterator[tuple[int, list[str], str]], columns: list[str], wanted: Collection[str]
) -> Iterator[Row]:
    places = {column: place for place, column in enumerate(columns) if column in wanted}
    resuming = False
    for line, fields, fault in records:
        miscounted = not fault and len(fields) != len(columns)
        if miscounted and resuming:
            continue  # the rest of a record with an unclosed quotation mark
        resuming = fault == UNCLOSED
        problem = _miscount(fields, columns) if miscounted else fault
        cells = {name: fields[place] for name, place in places.items() if place < len(fields)}
        yield Row(line, cells, problem)


def _miscount(fields: list[str], columns: list[str]) -> str:
    return f"{len(fields)} field{'s' * (len(fields) != 1)} instead of {len(columns)}"


def _csv_records(lines: _Lines, delimiter: str, name: str) -> Iterator[tuple[int, list[str], str]]:
    """Yield first line, fields and problem of each record that is not blank.

    A record spans several lines if a quoted cell holds line breaks, so a quotation mark that is
    never closed would swallow all lines up to the next mark. A record that breaks the grammar or
    exceeds MAX_RECORD_LINES or MAX_RECORD_CHARACTERS is therefore reported with its first line
    alone, and reading resumes at its second. A stray mark within a line is read as a character, as
    the csv module does. An unclosed mark goes unnoticed if the next mark happens to end a cell and
    the number of cells is right.
    """
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = lines.number + 1
        lines.begin()
        problem = ""
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:
            first, *rest = lines.taken
            fields = next(csv.reader([first.replace("\0", "")], delimiter=delimiter))
            if rest or lines.ended:
                problem = UNCLOSED
                lines.push_back(rest)
        if problem and lines.reread > MAX_REREAD_CHARACTERS:
            raise DatasetError(
                f"{name} has too many quotation marks that are not closed, the last in line {line}",
                hint="close them, or write the file with a csv library",
            )
        if not problem and lines.characters > MAX_RECORD_CHARACTERS:
            problem = TOO_LONG
        if any(field.strip() for field in fields) or len(fields) > 1:
            yield line, fields, problem


# --- jsonl ----------------------------------------------------------------------------------


def _read_jsonl(
    text: io.TextIOWrapper, name: str, wanted: Collection[str], limits: Limits
) -> Table:
    rows = _jsonl_rows(text, wanted, limits)
    sample = list(islice(rows, SAMPLE_ROWS))
    if sample and all(row.problem for row in sample):
        raise DatasetError(
            f"Line {sample[0].line} of {name} is {sample[0].problem}, and none of its first "
            f"{SAMPLE_ROWS} rows is a JSON object",
            "format",
            "write one JSON object a line, or pass {format}",
        )
    columns = list(dict.fromkeys(key for row in sample if not row.problem for key in row.cells))
    return Table(name, columns, chain(sample, rows))


def _jsonl_rows(text: io.TextIOWrapper, wanted: Collection[str], limits: Limits) -> Iterator[Row]:
    for number, line in enumerate(_limited_lines(text), start=1):
        if len(line) > MAX_RECORD_CHARACTERS:
            yield Row(number, _first_cells(line), TOO_LONG)
            continue
        if not line.strip():
            continue
        try:
            cells = json.loads(line)
        except (ValueError, RecursionError):
            yield Row(number, _first_cells(line), "not valid JSON")
            continue
        if not isinstance(cells, dict):
            yield Row(number, {}, "not a JSON object")
        elif len(cells) > limits.columns:
            yield Row(number, {}, f"more than {limits.columns:,} fields")
        else:
            yield Row(number, {name: _cell(cells[name], name in wanted) for name in cells})


def _first_cells(line: str) -> dict[str, str]:
    """The cells before the break of a line, such as the id."""
    pairs = _JSON_PAIR.findall(line[:_BROKEN_JSON])
    return {key: value.strip('"') for key, value in pairs}


def _cell(value: object, wanted: bool) -> object:
    """The value of a wanted column; of a nested one only its type, for it can be of any size."""
    if not wanted:
        return None
    return type(value)() if isinstance(value, list | dict) else value


# --- parquet --------------------------------------------------------------------------------


def _read_parquet(file: ParquetFile, name: str, first: int) -> Table:
    rows = (
        Row(number, dict(zip(file.wanted, row.cells, strict=True)), row.problem)
        for number, row in enumerate(file.rows(), start=first + 1)
    )
    return Table(name, file.columns, rows, file.count)
