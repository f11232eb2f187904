"""One long text: cost and memory grow no faster than it does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

CODE = """
import sys, time
from pathlib import Path
from perplexity_detector.features.extractor import FeatureExtractor

essays = Path(sys.argv[2]).read_text(encoding="utf-8")
extractor = FeatureExtractor(lm=sys.argv[1])
extractor.transform([essays[:1000]])
for characters in (10_000, 100_000):
    text = (essays * 9)[:characters]
    start = time.process_time()
    extractor.transform([text])
    extractor.scorer().read([text], (1, 2), statistics=False)
    seconds = time.process_time() - start
    status = Path("/proc/self/status").read_text()
    print(seconds, int(status.partition("VmHWM:")[2].split()[0]) / 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's own count")
def test_ten_times_the_text_is_ten_times_the_work(tiny_llama):
    root = ROOT
    done = subprocess.run(
        [sys.executable, "-c", CODE, tiny_llama, root / "data" / "sample" / "essays.csv"],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    (short, before), (long, after) = (map(float, line.split()) for line in done.stdout.splitlines())
    assert long < 20 * short  # what grows with the square takes 100 times as long
    assert after - before < 100  # MB, 1 kB a character
