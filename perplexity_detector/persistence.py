"""The artefact folder: everything a trained detector is, in plain formats, checked by hash."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from perplexity_detector import __version__
from perplexity_detector.calibration import Calibrator
from perplexity_detector.card import model_card
from perplexity_detector.errors import ArtefactError, InputError
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.registry import families_at
from perplexity_detector.folders import replace_folder

FORMAT_VERSION = 2
PRETRAINED = Path(__file__).parent / "pretrained"
CONFIG, CLASSIFIER, CALIBRATOR = "config.json", "classifier.ubj", "calibrator.json"
LEARNED, METRICS, CARD = "learned.safetensors", "metrics.json", "README.md"
_FILES = {CONFIG, CLASSIFIER, CALIBRATOR, LEARNED, METRICS, CARD}
#: A folder that is being replaced is gone for far less than this.
_REPLACING_SECONDS = 0.05
#: What config.json must say.
_NEEDED = [
    "sha256", "extractor", "hyper_parameters", "typical", "language_model", "families",
    "features", "training",
]  # fmt: skip

#: Settings of the extractor that decide what the features are; the others are the machine's.
_EXTRACTOR_SETTINGS = ("families", "lm", "revision", "depth", "canonical")


def save(detector: Any, folder: Path) -> Path:
    """Write a trained detector: into a temporary folder, which then takes the place of the old.

    config.json holds the format version, the language model and its hash, families and their
    versions, hyper-parameters, the training summary and the sha256 of every other file.

    Raises:
        ArtefactError: the folder cannot be written, or is not one of ours.
    """
    check_place(folder)
    extractor = detector.extractor_
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
            new = Path(temporary) / "new"
            new.mkdir()
            detector.booster_.save_model(new / CLASSIFIER)
            _write_json(new / CALIBRATOR, detector.calibrator_.to_json())
            _write_json(new / METRICS, detector.metrics_)
            _write_learned(new / LEARNED, extractor.learned_)
            settings = extractor.get_params(deep=False)
            config = {
                "format_version": FORMAT_VERSION,
                "package_version": __version__,
                "extractor": {name: settings[name] for name in _EXTRACTOR_SETTINGS},
                "language_model": detector.language_model_,
                "families": {f.name: f.version for f in extractor.chosen_families()},
                "features": list(extractor.get_feature_names_out()),
                "typical": detector.typical_.tolist(),
                "hyper_parameters": {
                    name: value
                    for name, value in detector.get_params(deep=False).items()
                    if name != "extractor"
                },
                "training": detector.training_,
            }
            (new / CARD).write_text(model_card(config, detector), encoding="utf-8")
            config["sha256"] = {
                file.name: _sha256(file.read_bytes()) for file in sorted(new.iterdir())
            }
            _write_json(new / CONFIG, config)
            replace_folder(new, folder)
    except OSError as error:
        raise ArtefactError(
            f"The detector cannot be written to {folder}: {error.strerror or error}."
        ) from error
    return folder


def publish(folder: Path, target: Path) -> None:
    """Copy an artefact folder to where predictions look for it, whole or not at all.

    Raises:
        ArtefactError: the target cannot be written, or is not one of ours.
    """
    check_place(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as temporary:
            new = Path(temporary) / "new"
            shutil.copytree(folder, new)
            replace_folder(new, target)
    except OSError as error:
        raise ArtefactError(
            f"The detector cannot be published to {target}: {error.strerror or error}."
        ) from error


def check_place(folder: Path) -> None:
    """See that nothing but a detector would be replaced there.

    Raises:
        ArtefactError: a file is there, or a folder with other things.
    """
    try:
        found = sorted(file.name for file in folder.iterdir()) if folder.exists() else []
    except OSError as error:
        raise ArtefactError(
            f"{folder} cannot be a detector's folder ({error.strerror}); choose another place."
        ) from error
    # what begins with a dot is the desktop's
    if others := [name for name in found if name not in _FILES and not name.startswith(".")]:
        raise ArtefactError(
            f"{folder} holds other things than a detector ({others[0]}); choose a new folder."
        )


def load(folder: str | Path, detector_class: type, changes: dict[str, Any]) -> Any:
    """Read an artefact folder, or a shipped detector by name; nothing in it is executed.

    Args:
        folder: where, or a name in `pretrained/`.
        detector_class: TextDetector or a subclass.
        changes: settings of the extractor that differ from the saved ones.

    Raises:
        ArtefactError: missing, damaged, or of a version that this package cannot read.
        InputError: a change that an extractor does not know.
    """
    path, config, files = _read_settled(folder)
    import xgboost

    known = FeatureExtractor().get_params()
    if unknown := set(changes) - set(known):
        raise InputError(f"An extractor has no setting {', '.join(sorted(unknown))}.")
    try:
        extractor = FeatureExtractor(**{**config["extractor"], **changes})
        _check_families(path, config, extractor)
        extractor.learned_ = _read_learned(files[LEARNED])
        detector = detector_class(extractor, **config["hyper_parameters"])
    except (AttributeError, TypeError) as error:
        raise ArtefactError(
            f"{path / CONFIG} is not as it was saved; train the detector again."
        ) from error
    threads = {"nthread": detector.n_jobs or 0}  # which the file does not hold
    detector.booster_ = xgboost.Booster(threads, model_file=bytearray(files[CLASSIFIER]))
    detector.calibrator_ = Calibrator.from_json(json.loads(files[CALIBRATOR]))
    detector.metrics_ = json.loads(files[METRICS])
    detector.extractor_ = extractor
    detector.classes_ = np.array([0, 1])
    detector.typical_ = np.asarray(config["typical"], np.float64)
    detector.language_model_ = config["language_model"]
    detector.training_ = config["training"]
    return detector


def is_there(folder: Path) -> bool:
    """Whether a detector lies in a folder; looks twice, for it may be being replaced."""
    if not (folder / CONFIG).is_file():
        time.sleep(_REPLACING_SECONDS)
    return (folder / CONFIG).is_file()


def _read_settled(folder: str | Path) -> tuple[Path, dict[str, Any], dict[str, bytes]]:
    """The files of one training, never of two: if a new one is being published, read anew."""
    try:
        return _read_whole(find(folder))
    except ArtefactError:
        time.sleep(_REPLACING_SECONDS)
        return _read_whole(find(folder))


def _read_whole(path: Path) -> tuple[Path, dict[str, Any], dict[str, bytes]]:
    config = _read_config(path)
    files = {}
    for name in sorted(_FILES - {CONFIG}):
        file = path / name
        files[name] = file.read_bytes() if file.is_file() else b""
        if _sha256(files[name]) != config["sha256"].get(name):
            raise ArtefactError(
                f"{file} is missing or not what was saved; train the detector again or "
                "copy the whole folder anew."
            )
    return path, config, files


def find(folder: str | Path) -> Path:
    """The folder itself, or the shipped detector of that name.

    Raises:
        ArtefactError: neither exists.
    """
    for path in (Path(folder).expanduser(), PRETRAINED / str(folder)):
        if (path / CONFIG).is_file():
            return path
    shipped = sorted(path.parent.name for path in PRETRAINED.glob(f"*/{CLASSIFIER}"))
    raise ArtefactError(
        f"There is no detector in {folder} (no {CONFIG}); train one with "
        f"`perplexity-detector train`, or use a shipped one: {', '.join(shipped) or 'none'}."
    )


def _read_config(path: Path) -> dict[str, Any]:
    config: dict[str, Any] = _read_json(path / CONFIG)
    version = config.get("format_version") if isinstance(config, dict) else None
    if version != FORMAT_VERSION:
        raise ArtefactError(
            f"{path} has format version {version}, and this package reads {FORMAT_VERSION}; "
            "train the detector again, or install the version of it that made this one."
        )
    if missing := [name for name in _NEEDED if name not in config]:
        raise ArtefactError(
            f"{path / CONFIG} lacks {', '.join(missing)}; train the detector again."
        )
    return config


def _check_families(path: Path, config: dict[str, Any], extractor: FeatureExtractor) -> None:
    known = families_at(extractor.depth)
    changed = [
        name
        for name, version in config["families"].items()
        if name not in known or known[name].version != version
    ]
    if changed or list(extractor.get_feature_names_out()) != config["features"]:
        raise ArtefactError(
            f"{path} was trained with other features than this package computes "
            f"({', '.join(changed) or 'their names differ'}); train it again."
        )


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtefactError(
            f"{file} cannot be read ({error}); train the detector again."
        ) from error


def _write_json(file: Path, values: object) -> None:
    # a setting can be a number of NumPy's, from a grid of them
    text = json.dumps(values, indent=1, allow_nan=False, default=lambda value: value.tolist())
    file.write_text(text + "\n", encoding="utf-8")


def _write_learned(file: Path, learned: dict[str, dict[str, np.ndarray]]) -> None:
    """Arrays of the learned families, as `family.array`."""
    arrays = {
        f"{family}.{name}": np.ascontiguousarray(array)
        for family, named in learned.items()
        for name, array in named.items()
    }
    file.write_bytes(safetensors.numpy.save(arrays))


def _read_learned(content: bytes) -> dict[str, dict[str, np.ndarray]]:
    learned: dict[str, dict[str, np.ndarray]] = {}
    for full_name, array in safetensors.numpy.load(content).items():
        family, _, name = full_name.partition(".")
        learned.setdefault(family, {})[name] = array
    return learned


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
