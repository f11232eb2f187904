"""The C library's memory: where threads take it from, and when it goes back to the system."""

from __future__ import annotations

import ctypes
import sys

#: `M_ARENA_MAX` of glibc's malloc.h.
_ARENA_MAX = -8


def use_one_arena() -> None:
    """Let all threads of this process use memory that any of them has freed.

    glibc gives each thread that reads an arena of its own, and what is freed in it stays there:
    80 MB with two threads, for no gain in speed. For programs, before they start threads.
    """
    _call_glibc("mallopt", _ARENA_MAX, 1)


def release_memory() -> None:
    """Give what was freed back to the system, which glibc would keep: hundreds of megabytes."""
    _call_glibc("malloc_trim", 0)


def _call_glibc(function: str, *arguments: int) -> None:
    if sys.platform == "linux":
        found = getattr(ctypes.CDLL(None), function, None)  # musl has neither
        if found is not None:
            found(*arguments)
