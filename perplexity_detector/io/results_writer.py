"""Results out: csv rows as they come, or a text, to a file that appears when it is whole."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TextIO

import pandas as pd

from perplexity_detector.errors import InputError
from perplexity_detector.io.resumable_file import PartialFile
from perplexity_detector.logs import get_logger


class ResultsWriter:
    """Writes frames of results as csv, in UTF-8, a frame at a time.

    A file is written under another name beside its place (see `PartialFile`) and renamed on
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
        self._partial: PartialFile | None = None

    def __enter__(self) -> ResultsWriter:
        """Open the file, and write the header if there are no rows yet."""
        with self._explained():
            self._file = self._open()
            self._writer = csv.writer(_UnixRows(self._file))
            if not self.rows:
                self._writer.writerow(self.columns)
        return self

    def unwritten(self, chunks: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
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
        with self._explained():
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
            with self._explained():
                if self._file is not sys.stdout:
                    self._file.close()
                elif kind is None:
                    self._file.flush()
            return
        try:
            if kind is None:
                with self._explained():
                    self._partial.finish()
        finally:
            if self._partial.close():
                get_logger().warning(
                    "%d rows are kept in %s: the same command with --resume goes on after them.",
                    self._partial.rows, self._partial.path,
                )  # fmt: skip

    def _open(self) -> TextIO:
        target = Path(self._name).resolve()  # a link keeps pointing at the file it points at
        piped = self._name == "-" or (target.exists() and not target.is_file())
        if target.is_dir() and self._name != "-":
            raise InputError(f"{self._name} is a folder: name a file in it for the results.")
        if piped and self._resume:
            raise InputError("Only a file can be gone on with: name one, or leave out --resume.")
        if self._name == "-":
            return sys.stdout
        if piped:  # /dev/null, a named pipe: nothing to be renamed
            return target.open("w", encoding="utf-8", newline="")
        target.parent.mkdir(parents=True, exist_ok=True)
        self._partial = PartialFile(target, self._run or {}, self._resume)
        self.rows = self._partial.rows
        if self.rows:
            get_logger().warning("%d rows are there already.", self.rows)
        if self._partial.discarded:
            get_logger().warning(
                "%d rows that an earlier run left in %s are replaced; --resume goes on after them.",
                self._partial.discarded, self._partial.path,
            )  # fmt: skip
        return self._partial.file

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise  # `... | head` is no mistake; the command line ends quietly
        except OSError as error:
            raise InputError(
                f"{self._name} cannot be written ({error.strerror}): "
                "name another place for the results."
            ) from error


def write_whole(path: str | Path, content: str) -> None:
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
            f"{path} cannot be written ({error.strerror}): name another place for it."
        ) from error


def _places(path: Path) -> tuple[Path, Path]:
    """Where a file is to be, and where it is written until it is whole; its folder is made."""
    target = path.resolve()  # a link keeps pointing at the file it points at
    if target.is_dir():
        raise InputError(f"{path} is a folder: name a file in it for the results.")
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
