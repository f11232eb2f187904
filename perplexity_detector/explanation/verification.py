"""Verify a report: compute it again from the text in it, and compare."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from perplexity_detector.classifier.provenance import detector_sha256, text_sha256
from perplexity_detector.errors import InputError
from perplexity_detector.explanation.explainable import ExplainableClassifier
from perplexity_detector.explanation.explanation import with_left_out
from perplexity_detector.lm.kernels.precision import DTYPES
from perplexity_detector.version import __version__

#: How much a probability may differ: other processors round differently, and a tree turns that
#: into a small step.
PROBABILITY_TOLERANCE = 0.001
#: The same for the numbers of the evidence: relative, and absolute where they are small. What
#: the language model computes in float32 and in float64 is within this, but not within a tenth.
EVIDENCE_TOLERANCE = 0.01
#: What depends on the machine, or cannot be computed again.
_NOT_COMPUTED = ("provenance.time", "provenance.settings.device", "provenance.settings.cache")
#: What has a check of its own.
_CORE = ("text_sha256", "probability", "verdict", "note")
_TYPES: dict[str, type | tuple[type, ...]] = {
    "text_as_given": str, "text_sha256": str, "probability": (int, float), "verdict": str,
    "note": str, "provenance": dict,
}  # fmt: skip
_PROVENANCE_TYPES: dict[str, type | tuple[type, ...]] = {
    "package_version": str, "detector_sha256": str, "settings": dict,
}  # fmt: skip


@dataclass(frozen=True)
class Check:
    """What was found of one part of a report.

    Attributes:
        name: of the part.
        holds: whether it is what was computed again; None where that could not be done.
        finding: what was found, in words.
    """

    name: str
    holds: bool | None
    finding: str


def check_form(report: object) -> dict[str, Any]:
    """The report itself, if it holds what `verify` needs.

    Args:
        report: parsed JSON.

    Raises:
        InputError: it is no report, or was made by a version before 0.3.0.
    """
    if not isinstance(report, dict) or "probability" not in report:
        raise InputError("This is no report: it holds no explanation.", "report")
    if "provenance" not in report:
        raise InputError(
            "This report has no provenance, so it cannot be verified: it was made by a version "
            "before 0.3.0.",
            "report",
        )
    provenance = report["provenance"]
    wrong = [name for name, kind in _TYPES.items() if not isinstance(report.get(name), kind)]
    if not wrong:
        wrong = [
            f"provenance.{name}"
            for name, kind in _PROVENANCE_TYPES.items()
            if not isinstance(provenance.get(name), kind)
        ]
    if not wrong:
        fpr = provenance["settings"].get("fpr")
        in_range = {
            "probability": 0 <= report["probability"] <= 1,
            "provenance.settings.fpr": _is_number(fpr) and 0 < fpr < 1,
            "provenance.precision": _is_precision(provenance.get("precision")),
            "left_out": _is_left_out(report.get("left_out", {})),
        }
        wrong = [name for name, right in in_range.items() if not right]
    if wrong:
        raise InputError(
            f"This report is damaged: {wrong[0]} is missing or cannot be right.", "report"
        )
    return report


def check_origin(report: Mapping[str, Any], detector: ExplainableClassifier | None) -> list[Check]:
    """Whether text, version and detector are those of the report; nothing is read yet.

    Args:
        report: as `check_form` returns it.
        detector: to compute it again with; None if there is no such detector here.
    """
    provenance = report["provenance"]
    text = text_sha256(report["text_as_given"])
    version, stated = provenance["package_version"], provenance["detector_sha256"]
    name = provenance.get("detector") or "without a name"
    if detector is None:
        found = "there is no such detector here"
    else:
        ours = detector_sha256(detector)
        found = "the same as here" if ours == stated else f"the detector here has {_short(ours)}"
    same_model = detector is not None and detector.language_model_ == provenance.get(
        "language_model"
    )
    if detector is not None and not same_model:
        found += ", with another language model"
    return [
        _check("text", text == report["text_sha256"], f"SHA-256 {_short(text)}", "of another text"),
        _check(
            "version", version == __version__, version, f"made by {version}; this is {__version__}"
        ),
        Check(
            "detector",
            detector is not None and same_model and detector_sha256(detector) == stated,
            f"{name}, SHA-256 {_short(stated)}: {found}",
        ),
    ]


def check_numbers(report: Mapping[str, Any], detector: ExplainableClassifier) -> list[Check]:
    """Whether probability, verdict and evidence are what the detector finds of the text.

    Args:
        report: as `check_form` returns it.
        detector: that made it, with the same false-positive rate and precision.
    """
    found = detector.explain(
        report["text_as_given"], report.get("id"), report["provenance"].get("detector")
    )
    # the document is not there: what was left out of it cannot be checked
    explanation = with_left_out(found, report.get("left_out", {})).to_dict()
    probability, again = float(report["probability"]), explanation["probability"]
    verdict, note = explanation["verdict"], explanation["note"]
    changed = [
        place
        for place in _differences(explanation, report)
        if place not in (*_NOT_COMPUTED, *_CORE)
    ]
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return [
        Check(
            "probability",
            math.isclose(probability, again, rel_tol=0, abs_tol=PROBABILITY_TOLERANCE),
            f"{probability:.6f}; computed again {again:.6f}",
        ),
        Check(
            "verdict",
            (report["verdict"], report["note"]) == (verdict, note),
            f"{_verdict(report['verdict'], report['note'])}; found again {_verdict(verdict, note)}",
        ),
        _check(
            "evidence",
            not changed,
            "every other number and sentence",
            f"{changed[0] if changed else ''}{more} differs from what is found again",
        ),
    ]


def _check(name: str, holds: bool, right: str, wrong: str) -> Check:
    return Check(name, holds, right if holds else wrong)


def _differences(ours: Any, theirs: Any, place: str = "") -> Iterator[str]:
    """Places at which two JSON values differ by more than rounding."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in {**ours, **theirs}:
            inner = f"{place}.{name}" if place else str(name)
            if name in ours and name in theirs:
                yield from _differences(ours[name], theirs[name], inner)
            else:
                yield inner
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from _differences(one, other, f"{place}[{index}]")
    elif _is_number(ours) and _is_number(theirs):
        if not _is_close(ours, theirs):
            yield place
    elif ours != theirs:
        yield place


def _is_precision(value: object) -> bool:
    """Whether an answer can have been computed so; `auto` is never in one."""
    return value is None or (isinstance(value, str) and value in DTYPES)


def _is_left_out(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(count, int) and count > 0 for count in value.values()
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_close(ours: float, theirs: float) -> bool:
    try:
        return math.isclose(ours, theirs, rel_tol=EVIDENCE_TOLERANCE, abs_tol=EVIDENCE_TOLERANCE)
    except OverflowError:  # a whole number too large for a float
        return False


def _verdict(verdict: str, note: str) -> str:
    return f"{verdict} ({note})" if note else verdict


def _short(digest: str) -> str:
    return digest[:16]
