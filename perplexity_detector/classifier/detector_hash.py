"""The hash by which an answer names the detector that gave it."""

from __future__ import annotations

import hashlib
import json
from typing import Protocol

from perplexity_detector.classifier.calibration import Calibrator


class Trained(Protocol):
    """What a trained detector has that its answers depend on."""

    calibrator_: Calibrator

    def to_files(self) -> dict[str, bytes]:
        """What was learned."""


def detector_sha256(classifier: Trained) -> str:
    """SHA-256 of what a detector learned: its calibrator and its files, in order of their names.

    A saved and loaded detector keeps it, a recalibrated one gets another.
    """
    learned = hashlib.sha256(json.dumps(classifier.calibrator_.to_json()).encode())
    for name, content in sorted(classifier.to_files().items()):
        learned.update(name.encode() + content)
    return learned.hexdigest()
