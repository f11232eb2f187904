"""The format of a saved detector: what its config.json must say, and how older ones are read."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perplexity_detector.errors import ArtefactError, PerplexityDetectorError
from perplexity_detector.features.registry import available_families
from perplexity_detector.io import artefact_folder, tensors
from perplexity_detector.io.artefact_folder import CONFIG, Artefact

if TYPE_CHECKING:
    from perplexity_detector.features.extractor import FeatureExtractor

FORMAT_VERSION = 5
CALIBRATOR, METRICS, CARD = "calibrator.json", "metrics.json", "README.md"
#: Files of every detector, apart from config.json and those that its class saves.
COMMON_FILES = (CALIBRATOR, METRICS, CARD)
#: Arrays of the classes that save any.
ARRAYS_FILE = "learned.safetensors"
#: The n-grams of a detector that has any: shipped detectors, which have the same, share the file.
NGRAMS_FILE = "ngrams.safetensors"
#: What config.json must say -> the type of it.
_REQUIRED: dict[str, type | tuple[type, ...]] = {
    "sha256": dict, "model": str, "extractor": dict, "hyper_parameters": dict,
    "language_model": (str, type(None)), "families": dict, "features": list, "training": dict,
}  # fmt: skip


def read(folder: str | Path, revision: str | None = None) -> Artefact:
    """A saved detector in the format of today, whichever format it was saved in.

    Args:
        folder: where, or the name of a shipped detector, or `user/name` on the hub.
        revision: on the hub: branch, tag or commit.

    Raises:
        ArtefactError: missing, damaged, or of a format that this package cannot read; or the hub
            cannot be reached.
    """
    if artefact_folder.is_repository(folder):
        from perplexity_detector.io import hub

        folder = hub.download(str(folder), revision)
    path, config, files = artefact_folder.read(folder)
    version = config.get("format_version")
    while isinstance(version, int) and version in _MIGRATIONS:
        with as_artefact_error(path):
            config, files = _MIGRATIONS[version](config, files)
        version = config["format_version"]
    if version != FORMAT_VERSION:
        raise ArtefactError(
            f"{path} has format version {version}, and this package reads "
            f"{min(_MIGRATIONS)} to {FORMAT_VERSION}; train the detector again, or install the "
            "version of it that made this one."
        )
    if missing := [name for name in _REQUIRED if name not in config]:
        raise ArtefactError(
            f"{path / CONFIG} lacks {', '.join(missing)}; train the detector again."
        )
    for name, kind in _REQUIRED.items():
        if not isinstance(config[name], kind):
            raise ArtefactError(
                f"{path / CONFIG} is not as it was saved ({name}); train the detector again."
            )
    return Artefact(path, config, files)


@contextmanager
def as_artefact_error(folder: Path) -> Iterator[None]:
    """Any error over files that somebody else wrote, as one sentence."""
    try:
        yield
    except PerplexityDetectorError:
        raise
    # each parser has exceptions of its own, and there are as many kinds of damage as files
    except Exception as error:
        raise ArtefactError(
            f"{folder} is not as it was saved ({type(error).__name__}); train the detector again, "
            "or copy the whole folder again."
        ) from error


def check_parameters(loaded: Any) -> None:
    """Check the parameters that a saved detector, a `CalibratedClassifier`, scores with.

    Raises:
        ValueError, TypeError: one cannot be used.
    """
    n_jobs = getattr(loaded, "n_jobs", None)
    if n_jobs is not None and not 0 <= int(n_jobs) <= (os.cpu_count() or 1):
        loaded.set_params(n_jobs=None)  # trained on a machine with more cores
    if not 0 < float(loaded.fpr) < 1:
        raise ValueError("a false-positive rate lies between 0 and 1")
    depth = loaded.extractor_.depth
    if not 0 < float(depth) <= 1:
        raise ValueError("a depth lies between 0 and 1")


def check_features(artefact: Artefact, extractor: FeatureExtractor) -> None:
    """Check that this package computes the features that a detector was trained on.

    Raises:
        ArtefactError: it does not.
    """
    known = available_families(extractor.depth)
    changed = [
        name
        for name, version in artefact.config["families"].items()
        if name not in known or known[name].version != version
    ]
    names = list(extractor.get_feature_names_out())
    if changed or names != artefact.config["features"]:
        raise ArtefactError(
            f"{artefact.path} was trained with other features than this package computes "
            f"({', '.join(changed) or 'their names differ'}); train it again."
        )


# --- older formats --------------------------------------------------------------------------

_Migration = Callable[[dict[str, Any], dict[str, bytes]], tuple[dict[str, Any], dict[str, bytes]]]


def _from_2(
    config: dict[str, Any], files: dict[str, bytes]
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Format 2 knew one model, and kept the medians of human texts in config.json."""
    config = {**config, "format_version": 3, "model": "detector"}
    medians = np.asarray(config.pop("typical", ()), np.float64)
    arrays = {**tensors.from_bytes(files[ARRAYS_FILE]), "people": {"typical": medians}}
    return config, {**files, ARRAYS_FILE: tensors.to_bytes(arrays)}


def _from_3(
    config: dict[str, Any], files: dict[str, bytes]
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Format 3 had other names for the same values."""
    training = _renamed(
        config.get("training", {}), learned_only="n_not_calibrating", people="n_human"
    )
    hyper_parameters = _renamed(config.get("hyper_parameters", {}), turns="n_scored_folds")
    if config.get("model") == "tfidf":
        hyper_parameters = _renamed(hyper_parameters, strength="C")
    config = {
        **config,
        "format_version": 4,
        "training": training,
        "hyper_parameters": hyper_parameters,
    }
    files = dict(files)
    if CALIBRATOR in files:
        calibrator = _renamed(
            json.loads(files[CALIBRATOR]), human="human_scores", human_tokens="human_lengths",
            generated="generated_scores",
        )  # fmt: skip
        files[CALIBRATOR] = artefact_folder.to_json(calibrator)
    if METRICS in files:
        metrics = json.loads(files[METRICS])
        for part in ("splits", "sources"):
            if part in metrics:
                metrics[part] = _renamed(metrics[part], **{"left out": "out-of-fold"})
        files[METRICS] = artefact_folder.to_json(metrics)
    if (model := config.get("model")) in ("gltr", "diveye") and ARRAYS_FILE in files:
        arrays = tensors.from_bytes(files[ARRAYS_FILE])
        arrays[model] = _renamed(arrays[model], typical="human_medians")
        files[ARRAYS_FILE] = tensors.to_bytes(arrays)
    if model == "detector" and ARRAYS_FILE in files:
        arrays = _renamed(
            tensors.from_bytes(files[ARRAYS_FILE]), people="human", novelty="outliers"
        )
        arrays["human"] = _renamed(arrays["human"], typical="medians", surprisal="surprisal_range")
        if "outliers" in arrays:
            arrays["outliers"] = _renamed(arrays["outliers"], limit="threshold")
        files[ARRAYS_FILE] = tensors.to_bytes(arrays)
    return config, files


def _from_4(
    config: dict[str, Any], files: dict[str, bytes]
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Format 4 had the n-grams among the other arrays, where they are still found."""
    return {**config, "format_version": 5}, files


def _renamed(values: dict[str, Any], **names: str) -> dict[str, Any]:
    """The same values, some of them under new names."""
    return {names.get(name, name): value for name, value in values.items()}


_MIGRATIONS: dict[int, _Migration] = {2: _from_2, 3: _from_3, 4: _from_4}
