"""Which detector to load: a folder, the published one, a shipped one, or the one with a hash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from perplexity_detector.classifier.provenance import detector_sha256
from perplexity_detector.errors import ArtefactError
from perplexity_detector.explanation.explainable import ExplainableClassifier
from perplexity_detector.io import artefact_folder
from perplexity_detector.logs import get_logger

#: The shipped detector that is used where none was trained.
SHIPPED = "standard"
#: Where training publishes a detector, in the data folder.
PUBLISHED = "model"
#: Folder of further detectors that programs offer by name, in the data folder.
OFFERED = "detectors"


def load_detector(
    data: Path,
    detector: str | None = None,
    lm: str | None = None,
    fpr: float | None = None,
    **extractor: Any,
) -> ExplainableClassifier:
    """The detector asked for; else the published one; else, with a warning, the shipped one.

    Args:
        data: the folder with the published `model/`.
        detector: a folder, or the name of a shipped detector.
        lm: where its language model lies, if not where it lay in training.
        fpr: false-positive rate of verdicts; the detector's own if not given.
        **extractor: settings of the extractor to change.

    Raises:
        ArtefactError: it is missing, damaged or of another version.
    """
    published = data / PUBLISHED
    if detector is None:
        detector = str(published)
        if not artefact_folder.exists(published):
            get_logger().warning("There is no detector in %s: the shipped one is used.", published)
            detector = SHIPPED
    if lm is not None:
        extractor["lm"] = str(lm)
    loaded = ExplainableClassifier.from_pretrained(str(detector), **extractor)
    if fpr is not None:
        loaded.set_params(fpr=fpr)
    return loaded


def detector_name(data: Path, detector: str | None = None) -> str:
    """Name of the detector that `load_detector` gives: its folder's, or its own."""
    if detector is None:
        return PUBLISHED if artefact_folder.exists(data / PUBLISHED) else SHIPPED
    return Path(detector).resolve().name


def find_detector(data: Path, sha256: str, **extractor: Any) -> ExplainableClassifier | None:
    """The detector of `offered_detectors` with a hash (`provenance.detector_sha256`), if any.

    Args:
        data: the folder with the published `model/` and further ones in `detectors/`.
        sha256: as an earlier answer gives it.
        **extractor: settings of the extractor to change.
    """
    for folder in offered_detectors(data).values():
        try:
            loaded = ExplainableClassifier.from_pretrained(folder, **extractor)
        except ArtefactError:  # it is no detector that this version reads
            continue
        if detector_sha256(loaded) == sha256:
            return loaded
    return None


def offered_detectors(data: Path) -> dict[str, Path]:
    """The detectors that programs can choose by name -> their folders.

    Args:
        data: the folder with the published `model/` and further ones in `detectors/`.

    Returns:
        The published one, those in `detectors/`, and the shipped ones; an earlier one hides a
        later one of the same name.
    """
    folders = [
        data / PUBLISHED,
        *sorted((data / OFFERED).glob("[!.]*")),
        *sorted(artefact_folder.PRETRAINED.glob("[!.]*")),
    ]
    offered: dict[str, Path] = {}
    for folder in folders:
        if artefact_folder.is_artefact(folder):
            offered.setdefault(folder.name, folder)
    return offered
