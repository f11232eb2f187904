"""Where measured figures are kept, and how they are read and written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
#: Essays that come with the project.
SAMPLE = ROOT / "data" / "sample" / "essays.csv"


def read_json(file: str | Path) -> Any:
    """Content of a json file."""
    return json.loads(Path(file).read_text(encoding="utf-8"))


def write_json(file: str | Path, record: Any) -> None:
    """Write a json file; numbers of NumPy become plain ones."""
    text = json.dumps(record, indent=1, default=float)
    Path(file).write_text(text + "\n", encoding="utf-8")
