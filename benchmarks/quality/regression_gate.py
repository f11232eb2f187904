"""Metrics that must not fall: the minimum of each is in `floor.json` and is only ever raised."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

FLOOR = Path(__file__).parent / "floor.json"
#: Margin between a measured value and its minimum, because processors round differently.
SLACK = 0.02


def check(measured: Mapping[str, float], raise_floor: bool = False, file: Path = FLOOR) -> None:
    """Print measured values and their minimum; exit with 1 if one is below it.

    Args:
        measured: metric -> value; higher is better.
        raise_floor: raise each minimum to the measured value less `SLACK`; it never falls.
        file: json with the minimum of each metric.
    """
    if not file.exists() and not raise_floor:
        sys.exit(f"There is no {file.name}: create it with --raise_floor.")
    floor = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if raise_floor:
        floor = {name: max(floor.get(name, 0.0), value - SLACK) for name, value in measured.items()}
        file.write_text(json.dumps(floor, indent=1) + "\n", encoding="utf-8")
    # a metric that is missing or NaN is below its minimum
    below = [name for name, minimum in floor.items() if not measured.get(name, -1.0) >= minimum]
    for name, value in measured.items():
        mark = "  BELOW" if name in below else ""
        print(f"{name:<44} {value:.3f}  floor {floor.get(name, float('nan')):.3f}{mark}")
    if below:
        sys.exit(1)
