"""A cache whose writer was killed: nothing in it is spoilt, and what was whole is kept."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from perplexity_detector.lm.cache import SHARD_TEXTS, CachedScorer
from perplexity_detector.lm.scorer import LanguageModelScorer

TEXTS = [f"Text {number} of many." for number in range(3 * SHARD_TEXTS)]
CODE = f"""
import os, signal, sys
from pathlib import Path
from perplexity_detector.lm import cache
from perplexity_detector.lm.scorer import LanguageModelScorer

whole, written = cache.save_file, []

def half(arrays, file):
    whole(arrays, file)
    written.append(file)
    if len(written) == 2:
        os.truncate(file, Path(file).stat().st_size // 2)
        os.kill(os.getpid(), signal.SIGKILL)

cache.save_file = half
texts = [f"Text {{number}} of many." for number in range({len(TEXTS)})]
cache.CachedScorer(LanguageModelScorer(sys.argv[1]), sys.argv[2]).read(texts, (1, 2))
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_kill_in_the_middle_of_a_file(tiny_gpt2, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tiny_gpt2), str(tmp_path)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    scorer = LanguageModelScorer(str(tiny_gpt2))
    cached = CachedScorer(scorer, tmp_path)
    assert cached.contains(TEXTS, (1, 2)) == [True] * SHARD_TEXTS + [False] * 2 * SHARD_TEXTS
    again = cached.read(TEXTS, (1, 2))
    assert all(CachedScorer(scorer, tmp_path).contains(TEXTS, (1, 2)))
    for one, other in zip(again, scorer.read(TEXTS, (1, 2)), strict=True):
        np.testing.assert_allclose(one.statistics.surprisal, other.statistics.surprisal, rtol=1e-3)
        # random weights leave near ties, which a batch of another size rounds the other way
        np.testing.assert_allclose(one.statistics.rank, other.statistics.rank, atol=1)


def test_what_a_kill_left_is_taken_away_later(tiny_gpt2, tmp_path):
    scorer = LanguageModelScorer(str(tiny_gpt2))
    folder = CachedScorer(scorer, tmp_path).folder
    for name, hours in (("old", 2), ("new", 0)):
        (folder / f"{name}.part").write_bytes(b"half")
        then = time.time() - 3600 * hours
        os.utime(folder / f"{name}.part", (then, then))
    CachedScorer(scorer, tmp_path)
    assert [file.name for file in folder.iterdir()] == ["new.part"]
