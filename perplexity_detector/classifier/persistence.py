"""The artefact folder: everything a trained classifier is, in plain formats, checked by hash."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from perplexity_detector import __version__
from perplexity_detector.classifier.base import CalibratedClassifier
from perplexity_detector.classifier.calibration import Calibrator
from perplexity_detector.classifier.model_card import model_card
from perplexity_detector.detectors.registry import CLASSES
from perplexity_detector.errors import ArtefactError, InputError
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.registry import families_at
from perplexity_detector.io.atomic import replace_folder

FORMAT_VERSION = 3
PRETRAINED = Path(__file__).parents[1] / "pretrained"
CONFIG, CALIBRATOR, METRICS, CARD = "config.json", "calibrator.json", "metrics.json", "README.md"
#: What every folder holds beside config.json and the files that the class keeps.
_COMMON = (CALIBRATOR, METRICS, CARD)
_FILES = {CONFIG, *_COMMON, *(name for one in CLASSES.values() for name in one.kept)}
#: A folder that is being replaced is gone for far less than this.
_REPLACING_SECONDS = 0.05
#: What config.json must say.
_NEEDED = [
    "sha256", "model", "extractor", "hyper_parameters", "language_model", "families", "features",
    "training",
]  # fmt: skip

#: Settings of an extractor that are the machine's; the others decide what it reads.
_OF_MACHINE = ("device", "precision", "batch_tokens", "cache", "progress", "processes")


def save(classifier: CalibratedClassifier, folder: Path) -> Path:
    """Write a trained classifier: into a temporary folder, which then takes the old one's place.

    config.json holds the format version, the name of the class, the language model and its hash,
    families and their versions, hyper-parameters, the training summary and the sha256 of every
    other file.

    Raises:
        ArtefactError: the folder cannot be written, or is not one of ours.
    """
    check_place(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
            new = Path(temporary) / "new"
            new.mkdir()
            for name, content in classifier.files().items():
                (new / name).write_bytes(content)
            _write_json(new / CALIBRATOR, classifier.calibrator_.to_json())
            _write_json(new / METRICS, classifier.metrics_)
            config = configuration(classifier)
            (new / CARD).write_text(model_card(config, classifier), encoding="utf-8")
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


def configuration(classifier: CalibratedClassifier) -> dict[str, Any]:
    """What config.json says of a trained classifier, the hashes apart."""
    extractor = classifier.extractor_
    settings = extractor.get_params(deep=False)
    hyper_parameters = classifier.get_params(deep=False)
    del hyper_parameters["extractor"]
    return {
        "format_version": FORMAT_VERSION,
        "package_version": __version__,
        "model": classifier.name,
        "extractor": {name: settings[name] for name in settings if name not in _OF_MACHINE},
        "language_model": classifier.language_model_,
        "families": {family.name: family.version for family in extractor.chosen_families()},
        "features": list(extractor.get_feature_names_out()),
        "hyper_parameters": hyper_parameters,
        "training": classifier.training_,
    }


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


def load(
    folder: str | Path, asked: type[CalibratedClassifier], changes: dict[str, Any]
) -> CalibratedClassifier:
    """Read an artefact folder, or a shipped detector by name; nothing in it is executed.

    Args:
        folder: where, or a name in `pretrained/`.
        asked: what the folder must hold: a class, or a base of the one that was saved.
        changes: settings of the extractor that differ from the saved ones.

    Raises:
        ArtefactError: missing, damaged, of another class, or of a version that this package
            cannot read.
        InputError: a change that an extractor does not know.
    """
    path, config, files = _read_settled(folder)
    saved = CLASSES[config["model"]]
    if not issubclass(asked, saved) and not issubclass(saved, asked):
        raise ArtefactError(
            f"{path} holds the model {saved.name}; load it with "
            f"{saved.__name__}.from_pretrained, or CalibratedClassifier's."
        )
    made = asked if issubclass(asked, saved) else saved
    if unknown := set(changes) - set(made.extractor_class().get_params()):
        raise InputError(f"An extractor has no setting {', '.join(sorted(unknown))}.")
    try:
        extractor = made.extractor_class(**{**config["extractor"], **changes})
        _check_families(path, config, extractor)
        classifier = made(extractor, **config["hyper_parameters"])
        classifier.extractor_ = extractor
        classifier.restore(files)
    except (AttributeError, KeyError, TypeError) as error:
        raise ArtefactError(
            f"{path / CONFIG} is not as it was saved; train the detector again."
        ) from error
    classifier.calibrator_ = Calibrator.from_json(json.loads(files[CALIBRATOR]))
    classifier.metrics_ = json.loads(files[METRICS])
    classifier.classes_ = np.array([0, 1])
    classifier.language_model_ = config["language_model"]
    classifier.training_ = config["training"]
    return classifier


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
    for name in sorted({*_COMMON, *CLASSES[config["model"]].kept}):
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
    shipped = sorted(path.parent.name for path in PRETRAINED.glob(f"*/{CALIBRATOR}"))
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
    if str(config["model"]) not in CLASSES:
        raise ArtefactError(
            f"{path} holds a model {config['model']!r} that this package does not know; train "
            "one anew, or install the version that made it."
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


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
