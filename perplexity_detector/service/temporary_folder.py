"""A temporary folder that goes with its process; what a killed one has left, the next removes."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

#: With which the names of such folders begin.
PREFIX = "perplexity-detector-"
#: Age in seconds up to which a folder without a lock may be one that is just made.
STARTING_SECONDS = 60.0
_LOCK, _FILES = "lock", "files"


class TemporaryFolder:
    """A folder of this user alone; those of processes that were killed are removed first.

    Attributes:
        path: the folder, which is empty.
    """

    def __init__(self) -> None:
        remove_stale()
        self._root = Path(tempfile.mkdtemp(prefix=PREFIX))
        # the operating system releases the lock of a process that is killed
        self._lock = FileLock(self._root / _LOCK, thread_local=False)
        self._lock.acquire()
        self.path = self._root / _FILES
        self.path.mkdir(mode=0o700)

    def remove(self) -> None:
        """Remove the folder."""
        self._lock.release()
        shutil.rmtree(self._root, ignore_errors=True)


def remove_stale() -> None:
    """Remove such folders of this user whose lock nobody holds, and that hold nothing else."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError, Timeout):
            status = folder.lstat()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != _user():
                continue
            if {one.name for one in folder.iterdir()} - {_LOCK, _FILES}:  # such as a checkout
                continue
            path = folder / _LOCK
            if not path.exists() and time.time() - status.st_mtime < STARTING_SECONDS:
                continue
            with FileLock(path, timeout=0):
                shutil.rmtree(folder, ignore_errors=True)


def _user() -> int:
    """The number of this user; 0, which files have, on Windows."""
    return os.getuid() if hasattr(os, "getuid") else 0
