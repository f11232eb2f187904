"""What is fuzzed: functions of bytes that fail where the software would have misbehaved."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.errors import DatasetError, PerplexityDetectorError
from perplexity_detector.io.artefact_folder import CONFIG
from perplexity_detector.io.datasets import read_all
from perplexity_detector.io.limits import Limits
from perplexity_detector.text import canonicalise
from tests.hostile.odd_texts import odd_texts
from tests.io.dataset_files import CONTENT
from tests.labelled import light_detector, two_styles

#: Of a dataset: its first byte chooses one. Parquet is decoded in a process of its own, whose end
#: is no fault; `tests/hostile` breaks its files.
FORMATS = ("csv", "tsv", "jsonl")
#: Of an artefact: its first byte chooses one.
ARTEFACT_FILES = (CONFIG, "calibrator.json", "classifier.ubj", "learned.safetensors")
_LIMITS = Limits(bytes=1_000_000, rows=10_000, seconds=5)
_TEXT = "We walked to the lake before it rained."


def canonical_text(data: bytes) -> None:
    """Canonical text stays the same, and can be written as UTF-8."""
    canonical = canonicalise(data.decode("utf-8", "replace"))
    assert canonicalise(canonical) == canonical, "canonical text changes"
    canonical.encode()


def dataset(data: bytes) -> None:
    """A file gives a frame of rows, each with a text or a problem, or one sentence."""
    if not data:
        return
    format = FORMATS[data[0] % len(FORMATS)]
    with tempfile.NamedTemporaryFile(dir=_memory_folder()) as file:
        Path(file.name).write_bytes(data[1:])
        try:
            frame = read_all(file.name, format=format, label=None, limits=_LIMITS)
        except DatasetError as error:
            assert "\n" not in str(error), "an error of several lines"
            return
    assert ((frame["text"] != "") | (frame["problem"] != "")).all(), "a row without text or problem"
    assert frame["line"].is_monotonic_increasing, "lines go back"
    # half a surrogate pair stays in an id or a text, and is dealt with where it is used
    for column in ("id", "text", "problem"):
        assert all(isinstance(value, str) for value in frame[column]), "a value that is no string"


def artefact(data: bytes) -> None:
    """An artefact with another file, and its right hash, loads and judges, or says what is wrong.

    The first byte chooses the file, the second whether the file goes on where the input ends.
    """
    if len(data) < 2:
        return
    whole = artefact_files()
    name = ARTEFACT_FILES[data[0] % len(ARTEFACT_FILES)]
    content = data[2:] + (whole[name][len(data) - 2 :] if data[1] % 2 else b"")
    config = _json_object(content if name == CONFIG else whole[CONFIG])
    if config is not None:
        hashes = json.loads(whole[CONFIG])["sha256"]
        if name != CONFIG:
            hashes[name] = hashlib.sha256(content).hexdigest()
        config["sha256"] = hashes
    with tempfile.TemporaryDirectory(dir=_memory_folder()) as temporary:
        folder = Path(temporary)
        for other in whole:
            (folder / other).write_bytes(content if other == name else whole[other])
        if config is not None:
            (folder / CONFIG).write_text(json.dumps(config))
        try:
            probabilities = TextDetector.from_pretrained(folder).assess([_TEXT])["probability"]
        except PerplexityDetectorError as error:
            assert "\n" not in str(error), "an error of several lines"
            return
    assert probabilities.between(0, 1).all(), "no probability"


@functools.cache
def artefact_files() -> dict[str, bytes]:
    """The files of a small detector, by name."""
    fitted = light_detector(fpr=0.1, n_estimators=2).fit(*two_styles(60))
    with tempfile.TemporaryDirectory() as temporary:
        saved = fitted.save_pretrained(Path(temporary) / "detector")
        return {file.name: file.read_bytes() for file in sorted(saved.iterdir())}


def _json_object(content: bytes) -> dict[str, Any] | None:
    try:
        values = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def _memory_folder() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


TARGETS = {"canonicalise": canonical_text, "datasets": dataset, "artefacts": artefact}


def seeds(target: str) -> list[bytes]:
    """Inputs of a few kilobytes from which a target is begun."""
    if target == "canonicalise":
        return [text.encode("utf-8", "replace") for text in odd_texts(40)]
    if target == "datasets":
        return [bytes([number]) + CONTENT[format] for number, format in enumerate(FORMATS)]
    whole = [
        bytes([number, 0]) + artefact_files()[name] for number, name in enumerate(ARTEFACT_FILES)
    ]
    arrays = ARTEFACT_FILES.index("learned.safetensors")
    whole[arrays] = bytes([arrays, 1]) + artefact_files()["learned.safetensors"][:4_000]
    return whole
