"""Processes that parse what may be hostile: they can be killed, and their memory is limited."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

# with this process's own search path, and without the working folder, whose files could shadow
# a module that is imported
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
    "from importlib import import_module; import_module(sys.argv.pop(1)).main()"
)
#: Address space that threads and allocators would take in advance.
_SMALL = {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}


def start(
    module: str, *arguments: str, stdin: int | IO[bytes] = subprocess.PIPE
) -> subprocess.Popen[bytes]:
    """Start a process that calls a module's `main`, and writes its answers to standard output.

    Args:
        module: its full name.
        arguments: in the process, `sys.argv[1:]`.
        stdin: what it reads; a file of this process, or a pipe.
    """
    command = [sys.executable, "-I", "-c", _START, json.dumps(sys.path), module, *arguments]
    # what a parser prints could hold a text
    return subprocess.Popen(
        command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={**os.environ, **_SMALL},
    )  # fmt: skip


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process, if it has not ended, and release what belongs to it."""
    process.kill()
    process.communicate()


@contextmanager
def killed_after(process: subprocess.Popen[bytes], seconds: float) -> Iterator[threading.Event]:
    """Kill a process if the block takes longer; the event is set then."""
    overdue = threading.Event()

    def stop() -> None:
        overdue.set()
        process.kill()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield overdue
    finally:
        timer.cancel()


def limit_memory(size: int) -> None:
    """Limit the address space of this process, where the system can."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (size, size))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, OSError, ValueError):  # Windows; macOS refuses the first
        return
