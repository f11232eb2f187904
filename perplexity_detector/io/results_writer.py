"""Results out: csv rows as they come, or a text, to a file that appears when it is whole."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, Any, TextIO

import pandas as pd

from perplexity_detector.errors import InputError
from perplexity_detector.logs import get_logger

try:
    import fcntl
except ImportError:  # Windows, where nothing is locked
    fcntl = None  # type: ignore[assignment]


class ResultsWriter:
    """Writes frames of results as csv, in UTF-8, a frame at a time.

    A file is written under another name beside its place (see `ResumableFile`) and renamed on
    leaving the `with` block, so it is whole or it is not there; after an exception an earlier
    file is as it was.

    Args:
        path: the file, whose folders are made; `-` for standard output.
        columns: what to write of each frame, in order; also the header.
        run: what the results depend on besides the frames that are read, plain values. Rows that
            were written before an exception or a kill are then kept for a run that resumes.
        resume: go on with such rows.

    Attributes:
        rows: rows written so far; with those that were there already.

    Raises:
        InputError: the place cannot be written, on entering or later; another run writes there;
            or there is nothing to resume at such a place, or it depends on other things.

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

    def skip_written(self, chunks: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """The frames that are to be read: those after the rows that were there already.

        Raises:
            InputError: the rows there are of other frames.
        """
        for chunk in chunks:
            if self._partial is None or not self._partial.is_written(chunk):
                yield chunk

    def write(self, frame: pd.DataFrame, read: pd.DataFrame | None = None) -> None:
        """Write the rows of a frame; a missing value becomes an empty cell.

        Args:
            frame: the results.
            read: id, text and problem of the rows that they tell of; needed with a `run`.
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
        """Put the file in its place, or leave or take away what there is if there was an error."""
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
                    "%d rows are kept in %s; the same run with `resume` continues after them.",
                    self._partial.rows, self._partial.path,
                )  # fmt: skip

    def _open(self) -> TextIO:
        target = Path(self._name).resolve()  # a link keeps pointing at the file it points at
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
            return sys.stdout
        if piped:  # /dev/null, a named pipe: nothing to be renamed
            return target.open("w", encoding="utf-8", newline="")
        target.parent.mkdir(parents=True, exist_ok=True)
        self._partial = ResumableFile(target, self._run or {}, self._resume)
        self.rows = self._partial.rows
        if self.rows:
            get_logger().warning("%d rows are already written.", self.rows)
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
            raise  # `... | head` is no mistake; the command line ends quietly
        except OSError as error:
            raise InputError(
                f"{self._name} cannot be written ({error.strerror})",
                "output",
                "name another place for the results",
            ) from error


def write_atomic(path: str | Path, content: str) -> None:
    """Write a text file in UTF-8, whole or not at all; its folders are made.

    Raises:
        InputError: the place cannot be written.
    """
    try:
        target, partial = _places(Path(path))
        try:
            partial.write_text(content, encoding="utf-8")
            if partial != target:
                partial.replace(target)
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
    """Where a file is to be, and where it is written until it is whole; its folder is made."""
    target = path.resolve()  # a link keeps pointing at the file it points at
    if target.is_dir():
        raise InputError(f"{path} is a folder", "output", "name a file in it for the results")
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and not target.is_file():
        return target, target  # /dev/null, a named pipe: nothing to be renamed
    return target, target.with_name(f".{target.name}.{os.getpid()}.part")


class _UnixRows:
    r"""A csv.writer quotes the characters of its line ending: it writes \r\n, which becomes \n."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._encoding = file.encoding or "utf-8"

    def write(self, row: str) -> None:
        # an id can hold what the terminal's encoding cannot, or half a surrogate pair
        row = row.encode(self._encoding, "backslashreplace").decode(self._encoding)
        self._file.write(row.removesuffix("\r\n") + "\n")


_NOTHING: dict[str, Any] = {"rows": 0, "bytes": 0, "read": ""}


class ResumableFile:
    """A file that grows beside its place, under a name that a later run finds.

    Two files stand beside `results.csv` until it is whole. `results.csv.part` holds the rows;
    `results.csv.part.journal` tells what they depend on, in its first line, and after each frame
    how many rows and bytes are whole and the hash of what was read for them. So a run that was
    killed at any moment goes on after its last whole frame, which is also what makes the file
    equal to that of a run that was not: language models round otherwise in other batches. The
    journal is locked as long as a run writes.

    Args:
        target: the file in the end; its folder is there.
        run: what the rows depend on besides what is read, plain values.
        resume: go on with what is there, rather than begin anew.

    Attributes:
        path: `target` with `.part` after it.
        file: open for more rows.
        rows: how many are whole.
        discarded: rows of an earlier run that beginning anew took away.

    Raises:
        InputError: another run writes to the same place, or the rows there depend on other things.
    """

    def __init__(self, target: Path, run: Mapping[str, object], resume: bool) -> None:
        self.target = target
        self.path = target.with_name(target.name + ".part")
        self.rows = 0
        self._hash = hashlib.sha256()
        self._passed = 0
        self._journal = _locked(target, self.path.with_name(self.path.name + ".journal"))
        try:
            header, entries = self._read_journal(resume)
            self._last = entries[-1] if entries else _NOTHING
            self.discarded = 0 if resume else self._last["rows"]
            if resume and entries:
                self._resume(run, header, len(entries))
            else:
                self._start(run)
        except BaseException:
            self._journal.close()
            raise
        self.file: TextIO = self.path.open("a", encoding="utf-8", newline="")

    def _read_journal(self, resume: bool) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """What the journal says the rows depend on, and its entries on rows that are there."""
        self._journal.seek(0)
        lines = [_parsed(line) for line in self._journal] or [{}]
        header, entries = lines[0], [entry for entry in lines[1:] if entry]
        if resume and entries and entries[-1].get("whole") and not self.path.exists():
            # the run before was killed after it renamed its file
            with suppress(OSError):
                shutil.copyfile(self.target, self.path)
        size = self.path.stat().st_size if self.path.exists() else 0
        return header, [entry for entry in entries if entry["bytes"] <= size]

    def _start(self, run: Mapping[str, object]) -> None:
        # the rows go first: none ever stand beside another run's journal
        self.path.write_bytes(b"")
        self._journal.truncate(0)
        self._append_entry(run)

    def _resume(self, run: Mapping[str, object], header: dict[str, Any], entries: int) -> None:
        self._check(run, header)
        self.rows = self._last["rows"]
        self._journal.seek(0)
        lines = islice(self._journal, 1 + entries)  # not one that a kill cut short
        self._journal.truncate(sum(map(len, lines)))
        os.truncate(self.path, self._last["bytes"])

    def _check(self, run: Mapping[str, object], header: dict[str, Any]) -> None:
        for name in {**run, **header}:
            was, now = header.get(name), json.loads(json.dumps(run.get(name)))
            if was != now:
                raise InputError(
                    f"{self.path} was begun with another {name} ({_shown(was)}, not {_shown(now)})",
                    "resume",
                    "give the same options as then, or leave out {resume} to begin anew",
                )

    def is_written(self, read: pd.DataFrame) -> bool:
        """Whether the results of the frame that is read next are there already.

        Raises:
            InputError: they are another frame's.
        """
        if self._passed >= self.rows:
            return False
        self._update_hash(read)
        if self._passed >= self.rows and self._read() != (self.rows, self._last["read"]):
            raise self._other_texts()
        return True

    def record(self, read: pd.DataFrame) -> None:
        """Note that the rows of a frame have been written, and of what they tell."""
        self._update_hash(read)
        self.file.flush()
        rows, digest = self._read()
        self._last = {"rows": rows, "bytes": os.fstat(self.file.fileno()).st_size, "read": digest}
        self._append_entry(self._last)
        self.rows = rows

    def finish(self) -> None:
        """Put the file in its place."""
        if self._passed < self.rows:
            raise self._other_texts()
        self.file.close()
        self._append_entry({**self._last, "whole": True})
        self.path.replace(self.target)
        Path(self._journal.name).unlink()
        self._journal.close()

    def close(self) -> bool:
        """Let go of a file that is not finished; whole rows stay, for a later run.

        Returns:
            Whether there are any.
        """
        if self._journal.closed:
            return False
        with suppress(OSError):
            self.file.close()
        if not self.rows:
            self.path.unlink(missing_ok=True)
            Path(self._journal.name).unlink(missing_ok=True)
        self._journal.close()
        return self.rows > 0

    def _update_hash(self, read: pd.DataFrame) -> None:
        for cells in zip(read["id"], read["text"], read["problem"], strict=True):
            self._hash.update(json.dumps(cells).encode())
        self._passed += len(read)

    def _read(self) -> tuple[int, str]:
        return self._passed, self._hash.hexdigest()

    def _append_entry(self, entry: Mapping[str, object]) -> None:
        self._journal.write(json.dumps(dict(entry)).encode() + b"\n")
        self._journal.flush()

    def _other_texts(self) -> InputError:
        return InputError(
            f"The first {self.rows} rows of this dataset are not those whose results are in "
            f"{self.path}",
            "resume",
            "give the same dataset, or leave out {resume} to begin anew",
        )


def _locked(target: Path, path: Path) -> IO[bytes]:
    """The journal, open and locked until it is closed."""
    while True:
        file = path.open("a+b")
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise InputError(
                f"Another run is writing {target}",
                "output",
                "wait until it ends, or name another place",
            ) from None
        except OSError:
            pass  # a file system without locks
        # who held the lock may have finished, and removed the file that was opened here
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return file
        file.close()


def _parsed(line: bytes) -> dict[str, Any]:
    """A line of a journal; nothing of one that is cut."""
    with suppress(ValueError):
        if line.endswith(b"\n") and isinstance(entry := json.loads(line), dict):
            return entry
    return {}


def _shown(value: object) -> str:
    """Short enough for a sentence: a hash by its first digits."""
    shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return shown if len(shown) <= 60 else shown[:16] + "..."
