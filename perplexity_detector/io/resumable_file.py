"""A results file while it grows: its journal, its lock, and how a later run goes on with it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO, Any, TextIO

import pandas as pd

from perplexity_detector.errors import InputError

try:
    import fcntl
except ImportError:  # Windows, where nothing is locked
    fcntl = None  # type: ignore[assignment]

_NOTHING: dict[str, Any] = {"rows": 0, "bytes": 0, "read": ""}


class PartialFile:
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
            header, entries = self._known(resume)
            self._last = entries[-1] if entries else _NOTHING
            self.discarded = 0 if resume else self._last["rows"]
            if resume and entries:
                self._go_on(run, header, len(entries))
            else:
                self._begin(run)
        except BaseException:
            self._journal.close()
            raise
        self.file: TextIO = self.path.open("a", encoding="utf-8", newline="")

    def _known(self, resume: bool) -> tuple[dict[str, Any], list[dict[str, Any]]]:
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

    def _begin(self, run: Mapping[str, object]) -> None:
        # the rows go first: none ever stand beside another run's journal
        self.path.write_bytes(b"")
        self._journal.truncate(0)
        self._enter(run)

    def _go_on(self, run: Mapping[str, object], header: dict[str, Any], entries: int) -> None:
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
                    f"{self.path} was begun with another {name} ({_shown(was)}, not {_shown(now)}):"
                    " give the same options as then, or leave out --resume to begin anew."
                )

    def is_written(self, read: pd.DataFrame) -> bool:
        """Whether the results of the frame that is read next are there already.

        Raises:
            InputError: they are another frame's.
        """
        if self._passed >= self.rows:
            return False
        self._add(read)
        if self._passed >= self.rows and self._read() != (self.rows, self._last["read"]):
            raise self._other_texts()
        return True

    def record(self, read: pd.DataFrame) -> None:
        """Note that the rows of a frame have been written, and of what they tell."""
        self._add(read)
        self.file.flush()
        rows, digest = self._read()
        self._last = {"rows": rows, "bytes": os.fstat(self.file.fileno()).st_size, "read": digest}
        self._enter(self._last)
        self.rows = rows

    def finish(self) -> None:
        """Put the file in its place."""
        if self._passed < self.rows:
            raise self._other_texts()
        self.file.close()
        self._enter({**self._last, "whole": True})
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

    def _add(self, read: pd.DataFrame) -> None:
        for cells in zip(read["id"], read["text"], read["problem"], strict=True):
            self._hash.update(json.dumps(cells).encode())
        self._passed += len(read)

    def _read(self) -> tuple[int, str]:
        return self._passed, self._hash.hexdigest()

    def _enter(self, entry: Mapping[str, object]) -> None:
        self._journal.write(json.dumps(dict(entry)).encode() + b"\n")
        self._journal.flush()

    def _other_texts(self) -> InputError:
        return InputError(
            f"The first {self.rows} rows of this dataset are not those whose results are in "
            f"{self.path}: give the same dataset, or leave out --resume to begin anew."
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
                f"Another run is writing {target}: wait until it ends, or name another place."
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
