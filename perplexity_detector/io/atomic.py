"""Replace a file or a folder by a finished one, as a whole or not at all."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
import time
from pathlib import Path

#: What is left of an interrupted replacement is deleted after this time.
LEFTOVER_SECONDS = 24 * 3600
#: Of Linux' renameat2(2): relative to the working directory; swap both names.
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
#: Errors of file systems that cannot swap names.
_UNSUPPORTED = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)


def replace_file(new: Path, file: Path) -> None:
    """Move a finished file to its place.

    What it holds is on the disk before its name is: after a loss of power there is the older file
    or the whole new one.

    Args:
        new: the finished file, on the same file system as `file`.
        file: where it goes.
    """
    _sync(new)
    new.replace(file)
    _sync(file.parent)


def replace_folder(new: Path, folder: Path) -> None:
    """Move a finished folder to its place; what was there is afterwards next to `new`, or at it.

    Its files are on the disk before it is moved. Linux swaps both folders in one step, so that a
    reader, or a kill at any moment, meets one or the other. Elsewhere there are two steps; if the
    second fails, the older folder is put back.

    Args:
        new: the finished folder, on the same file system as `folder`.
        folder: where it goes.
    """
    for path in (*new.rglob("*"), new):
        _sync(path)
    if folder.exists() and _exchange(new, folder):
        _sync(folder.parent)
        return
    old = new.parent / "old"
    if folder.exists():
        folder.rename(old)
    try:
        new.rename(folder)
    except BaseException:
        if old.exists():
            old.rename(folder)
        raise
    _sync(folder.parent)


def recover_folder(folder: Path, prefix: str) -> None:
    """Put right what an interrupted `replace_folder` has left next to a folder.

    An older folder that was moved away, and not replaced, is put back. Working folders that no
    process can still need are deleted.

    Args:
        folder: the place of the folder.
        prefix: with which the names of the working folders next to it begin.
    """
    for leftover in sorted(folder.parent.glob(f"{prefix}*")):
        old = leftover / "old"
        if old.is_dir() and not (leftover / "new").exists() and not folder.exists():
            old.rename(folder)
        if time.time() - leftover.stat().st_mtime > LEFTOVER_SECONDS:
            shutil.rmtree(leftover, ignore_errors=True)


def _exchange(first: Path, second: Path) -> bool:
    """Swap two folders in one step; False where the system cannot."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if _linux() else None
    if renameat2 is None:
        return False
    paths = (_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second))
    if renameat2(*paths, _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), str(second))


def _linux() -> bool:
    return sys.platform == "linux"


def _sync(path: Path) -> None:
    """Wait until a file or the names in a folder are on the disk."""
    if not _linux() and path.is_dir():
        return  # Windows opens no folders
    # Windows syncs only what is open for writing
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
