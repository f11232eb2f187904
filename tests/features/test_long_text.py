"""One long text: memory grows no faster than the text."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

CODE = """
import sys
from pathlib import Path
from perplexity_detector.features.extractor import FeatureExtractor

essays = Path(sys.argv[2]).read_text(encoding="utf-8")
extractor = FeatureExtractor(lm=sys.argv[1])
extractor.transform([essays[:1000]])
for characters in (10_000, 100_000):
    text = (essays * 9)[:characters]
    extractor.transform([text])
    extractor.scorer().read([text], (1, 2), statistics=False)
    status = Path("/proc/self/status").read_text()
    print(int(status.partition("VmHWM:")[2].split()[0]) / 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_a_long_text_takes_bounded_memory(tiny_llama):
    done = subprocess.run(
        [sys.executable, "-c", CODE, tiny_llama, ROOT / "data" / "sample" / "essays.csv"],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
        timeout=600,
    )
    before, after = map(float, done.stdout.split())
    assert after - before < 100  # MB, 1 kB per character
