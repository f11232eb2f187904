"""The machine and the versions that a benchmark was run with."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

PACKAGES = ("torch", "transformers", "numpy")
_CPU_INFO = Path("/proc/cpuinfo")


def machine(packages: Sequence[str] = PACKAGES) -> dict[str, str | int]:
    """Processor, cores that may be used, operating system, and versions, ready for json.

    Args:
        packages: distributions, or modules of theirs, whose versions matter.
    """
    return {
        "processor": processor(),
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


def version(package: str) -> str:
    """Version of an installed distribution, or of the one that has a module of this name.

    Raises:
        PackageNotFoundError: neither is installed.
    """
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        # xgboost-cpu installs the module xgboost
        distributions = metadata.packages_distributions().get(package)
        if not distributions:
            raise
        return metadata.version(distributions[0])


def processor() -> str:
    """Name of the processor, where the system reports it."""
    if _CPU_INFO.is_file():
        named = re.search(r"^model name\s*:\s*(.+)$", _CPU_INFO.read_text(), re.M)
        if named:
            return named[1]
    return platform.processor() or platform.machine()


def cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
