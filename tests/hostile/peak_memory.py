"""How much the memory of this process grows at most within a block."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Growth:
    """Megabytes by which resident memory has grown at most; known after the block."""

    megabytes: float = 0.0


@contextmanager
def grown() -> Iterator[Growth]:
    """Measure the peak of resident memory; Linux alone lets a process reset it."""
    reset = Path("/proc/self/clear_refs")
    if not reset.exists():
        pytest.skip("only Linux resets the peak of resident memory")
    _wait_for_other_threads()
    try:
        reset.write_text("5")
    except OSError as error:
        pytest.skip(f"the peak of resident memory cannot be reset: {error}")
    before = _kilobytes("VmRSS")
    growth = Growth()
    yield growth
    growth.megabytes = (_kilobytes("VmHWM") - before) / 1000


def _wait_for_other_threads() -> None:
    """Wait until memory stands still: what earlier tests began may still be loading."""
    for _ in range(100):
        before = _kilobytes("VmRSS")
        time.sleep(0.05)
        if abs(_kilobytes("VmRSS") - before) < 100:
            return


def _kilobytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))
