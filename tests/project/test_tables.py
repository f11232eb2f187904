"""The tables of README and documentation are those that the benchmarks' generator writes."""

import shutil
import subprocess
import sys

from tests.paths import ROOT

GENERATOR = "benchmarks.docs"


def test_writing_the_tables_again_changes_nothing(tmp_path):
    ignored = shutil.ignore_patterns("__pycache__", "_build", "smollm2")
    for folder in ("benchmarks", "docs", "perplexity_detector"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    shutil.copy(ROOT / "README.md", tmp_path)
    subprocess.run([sys.executable, "-m", GENERATOR], cwd=tmp_path, check=True)
    pages = [
        ROOT / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "benchmarks").rglob("*.md"),
    ]
    for page in pages:
        if "_build" not in page.parts:
            name = page.relative_to(ROOT)
            written = (tmp_path / name).read_text(encoding="utf-8")
            assert written == page.read_text(encoding="utf-8"), f"run python -m {GENERATOR}"
