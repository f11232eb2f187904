"""Putting a finished folder in the place of an older one, whole or not at all."""

from __future__ import annotations

from pathlib import Path


def replace_folder(new: Path, folder: Path) -> None:
    """Rename a finished folder into its place; what stood there goes to `new`'s parent, as `old`.

    If the last rename fails, the older folder is put back.

    Args:
        new: on the same file system as `folder`.
        folder: its place, taken or free.
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
