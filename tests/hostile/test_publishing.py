"""Readers while a detector is published: every load is one whole detector or the other."""

import subprocess
import sys

import pytest

from perplexity_detector.detectors.loading import PUBLISHED
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.io import artefact_folder
from tests.hostile.sizes import number
from tests.labelled import light_detector, two_styles
from tests.paths import ROOT

#: Publishes two artefacts in turn, until it is ended.
PUBLISHER = """
import sys
from pathlib import Path
from perplexity_detector.io import artefact_folder
*folders, target = map(Path, sys.argv[1:])
while True:
    for folder in folders:
        artefact_folder.publish(folder, target)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux swaps two folders")
def test_readers_meet_no_error_and_no_mixture(tmp_path):
    texts, labels = two_styles(60)
    folders = [
        light_detector(fpr=0.1, n_estimators=rounds).fit(texts, labels).save_pretrained(
            tmp_path / f"{rounds}"
        )
        for rounds in (2, 20)
    ]  # fmt: skip
    expected = {
        TextDetector.from_pretrained(one).predict_proba(texts[:1]).tobytes() for one in folders
    }
    assert len(expected) == 2
    target = tmp_path / "data" / PUBLISHED
    artefact_folder.publish(folders[0], target)
    met = set()
    program = [sys.executable, "-c", PUBLISHER, *map(str, folders), str(target)]
    with subprocess.Popen(program, cwd=ROOT) as publisher:
        try:
            for _ in range(number(150, 12_000)):
                loaded = TextDetector.from_pretrained(target)
                met.add(loaded.predict_proba(texts[:1]).tobytes())
                assert publisher.poll() is None
        finally:
            publisher.kill()
    assert met == expected
