"""Provenance: which detector gave an answer, when, and with which settings."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from typing import Any

from perplexity_detector.classifier.base import CalibratedClassifier
from perplexity_detector.classifier.detector_hash import detector_sha256
from perplexity_detector.lm.kernels.device import resolve_device
from perplexity_detector.version import __version__


@dataclass(frozen=True)
class Provenance:
    """What must be known to compute an answer again, apart from the text.

    Attributes:
        package_version: of perplexity-detector.
        detector: name of the detector, as given by the caller.
        detector_sha256: of what the detector learned; see `detector_sha256`.
        language_model: fingerprint of the model that read the text; None if none did.
        precision: in which the language model computed; None if there was none.
        settings: `fpr`, the false-positive rate; `device`; `cache`, whether the language model's
            output was kept, which rounds it to half precision; and `exhaustive`, whether all of a
            long document is read.
        time: in UTC, ISO 8601, to the second.
    """

    package_version: str
    detector: str | None
    detector_sha256: str
    language_model: str | None
    precision: str | None
    settings: dict[str, Any]
    time: str

    @classmethod
    def of(
        cls,
        classifier: CalibratedClassifier,
        detector: str | None = None,
        exhaustive: bool | None = None,
    ) -> Provenance:
        """The provenance of what a detector answers now.

        Args:
            classifier: trained.
            detector: its name.
            exhaustive: whether the answer is of all the text; as the detector reads if not given.

        Raises:
            InputError: this machine lacks the detector's device or precision.
        """
        extractor = classifier.extractor_
        device = resolve_device(extractor.device)
        return cls(
            package_version=__version__,
            detector=detector,
            detector_sha256=detector_sha256(classifier),
            language_model=classifier.language_model_,
            precision=extractor.resolved_precision(),
            settings={
                "fpr": float(classifier.fpr),
                "device": str(device),
                "cache": extractor.cache is not None,
                "exhaustive": classifier.exhaustive if exhaustive is None else exhaustive,
            },
            time=_utc_now(),
        )

    def now(self) -> Provenance:
        """The same at this moment."""
        return replace(self, time=_utc_now())

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def text_sha256(text: str) -> str:
    """SHA-256 of a text as given, in UTF-8.

    Example:
        >>> text_sha256("One text.")[:16]
        '3638f28994bd454c'
    """
    # half a surrogate pair, which UTF-8 lacks, has a hash all the same
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _utc_now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
