"""Write results, as csv rows or as one text, to a file that appears when it is complete."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple

import pandas as pd

from perplexity_detector.errors import InputError
from perplexity_detector.io.atomic import replace_file
from perplexity_detector.io.locks import lock, unlock
from perplexity_detector.io.working_files import open_no_link
from perplexity_detector.logs import get_logger, printable


class ResultsWriter:
    """Writes frames of results as csv, in UTF-8, a frame at a time.

    A file is written under a temporary name (see `ResumableFile`) and renamed at the end of the
    `with` block, so it never holds part of the results. After an exception an earlier file is
    unchanged.

    Args:
        path: the file, whose folders are made; `-` for standard output.
        columns: columns of each frame to write, in order; also the header.
        run: plain values on which the results depend besides the frames that are read. If given,
            rows that were written before an exception or a kill are kept for a later run.
        resume: continue after such rows.

    Attributes:
        rows: rows written so far, those of an earlier run included.

    Raises:
        InputError: the file cannot be written, on entering or later; another run is writing it;
            or rows cannot be resumed, because `path` is no file or they depend on other values.

    Example:
        >>> with ResultsWriter("-", ["id", "score"]) as results:
        ...     results.write(pd.DataFrame({"id": ["a", "b,c"], "score": [0.25, None]}))
        id,score
        a,0.25
        "b,c",
    """

    def __init__(
        self,
        path: str | Path,
        columns: Sequence[str],
        run: Mapping[str, object] | None = None,
        resume: bool = False,
    ) -> None:
        self.columns = list(columns)
        self.rows = 0
        self._name = str(path)
        self._run = run
        self._resume = resume
        self._partial: ResumableFile | None = None

    def __enter__(self) -> ResultsWriter:
        """Open the file, and write the header if there are no rows yet."""
        with self._as_input_error():
            self._file = self._open()
            self._writer = csv.writer(_UnixRows(self._file))
            if not self.rows:
                self._writer.writerow(self.columns)
        return self

    @property
    def is_file(self) -> bool:
        """Whether the results go to a file, and not to a pipe; known on entering."""
        return self._partial is not None

    def skip_written(self, chunks: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """Yield the frames whose results an earlier run has not written.

        Raises:
            InputError: the rows that are written belong to other frames.
        """
        for chunk in chunks:
            if self._partial is None or not self._partial.is_written(chunk):
                yield chunk

    def write(self, frame: pd.DataFrame, read: pd.DataFrame | None = None) -> None:
        """Write the rows of a frame; a missing value becomes an empty cell.

        Args:
            frame: the results.
            read: id, text and problem of the rows that were scored; needed with a `run`.
        """
        cells = frame[self.columns].astype(object)
        with self._as_input_error():
            self._writer.writerows(cells.where(cells.notna(), None).itertuples(index=False))
            self._file.flush()
            if self._partial is not None and read is not None:
                self._partial.record(read)
        self.rows += len(frame)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Move the file to its place; after an exception keep or remove what was written."""
        if self._partial is None:
            with self._as_input_error():
                if self._file is not sys.stdout:
                    self._file.close()
                elif kind is None:
                    self._file.flush()
            return
        try:
            if kind is None:
                with self._as_input_error():
                    self._partial.finish()
        finally:
            if self._partial.close():
                get_logger().warning(
                    "Rows kept in %s: %d. The same run with `resume` continues after them.",
                    self._partial.path, self._partial.rows,
                )  # fmt: skip

    def _open(self) -> IO[str]:
        target = Path(self._name).resolve()  # a link stays a link
        piped = self._name == "-" or (target.exists() and not target.is_file())
        if target.is_dir() and self._name != "-":
            raise InputError(
                f"{self._name} is a folder", "output", "name a file in it for the results"
            )
        if piped and self._resume:
            raise InputError(
                f"{self._name} is not a file, so there is nothing to resume",
                "resume",
                "name a file, or leave out {resume}",
            )
        if self._name == "-":
            if sys.stdout is None:  # closed by who started this program
                raise InputError("Standard output is closed", "output", "name a file")
            return sys.stdout
        if piped:  # /dev/null or a named pipe: nothing to rename
            return target.open("w", encoding="utf-8", newline="")
        target.parent.mkdir(parents=True, exist_ok=True)
        self._partial = ResumableFile(target, self._run or {}, self._resume)
        self.rows = self._partial.rows
        if self.rows:
            get_logger().warning("Rows already written: %d.", self.rows)
        if self._partial.discarded:
            get_logger().warning(
                "%d rows that an earlier run left in %s are replaced; `resume` would keep them.",
                self._partial.discarded, self._partial.path,
            )  # fmt: skip
        return self._partial.file

    @contextmanager
    def _as_input_error(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise  # the reader of a pipe has gone, which is no error of the user
        except OSError as error:
            raise InputError(
                f"{self._name} cannot be written ({error.strerror})",
                "output",
                "name another place for the results",
            ) from error


def check_same_run(
    path: Path | str,
    run: Mapping[str, object],
    earlier: Mapping[str, object],
    otherwise: str = "or leave out {resume} to start over",
) -> None:
    """Check that results to be resumed depend on the same values.

    Args:
        path: where they are, for the error message.
        run: the values of this run, by name.
        earlier: those of the run that began them, as read from JSON.
        otherwise: what to do if that is not wanted, for the hint.

    Raises:
        InputError: a value is another.
    """
    for name in {**run, **earlier}:
        was, now = earlier.get(name), json.loads(json.dumps(run.get(name)))
        if was != now:
            raise InputError(
                f"{path} was begun with another {name} ({_shown(was)}, not {_shown(now)})",
                "resume",
                f"give the same options as then, {otherwise}",
            )


def write_atomic(path: str | Path, content: str) -> None:
    """Write a text file in UTF-8, completely or not at all; its folders are made.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        target, partial = _places(Path(path))
        try:
            if partial == target:
                target.write_text(content, encoding="utf-8")
            else:
                with open_no_link(partial, "w") as file:
                    file.write(content)
            if partial != target:
                replace_file(partial, target)
        finally:
            if partial != target:
                partial.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror})",
            "output",
            "name another place for it",
        ) from error


def _places(path: Path) -> tuple[Path, Path]:
    """Return a file's path and the temporary path to write it at; its folder is made."""
    target = path.resolve()  # a link stays a link
    if target.is_dir():
        raise InputError(f"{path} is a folder", "output", "name a file in it for the results")
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and not target.is_file():
        return target, target  # /dev/null or a named pipe: nothing to rename
    return target, target.with_name(f".{target.name}.{os.getpid()}.part")


class _UnixRows:
    r"""Ends rows with \n where csv.writer writes \r\n.

    csv.writer quotes cells that hold characters of its own line ending, so with that set to \n it
    would not quote \r.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._encoding = getattr(file, "encoding", None) or "utf-8"
        self._is_terminal = file.isatty()

    def write(self, row: str) -> None:
        # an id can hold what the terminal's encoding cannot, or half a surrogate pair
        row = row.encode(self._encoding, "backslashreplace").decode(self._encoding)
        if self._is_terminal:
            row = printable(row)
        self._file.write(row.removesuffix("\r\n") + "\n")


#: Characters of a checksum before a line of a journal, with the space after it.
_CHECKSUM_LENGTH = 9


class _Entry(NamedTuple):
    """What a journal says of the rows so far; its fields are those of the journal's lines."""

    rows: int
    bytes: int
    read: str
    whole: bool = False


_NO_ROWS = _Entry(0, 0, "")


class ResumableFile:
    """A file that is written next to its final place, and that a later run can continue.

    Until `results.csv` is complete, there are three files next to it:

    - `results.csv.part` holds the rows;
    - `results.csv.part.journal` holds the values that they depend on, in its first line, and for
      each frame the number of rows and bytes so far and the hash of what was read for them; each
      line begins with its checksum;
    - `results.csv.part.lock` is locked as long as a run writes; the operating system releases the
      lock of a run that is killed.

    A run that was killed at any moment resumes after its last complete frame. The resumed run
    has the same frames as one that was never stopped, so the file is the same to the byte:
    language models round differently in other batches.

    Args:
        target: the final file; its folder exists.
        run: plain values on which the rows depend besides what is read.
        resume: continue after the rows that are there; otherwise they are discarded.

    Attributes:
        path: `target` with `.part` after it.
        file: open for more rows.
        rows: number of complete rows.
        discarded: number of rows of an earlier run that were discarded.

    Raises:
        InputError: another run writes the same file, the rows there depend on other values, or the
            journal is damaged.
    """

    def __init__(self, target: Path, run: Mapping[str, object], resume: bool) -> None:
        self.target = target
        self.path = target.with_name(target.name + ".part")
        self.rows = 0
        self._hash = hashlib.sha256()
        self._passed = 0
        self._lock = lock(target, self.path.with_name(self.path.name + ".lock"))
        self._journal = open_no_link(self.path.with_name(self.path.name + ".journal"), "a+b")
        try:
            header, entries = self._read_journal(resume)
            self._last = entries[-1] if entries else _NO_ROWS
            self.discarded = 0 if resume else self._last.rows
            if resume and entries:
                self._resume(run, header, len(entries))
            else:
                self._start(run)
            self.file: IO[str] = open_no_link(self.path, "a")
        except BaseException:
            self._journal.close()
            unlock(self._lock)
            raise

    def _read_journal(self, resume: bool) -> tuple[dict[str, Any], list[_Entry]]:
        """Return the journal's first line and its entries for rows that exist."""
        self._journal.seek(0)
        lines = list(self._journal)
        parsed: list[dict[str, Any]] = []
        for line in lines:
            if (entry := _parsed(line)) is None:
                break
            parsed.append(entry)
        # a kill can cut the last one short
        if resume and len(parsed) < len(lines) - 1:
            raise InputError(
                f"{self._journal.name} is damaged in line {len(parsed) + 1}",
                "resume",
                "leave out {resume} to start over",
            )
        header = parsed[0] if parsed else {}
        entries = [_Entry(**entry) for entry in parsed[1:]]
        if resume and entries and entries[-1].whole and not self.path.exists():
            # the earlier run was killed after it renamed its file
            with suppress(OSError):
                shutil.copyfile(self.target, self.path)
        size = self.path.stat().st_size if self.path.exists() else 0
        return header, [entry for entry in entries if entry.bytes <= size]

    def _start(self, run: Mapping[str, object]) -> None:
        # first remove the rows, so that they are never next to another run's journal
        open_no_link(self.path, "wb").close()
        self._journal.truncate(0)
        self._append_entry(run)

    def _resume(self, run: Mapping[str, object], header: dict[str, Any], entries: int) -> None:
        check_same_run(self.path, run, header)
        self.rows = self._last.rows
        self._journal.seek(0)
        lines = islice(self._journal, 1 + entries)  # without a line that a kill cut short
        self._journal.truncate(sum(map(len, lines)))
        with open_no_link(self.path, "r+b") as file:
            file.truncate(self._last.bytes)

    def is_written(self, read: pd.DataFrame) -> bool:
        """Whether the results of the next frame are already written.

        Raises:
            InputError: the results belong to another frame.
        """
        if self._passed >= self.rows:
            return False
        self._update_hash(read)
        if self._passed >= self.rows and self._read() != (self.rows, self._last.read):
            raise self._other_texts()
        return True

    def record(self, read: pd.DataFrame) -> None:
        """Record in the journal that the results of a frame have been written."""
        self._update_hash(read)
        self.file.flush()
        rows, digest = self._read()
        self._last = _Entry(rows, os.fstat(self.file.fileno()).st_size, digest)
        self._append_entry(self._last._asdict())
        self.rows = rows

    def finish(self) -> None:
        """Move the file to its place and remove the files next to it."""
        if self._passed < self.rows:
            raise self._other_texts()
        self.file.close()
        self._append_entry(self._last._replace(whole=True)._asdict())
        replace_file(self.path, self.target)
        self._journal.close()
        Path(self._journal.name).unlink()
        unlock(self._lock)

    def close(self) -> bool:
        """Close a file that is not finished; complete rows are kept for a later run.

        Returns:
            Whether there are any.
        """
        if self._journal.closed:
            return False
        with suppress(OSError):
            self.file.close()
        self._journal.close()
        if not self.rows:
            self.path.unlink(missing_ok=True)
            Path(self._journal.name).unlink(missing_ok=True)
        unlock(self._lock)
        return self.rows > 0

    def _update_hash(self, read: pd.DataFrame) -> None:
        for cells in zip(read["id"], read["text"], read["problem"], strict=True):
            self._hash.update(json.dumps(cells).encode())
        self._passed += len(read)

    def _read(self) -> tuple[int, str]:
        return self._passed, self._hash.hexdigest()

    def _append_entry(self, entry: Mapping[str, object]) -> None:
        line = json.dumps(dict(entry)).encode()
        self._journal.write(_checksum(line) + line + b"\n")
        self._journal.flush()

    def _other_texts(self) -> InputError:
        return InputError(
            f"The first {self.rows} rows of this dataset are not those whose results are in "
            f"{self.path}",
            "resume",
            "give the same dataset, or leave out {resume} to start over",
        )


def _parsed(line: bytes) -> dict[str, Any] | None:
    """Parse a line of a journal; None if it is incomplete or damaged."""
    checksum, entry = line[:_CHECKSUM_LENGTH], line[_CHECKSUM_LENGTH:-1]
    if not line.endswith(b"\n") or checksum != _checksum(entry):
        return None
    parsed: dict[str, Any] = json.loads(entry)
    return parsed


def _checksum(line: bytes) -> bytes:
    return b"%08x " % zlib.crc32(line)


def _shown(value: object) -> str:
    """A value for an error message; a long one, such as a hash, is shortened."""
    shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return shown if len(shown) <= 60 else shown[:16] + "..."
