"""Commands in a shell, and the rows that they are given."""

import os
import subprocess
import sys

import pandas as pd

from tests.labelled import two_styles
from tests.paths import ROOT

MODEL = ROOT / "model.py"
TEXTS, LABELS = two_styles(6, seed=1)
#: Stands in every text of `marked` and may stand in no log.
MARKER = "zanzibar"
HEAVY = ["torch", "transformers", "xgboost", "mlflow", "pandas", "sklearn", "matplotlib"]


def run(*arguments, cwd, stdin="", **options):
    """A command in a shell: one thread, since many on so few texts only wait for each other."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        **options,
    )


def frame(texts=TEXTS):
    return pd.DataFrame(
        {"id": [f"r{n}" for n in range(len(texts))], "text": texts, "generated": LABELS}
    )
