"""Every model that can be trained: its name -> its class, and how one is made."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any

from perplexity_detector.detectors.baselines.binoculars import Binoculars
from perplexity_detector.detectors.baselines.diveye import DivEye
from perplexity_detector.detectors.baselines.encoder import Encoder
from perplexity_detector.detectors.baselines.first_layers import FirstLayers
from perplexity_detector.detectors.baselines.gltr import GLTR
from perplexity_detector.detectors.baselines.repreguard import RepreGuard
from perplexity_detector.detectors.baselines.rules import Rules
from perplexity_detector.detectors.baselines.tfidf import Tfidf
from perplexity_detector.detectors.baselines.zero_shot import (
    LRR,
    Entropy,
    FastDetectGPT,
    Lastde,
    LogLikelihood,
    LogRank,
)
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.errors import InputError
from perplexity_detector.explanation.explainable import ExplainableClassifier
from perplexity_detector.features.registry import default_families

CLASSES: Mapping[str, type[ExplainableClassifier]] = {
    one.name: one
    for one in (
        TextDetector,
        Rules,
        Tfidf,
        Encoder,
        FirstLayers,
        LogLikelihood,
        LogRank,
        Entropy,
        LRR,
        FastDetectGPT,
        Binoculars,
        Lastde,
        DivEye,
        GLTR,
        RepreGuard,
    )
}
#: Extractor settings that the fine-tuned models accept.
_NETWORK_SETTINGS = {"encoder": {"device"}, "first_layers": {"lm", "revision", "device"}}
#: Extractor settings that every model accepts.
_TEXT_SETTINGS = {"canonical", "progress"}


def make_detector(name: str = TextDetector.name, **settings: Any) -> ExplainableClassifier:
    """An untrained model, by name.

    Args:
        name: of `CLASSES`.
        **settings: of its class (fpr, random_state, encoder, epochs, ...) and of its extractor
            (families, lm, device, performer, ...); those that are None are as by default.

    Raises:
        InputError: there is no such model, a setting is not for it, or a family is unknown.

    Example:
        >>> make_detector("tfidf", fpr=0.05).max_features
        50000
    """
    if name not in CLASSES:
        raise InputError(
            f"There is no model {name!r}", "model", f"choose from {', '.join(CLASSES)}"
        )
    detector_class = CLASSES[name]
    own = set(signature(detector_class).parameters) - {"extractor"}
    given = {setting: value for setting, value in settings.items() if value is not None}
    reading = extractor_settings(name)
    if unfit := [setting for setting in given if setting not in own | reading]:
        others = [other for other in CLASSES if unfit[0] in all_settings(other)]
        raise InputError(
            f"{unfit[0]} does not apply to the model {name}",
            unfit[0],
            f"{{{unfit[0]}}} is for {', '.join(others)}"
            if others
            else f"leave out {{{unfit[0]}}}; no model has it",
        )
    read = {setting: value for setting, value in given.items() if setting in reading}
    classifier = detector_class(**{setting: given[setting] for setting in own & set(given)})
    if "families" not in read:
        if detector_class is TextDetector:
            read["families"] = default_families(read.get("depth", 1.0))
        else:
            read["families"] = _families(detector_class)
    extractor = detector_class.extractor_class(**read)
    extractor.chosen_families()
    classifier.set_params(extractor=extractor)
    return classifier


def all_settings(name: str) -> set[str]:
    """What can be set of a model and of its extractor."""
    return set(signature(CLASSES[name]).parameters) - {"extractor"} | extractor_settings(name)


def extractor_settings(name: str) -> set[str]:
    """What can be set of a model's extractor; how to read, only where a language model reads."""
    detector_class = CLASSES[name]
    if name in _NETWORK_SETTINGS:
        return _NETWORK_SETTINGS[name] | _TEXT_SETTINGS
    if detector_class is TextDetector:
        return set(signature(detector_class.extractor_class).parameters)
    if not _families(detector_class):
        return _TEXT_SETTINGS
    return set(signature(detector_class.extractor_class).parameters) - {"families", "depth"}


def _families(detector_class: type[ExplainableClassifier]) -> tuple[str, ...]:
    return getattr(detector_class, "families", ())
