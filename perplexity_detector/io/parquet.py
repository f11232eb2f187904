"""Read a parquet file in another process: a small one can decode to more than the memory.

Neither its sizes nor its types are believed. Only flat columns of strings, numbers and booleans
are read, in slices, and what they decode to is counted.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from perplexity_detector.errors import DatasetError
from perplexity_detector.io import child_process
from perplexity_detector.io.limits import Limits, slow, too_large

if TYPE_CHECKING:
    import pyarrow

#: Bytes of one string; a longer one costs its row.
MAX_STRING_BYTES = 10_000_000
#: Rows that are decoded together.
BATCH_ROWS = 128
#: Bytes of a column that are read from the file together.
_BUFFER = 1 << 20
#: Rows of a message to the other process, and bytes of its distinct strings.
_SLICE_ROWS, _SLICE_BYTES = 256, 1 << 20
#: Seconds for the other process to start.
_START_SECONDS = 30.0


class ParquetRow(NamedTuple):
    """The cells of a row, in the order of the wanted columns, and what is wrong with it."""

    cells: list[Any]
    problem: str


class ParquetFile:
    """An open parquet file.

    Args:
        stream: a file with a descriptor; it is read from its start.
        name: what an error message calls it.
        wanted: the columns whose cells are read.
        limits: of columns, rows, bytes, seconds and memory.
        rows: read these alone, from 0, in steps of 1, and no row groups without them; all if not
            given.

    Attributes:
        columns: names of all columns, in the file's order.
        count: number of rows, as the file has it.
        wanted: names of the wanted ones that it has.

    Raises:
        DatasetError: it is damaged, or exceeds a limit, or a wanted column is not flat.
    """

    def __init__(
        self,
        stream: IO[bytes],
        name: str,
        wanted: Collection[str],
        limits: Limits,
        rows: range | None = None,
    ) -> None:
        self._name, self._limits = name, limits
        request = {
            "name": name,
            "wanted": sorted(wanted),
            "limits": asdict(limits),
            "rows": None if rows is None else [rows.start, rows.stop],
        }
        stream.seek(0)
        self._process = child_process.start(__name__, json.dumps(request), stdin=stream)
        try:
            header = self._receive(_START_SECONDS)
        except BaseException:
            self.close()
            raise
        self.columns: list[str] = header["columns"]
        self.wanted: list[str] = header["wanted"]
        self.count: int = header["count"]

    def rows(self) -> Iterator[ParquetRow]:
        """The rows, which can be read once.

        Raises:
            DatasetError: as above.
        """
        while message := self._receive():
            values = message["values"]
            for problem, *cells in message["rows"]:
                # a list is the place of a string among the values
                found = [values[cell[0]] if isinstance(cell, list) else cell for cell in cells]
                yield ParquetRow(found, problem)

    def close(self) -> None:
        """End the other process."""
        child_process.end(self._process)

    def _receive(self, more_seconds: float = 0.0) -> dict[str, Any]:
        assert self._process.stdout is not None
        seconds = self._limits.seconds + more_seconds
        with child_process.killed_after(self._process, seconds) as overdue:
            line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            if overdue.is_set():
                raise slow(self._name, self._limits)
            raise DatasetError(
                f"{self._name} is damaged, or takes too much memory to read",
                hint="write it again, with smaller row groups",
            )
        message: dict[str, Any] = json.loads(line)
        if "error" in message:
            if message.pop("error") == "too large":
                raise too_large(self._name, message["what"])
            raise DatasetError(message["message"], hint=message["hint"])
        return message


def main() -> None:
    """Write the rows of the parquet file on standard input to standard output, a slice a line."""
    request = json.loads(sys.argv[1])
    limits = Limits(**request["limits"])
    child_process.limit_memory(limits.memory)
    name = request["name"]
    rows = None if request["rows"] is None else range(*request["rows"])
    for message in _messages(sys.stdin.buffer, name, request["wanted"], limits, rows):
        sys.stdout.buffer.write(json.dumps(message, default=float).encode() + b"\n")
        sys.stdout.buffer.flush()


class _TooLargeError(Exception):
    """A limit is exceeded; the argument says which."""


def _messages(
    stream: IO[bytes], name: str, wanted: Sequence[str], limits: Limits, rows: range | None
) -> Iterator[dict[str, Any]]:
    try:
        yield from _read(stream, name, wanted, limits, rows)
        yield {}
    except _TooLargeError as error:
        yield {"error": "too large", "what": str(error)}
    except DatasetError as error:
        yield _error(error.message, error.hint)
    except MemoryError:
        yield _error(f"{name} takes too much memory to read", "write it with smaller row groups")
    except Exception as error:  # a broken file can make the parser raise anything
        reason = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        yield _error(f"{name} is damaged or cut short ({reason})", "make or copy it again")


def _error(message: str, hint: str) -> dict[str, str]:
    return {"error": "damaged", "message": message, "hint": hint}


def _read(
    stream: IO[bytes], name: str, wanted: Sequence[str], limits: Limits, rows: range | None
) -> Iterator[dict[str, Any]]:
    import pyarrow
    import pyarrow.parquet

    pyarrow.set_cpu_count(1)
    pyarrow.set_io_thread_count(1)
    file = pyarrow.parquet.ParquetFile(stream)
    schema = file.schema_arrow
    if len(schema) > limits.columns:
        raise _TooLargeError(f"{limits.columns:,} columns")
    fields = [field for field in schema if field.name in wanted]
    for field in fields:
        if not _is_flat(field.type):
            raise DatasetError(
                f"The column {field.name!r} of {name} holds {str(field.type)[:60]}, not strings, "
                "numbers or booleans",
                hint="convert it to strings, or leave it out",
            )
    names = [field.name for field in fields]
    yield {"columns": schema.names, "wanted": names, "count": file.metadata.num_rows}
    # a buffer: otherwise a column of a whole row group is read at once
    file = pyarrow.parquet.ParquetFile(stream, buffer_size=_BUFFER, pre_buffer=False)
    if rows is None:
        batches = file.iter_batches(BATCH_ROWS, columns=names, use_threads=False)
    else:
        groups, first = _row_groups(file.metadata, rows)
        read = file.iter_batches(BATCH_ROWS, row_groups=groups, columns=names, use_threads=False)
        batches = _cut(read, range(rows.start - first, rows.stop - first))
    yield from _slices(batches, limits)


def _row_groups(metadata: pyarrow.parquet.FileMetaData, rows: range) -> tuple[list[int], int]:
    """The row groups that hold rows, and the number of the first row in them."""
    groups, starts, start = [], [], 0
    for group in range(metadata.num_row_groups):
        stop = start + metadata.row_group(group).num_rows
        if start < rows.stop and rows.start < stop:
            groups.append(group)
            starts.append(start)
        start = stop
    return groups, starts[0] if starts else rows.start


def _cut(batches: Iterator[pyarrow.RecordBatch], rows: range) -> Iterator[pyarrow.RecordBatch]:
    """The rows of some batches, numbered from 0 over all of them."""
    start = 0
    for batch in batches:
        wanted = range(max(rows.start - start, 0), min(rows.stop - start, batch.num_rows))
        if wanted:
            yield batch.slice(wanted.start, len(wanted))
        start += batch.num_rows
        if start >= rows.stop:
            return


def _is_flat(kind: pyarrow.DataType) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        return _is_flat(kind.value_type)
    tests = (types.is_integer, types.is_floating, types.is_boolean, types.is_null)
    return _is_string(kind) or any(test(kind) for test in tests)


def _is_string(kind: pyarrow.DataType) -> bool:
    from pyarrow import types

    tests = (types.is_string, types.is_large_string, types.is_string_view)
    return any(test(kind) for test in tests)


def _slices(batches: Iterator[pyarrow.RecordBatch], limits: Limits) -> Iterator[dict[str, Any]]:
    """Messages of rows, each with the distinct strings in it."""
    rows: list[list[Any]] = []
    values: list[str] = []
    places: dict[bytes, int] = {}
    distinct = 0  # bytes of the values
    n_rows = n_bytes = 0
    for batch in batches:
        for row in zip(*map(_values, batch.columns), strict=True):
            n_rows += 1
            if n_rows > limits.rows:
                raise _TooLargeError(f"{limits.rows:,} rows")
            problem, cells = "", []
            for name, cell in zip(batch.schema.names, row, strict=True):
                if not isinstance(cell, bytes):
                    n_bytes += 8
                    cells.append(cell)
                    continue
                n_bytes += len(cell)
                if cell not in places:
                    places[cell] = len(values)
                    values.append(_decoded(cell))
                    distinct += len(cell)
                problem = problem or _problem(cell, values[places[cell]], name)
                cells.append([places[cell]])
            if n_bytes > limits.bytes:
                raise _TooLargeError(f"{limits.bytes:,} bytes")
            rows.append([problem, *cells])
            if distinct > _SLICE_BYTES or len(rows) >= _SLICE_ROWS:
                yield {"values": values, "rows": rows}
                rows, values, places, distinct = [], [], {}, 0
    if rows:
        yield {"values": values, "rows": rows}


def _values(column: pyarrow.Array) -> list[Any]:
    """The cells of a column: strings as bytes, which may not be UTF-8."""
    import pyarrow

    if isinstance(column, pyarrow.DictionaryArray):
        column = column.dictionary_decode()
    if _is_string(column.type):
        column = column.cast(pyarrow.large_binary())
    values: list[Any] = column.to_pylist()
    return values


def _decoded(cell: bytes) -> str:
    return "" if len(cell) > MAX_STRING_BYTES else cell.decode(errors="replace")


def _problem(cell: bytes, decoded: str, column: str) -> str:
    if len(cell) > MAX_STRING_BYTES:
        return f"{column} has more than {MAX_STRING_BYTES:,} bytes"
    # what stands for a byte that is none may have been there before
    return f"{column} is not UTF-8" if "\ufffd" in decoded and not _is_utf8(cell) else ""


def _is_utf8(cell: bytes) -> bool:
    try:
        cell.decode()
    except UnicodeDecodeError:
        return False
    return True
