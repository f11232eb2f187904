"""Markdown that every table is made of."""

from __future__ import annotations

import math
from collections.abc import Sequence


def table(head: str, rows: Sequence[Sequence[str]]) -> str:
    """Markdown of a head and rows of cells."""
    lines = [head, "|---" * (head.count("|") - 1) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def percent(value: float | None) -> str:
    """A share; a dash where there is none."""
    return "-" if value is None or math.isnan(value) else f"{value:.1%}"
