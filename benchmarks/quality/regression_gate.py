"""Figures that must not fall: `floor.json`, which only ever goes up."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

FLOOR = Path(__file__).parent / "floor.json"
#: The floor lies so much under what was reached: another processor rounds otherwise.
SLACK = 0.02


def check(reached: Mapping[str, float], lift: bool = False, file: Path = FLOOR) -> None:
    """Print what was reached beside the floor; exit with 1 if it is under it.

    Args:
        reached: figure -> value; higher is better.
        lift: raise the floor to what was reached, less `SLACK`; it never falls.
        file: of the floor.
    """
    if not file.exists() and not lift:
        sys.exit(f"There is no {file.name}: make one with --raise_floor.")
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if lift:
        known = {name: max(known.get(name, 0.0), value - SLACK) for name, value in reached.items()}
        file.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    under = [name for name, least in known.items() if not reached.get(name, -1.0) >= least]
    for name, value in reached.items():
        mark = "  UNDER" if name in under else ""
        print(f"{name:<44} {value:.3f}  floor {known.get(name, float('nan')):.3f}{mark}")
    if under:
        sys.exit(1)
