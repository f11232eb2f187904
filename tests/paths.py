"""Where the checkout and its sample lie."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
SAMPLE_FOLDER = ROOT / "data" / "sample"
