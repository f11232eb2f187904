"""Detector classes by the name in an artefact's config.json; classes register themselves."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_CLASSES: dict[str, type[Any]] = {}
#: Importing it registers the package's own detectors.
_OWN = "perplexity_detector.detectors.registry"


def register(detector_class: type[Any]) -> None:
    """Let artefacts of this class be loaded by its `name`."""
    _CLASSES[detector_class.name] = detector_class


def find(name: str) -> type[Any] | None:
    """The class of this name; None if there is none.

    A class of the user's own is known as soon as its module is imported; the package's own are
    imported when one of them is first asked for.
    """
    if name not in _CLASSES:
        import_module(_OWN)
    return _CLASSES.get(name)
