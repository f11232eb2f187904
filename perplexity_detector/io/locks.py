"""Locks that keep a second run from writing what a first one writes."""

from __future__ import annotations

import os
from pathlib import Path

from filelock import FileLock, Timeout

from perplexity_detector.errors import InputError

#: Seconds to wait for a lock: a run that has just finished removes its lock file.
LOCK_SECONDS = 0.2


def lock(target: Path | str, path: Path) -> FileLock:
    """Lock a file for as long as this run writes.

    Args:
        target: what is written, for the error message.
        path: of the lock file.

    Raises:
        InputError: another run holds the lock.
    """
    # a soft lock would outlive a run that is killed
    held = FileLock(path, timeout=LOCK_SECONDS, thread_local=False, fallback_to_soft=False)
    try:
        held.acquire()
    except Timeout:
        raise InputError(
            f"Another run is writing {target}",
            "output",
            "wait until it ends, or name another place",
        ) from None
    except OSError:
        # a file system without locks; a folder that cannot be written shows when rows are
        path.unlink(missing_ok=True)
    return held


def unlock(held: FileLock) -> None:
    """Release a lock and remove its file."""
    if os.name != "nt":
        # while the lock is held: a run that opened the file before sees that it has no name any
        # more, and makes another. On Windows filelock removes it after the release
        Path(held.lock_file).unlink(missing_ok=True)
    held.release()
