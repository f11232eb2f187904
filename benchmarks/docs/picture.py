"""Draws docs/demo.svg, the picture in README.md: what `make demo` prints in a terminal.

Run from the root of the checkout: `python -m benchmarks.docs.picture`.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile

import fire
from rich.console import Console
from rich.text import Text

from benchmarks.records import ROOT, SAMPLE

PICTURE = ROOT / "docs" / "demo.svg"
_COLOURS = {"human": "green", "generated": "bright_red", "uncertain": "yellow"}


def main(rows: int = 19, width: int = 112) -> None:
    """Score the sample and draw the first rows.

    Args:
        rows: number of table rows shown.
        width: of the terminal, in characters.
    """
    command = [
        sys.executable, "-m", "perplexity_detector", "predict", "--detector=auto", "--show",
        f"--dataset={SAMPLE}",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "COLUMNS": str(width)}
        done = subprocess.run(
            command, cwd=folder, env=environment, check=True, capture_output=True, text=True
        )
    table = done.stdout.splitlines()
    shown = Text("\n".join(["$ make demo", *table[: rows + 1], "..."]))
    for word, colour in _COLOURS.items():
        # the verdict stands after the probability
        shown.highlight_regex(rf"(?<=\d  ){word}\b", colour)
    shown.append("\n" + done.stderr.strip().splitlines()[-1])
    console = Console(record=True, width=width, file=io.StringIO())
    console.print(shown)
    drawing = console.export_svg(title="perplexity-detector", unique_id="demo")
    PICTURE.parent.mkdir(exist_ok=True)
    # without the web fonts that rich refers to: nothing is fetched from elsewhere
    PICTURE.write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawing, flags=re.S), encoding="utf-8")


if __name__ == "__main__":
    fire.Fire(main)
