"""Open the files that are written next to their final place, under names that others can guess."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import IO, Any


def open_no_link(path: Path, mode: str) -> IO[Any]:
    """Open a working file by its fixed name; text is UTF-8, with line breaks as they are.

    Raises:
        OSError: there is a link of that name, which would lead the results to another file.
    """

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)

    if path.is_symlink():
        raise OSError(errno.ELOOP, f"{path} is a link; remove it")
    if "b" in mode:
        return open(path, mode, opener=opener)
    return open(path, mode, encoding="utf-8", newline="", opener=opener)
