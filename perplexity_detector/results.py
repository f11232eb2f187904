"""Results out: csv rows as they come, or a text, to a file that appears when it is whole."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TextIO

import pandas as pd

from perplexity_detector.errors import InputError


class ResultsWriter:
    """Writes frames of results as csv, in UTF-8, a frame at a time.

    A file is written under another name beside its place and renamed on leaving the `with`
    block, so it is whole or it is not there; after an exception an earlier file is as it was.

    Args:
        path: the file, whose folders are made; `-` for standard output.
        columns: what to write of each frame, in order; also the header.

    Attributes:
        rows: rows written so far.

    Raises:
        InputError: the place cannot be written, on entering or later.

    Example:
        >>> with ResultsWriter("-", ["id", "score"]) as results:
        ...     results.write(pd.DataFrame({"id": ["a", "b,c"], "score": [0.25, None]}))
        id,score
        a,0.25
        "b,c",
    """

    def __init__(self, path: str | Path, columns: Sequence[str]) -> None:
        self.columns = list(columns)
        self.rows = 0
        self._name = str(path)
        self._target: Path | None = None if self._name == "-" else Path(path)

    def __enter__(self) -> ResultsWriter:
        """Open the temporary file and write the header."""
        with self._explained():
            self._file = sys.stdout if self._target is None else self._open(self._target)
            self._writer = csv.writer(_UnixRows(self._file))
            self._writer.writerow(self.columns)
        return self

    def write(self, frame: pd.DataFrame) -> None:
        """Write the rows of a frame; a missing value becomes an empty cell."""
        cells = frame[self.columns].astype(object)
        with self._explained():
            self._writer.writerows(cells.where(cells.notna(), None).itertuples(index=False))
        self.rows += len(frame)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Put the file in its place, or take it away if there was an exception."""
        if self._target is None:
            if kind is None:
                self._file.flush()
            return
        try:
            with self._explained():
                self._file.close()
                if kind is None and self._partial != self._target:
                    self._partial.replace(self._target)
        finally:
            if self._partial != self._target:
                self._partial.unlink(missing_ok=True)

    def _open(self, path: Path) -> TextIO:
        self._target, self._partial = _places(path)
        return self._partial.open("w", encoding="utf-8", newline="")

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
