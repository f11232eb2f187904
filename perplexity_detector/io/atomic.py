"""Replace a folder by a finished one, as a whole or not at all."""

from __future__ import annotations

from pathlib import Path


def replace_folder(new: Path, folder: Path) -> None:
    """Move a finished folder to its place; a folder that is there moves to `old` next to `new`.

    If the move fails, the older folder is put back.

    Args:
        new: the finished folder, on the same file system as `folder`.
        folder: where it goes.
    """
    old = new.parent / "old"
    if folder.exists():
        folder.rename(old)
    try:
        new.rename(folder)
    except BaseException:
        if old.exists():
            old.rename(folder)
        raise
