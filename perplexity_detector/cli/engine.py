"""Options of the engine that runs a run in shards."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perplexity_detector.cli.options import parse_int, parse_str
from perplexity_detector.errors import InputError

if TYPE_CHECKING:
    from perplexity_detector.pipelines.distributed import Workers

_WORKERS = re.compile(r"(\d+)(?::(\d+))?")


@dataclass(frozen=True)
class EngineOptions:
    """How Ray runs a run in shards.

    Attributes:
        workers: how many, and of what size.
        address: of the cluster; None for this machine.
    """

    workers: Workers
    address: str | None

    @classmethod
    def parse(
        cls,
        engine: object = None,
        address: object = None,
        workers: object = None,
        gpus_per_worker: object = None,
        cpus_per_worker: object = None,
    ) -> EngineOptions | None:
        """Parse the options; None without an engine.

        Raises:
            InputError: an option has a wrong value, or is given without an engine.
        """
        others = {
            "address": address,
            "workers": workers,
            "gpus_per_worker": gpus_per_worker,
            "cpus_per_worker": cpus_per_worker,
        }
        given = [name for name, value in others.items() if value is not None]
        if engine is None:
            if given:
                raise InputError(f"--{given[0]} is for an engine: add --engine=ray.")
            return None
        if engine != "ray":
            raise InputError(f"--engine is ray, or left out, not {engine}.")
        from perplexity_detector.pipelines.distributed import CPUS_WITH_GPU, Workers

        minimum, maximum = _parse_workers(workers)
        gpus = 0 if gpus_per_worker is None else parse_int("gpus_per_worker", gpus_per_worker)
        cpus = CPUS_WITH_GPU if gpus else 1
        if cpus_per_worker is not None:
            cpus = parse_int("cpus_per_worker", cpus_per_worker, 1)
        return cls(Workers(minimum, maximum, cpus, gpus), parse_str(address))


def _parse_workers(workers: object) -> tuple[int, int]:
    if workers is None:
        return 1, 1
    match = _WORKERS.fullmatch(str(workers))
    minimum = int(match[1]) if match else 0
    maximum = int(match[2] or match[1]) if match else 0
    if not 1 <= minimum <= maximum:
        raise InputError(
            f"--workers is a number, such as 4, or a range, such as 2:64, not {workers}."
        )
    return minimum, maximum
