"""Which detector to load: a folder, the published one, a shipped one, or the one with a hash."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perplexity_detector.errors import ArtefactError, InputError
from perplexity_detector.io import artefact_folder
from perplexity_detector.lm.kernels.device import resolve_device
from perplexity_detector.lm.kernels.precision import AUTO
from perplexity_detector.lm.reading_options import ReadingOptions
from perplexity_detector.lm.scorer_cache import load_in_background
from perplexity_detector.logs import get_logger

if TYPE_CHECKING:
    from perplexity_detector.explanation.explainable import ExplainableClassifier

#: The name of the shipped cascade, which is used where no detector was trained.
CASCADE = "auto"
#: Where training publishes a detector, in the data folder.
PUBLISHED = "model"
#: Folder of further detectors that programs offer by name, in the data folder.
OFFERED = "detectors"
#: An empty file there, which stays when a published detector is lost.
_MARK = ".published"


def load_detector(
    data: Path,
    detector: str | None = None,
    lm: str | None = None,
    fpr: float | None = None,
    exhaustive: bool = True,
    **extractor: Any,
) -> ExplainableClassifier:
    """The detector asked for; else the published one; else, with a warning, the shipped one.

    Once a detector was published, the shipped one no longer takes its place.

    Args:
        data: the folder with the published `model/`.
        detector: a folder, or the name of a shipped detector, or `auto`.
        lm: where its language model lies, if not where it lay in training.
        fpr: false-positive rate of verdicts; the detector's own if not given.
        exhaustive: read all of long documents, and not just a sample; see `long_documents`.
        **extractor: settings of the extractor to change.

    Raises:
        ArtefactError: it is missing, damaged or of another version.
        InputError: it always reads all of long documents.
    """
    if detector is None:
        published = data / PUBLISHED
        detector = str(published) if was_published(data) else CASCADE
        if detector == CASCADE:
            get_logger().warning("There is no detector in %s: the shipped one is used.", published)
    if lm is not None:
        extractor["lm"] = str(lm)
    if artefact_folder.is_repository(detector):
        artefact_folder.find(detector)  # a mistyped path is not to be looked up on the hub
    _begin_to_load_language_model(str(detector), extractor)
    loaded = _load(str(detector), **extractor)
    if fpr is not None:
        loaded.set_params(fpr=fpr)
    if not (exhaustive or loaded.can_sample):
        raise InputError(
            f"The detector {detector} reads all of long documents",
            "exhaustive",
            "leave out {exhaustive}, or choose standard or fast",
        )
    loaded.exhaustive = exhaustive
    return loaded


def _load(detector: str, **extractor: Any) -> ExplainableClassifier:
    # scikit-learn and XGBoost take most of a second to import
    from perplexity_detector.detectors.cascade import CascadeDetector
    from perplexity_detector.explanation.explainable import ExplainableClassifier

    if detector != CASCADE or artefact_folder.is_artefact(Path(detector)):
        return ExplainableClassifier.from_pretrained(detector, **extractor)
    loaded = CascadeDetector.from_pretrained(**extractor)
    return loaded.last if _skips_exit(loaded.extractor_.device) else loaded


def _skips_exit(device: str) -> bool:
    """Whether an early exit saves nothing: a GPU reads to the end in less time than features take.

    Raises:
        InputError: this machine lacks the device.
    """
    return resolve_device(device).type == "cuda"


def _begin_to_load_language_model(detector: str, extractor: Mapping[str, Any]) -> None:
    """Load a detector's language model in a thread, while this one imports what judges texts.

    Whatever is wrong comes to light when the detector itself is loaded.
    """
    with suppress(ArtefactError, OSError, ValueError, LookupError, TypeError):
        folder = artefact_folder.find("standard" if detector == CASCADE else detector)
        if detector == CASCADE and not _skips_exit(extractor.get("device", "auto")):
            folder = artefact_folder.PRETRAINED / artefact_folder.CASCADE_FIRST
        file = folder / artefact_folder.CONFIG
        config = json.loads(file.read_text(encoding="utf-8"))
        if config["model"] != "detector" or config["language_model"] is None:
            return
        settings = {**config["extractor"], **extractor}
        if settings.get("precision") == AUTO:  # which is still to be found
            return
        names = [one.name for one in fields(ReadingOptions) if one.name in settings]
        load_in_background(ReadingOptions(**{name: settings[name] for name in names}))


def detector_name(data: Path, detector: str | None = None) -> str:
    """Name of the detector that `load_detector` gives: its folder's, or its own."""
    if detector is None:
        return PUBLISHED if was_published(data) else CASCADE
    return Path(detector).resolve().name


def find_detector(data: Path, sha256: str, **extractor: Any) -> ExplainableClassifier | None:
    """The detector of `offered_detectors` with a hash (`provenance.detector_sha256`), if any.

    Args:
        data: the folder with the published `model/` and further ones in `detectors/`.
        sha256: as an earlier answer gives it.
        **extractor: settings of the extractor to change.
    """
    from perplexity_detector.classifier.provenance import detector_sha256

    for folder in (*map(str, offered_detectors(data).values()), CASCADE):
        try:
            loaded = _load(folder, **extractor)
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


def publish(folder: Path, data: Path) -> None:
    """Copy a saved detector to the place from which it is loaded, completely or not at all.

    Args:
        folder: where it was saved.
        data: the folder in which to publish.

    Raises:
        ArtefactError: the place cannot be written, or holds other files.
    """
    artefact_folder.publish(folder, data / PUBLISHED)
    (data / _MARK).touch()


def was_published(data: Path) -> bool:
    """Whether a detector was published here; one that a killed process moved away is put back.

    Raises:
        ArtefactError: one was, and it is missing.
    """
    published = data / PUBLISHED
    if artefact_folder.exists(published):
        return True
    artefact_folder.recover(published)
    if artefact_folder.exists(published):
        return True
    if (data / _MARK).exists() or (published.is_dir() and any(published.iterdir())):
        raise ArtefactError(
            f"The detector that was published in {published} is missing or incomplete; train it "
            f"again, name another one, or delete {data / _MARK} and {published} to use the "
            "shipped one."
        )
    return False
