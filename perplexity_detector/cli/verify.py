"""The command `verify`: whether a report holds."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fire.decorators import SetParseFns

from perplexity_detector.cli.base import Commands
from perplexity_detector.cli.options import parse_str
from perplexity_detector.errors import InputError
from perplexity_detector.io.documents.extracted import describe
from perplexity_detector.logs import get_logger, timed

if TYPE_CHECKING:
    from perplexity_detector.explanation.explainable import ExplainableClassifier
    from perplexity_detector.explanation.verification import Check

_SAID = {True: "holds", False: "DOES NOT HOLD", None: "not checked"}


class VerifyCommand(Commands):
    """The command `verify`."""

    @SetParseFns(report=str)
    def verify(
        self,
        report: str,
        detector: str | None = None,
        lm: str | None = None,
        device: str = "auto",
        cache: str | None = None,
    ) -> None:
        """Compute a report again from the text in it, and say whether it holds.

        Text, detector, probability, verdict, evidence and page are compared. The exit code is 0
        if all of it holds, 1 if something does not, and 2 if the report cannot be read. Id, time
        and what was left out of a document cannot be computed again: whoever made the report may
        have chosen them.

        Args:
            report: file that explain or the service wrote, .html or .json.
            detector: fast, auto, standard or a folder; if not given, the one here with the hash
                that the report names.
            lm: folder of the detector's language model, if it was moved after training.
            device: auto, cpu or cuda.
            cache: folder in which to keep the language model's results for later runs.
        """
        self._log(
            "verify",
            {"report": report, "detector": detector, "lm": lm, "device": device, "cache": cache},
        )
        page, values = _read(report)
        with timed(get_logger(), "verify"):
            from perplexity_detector.explanation import verification

            values = verification.check_form(values)
            extractor: dict[str, Any] = {"device": device, "cache": parse_str(cache)}
            if (precision := values["provenance"].get("precision")) is not None:
                extractor["precision"] = precision
            if lm is not None:
                extractor["lm"] = str(lm)
            loaded = self._load(values["provenance"], parse_str(detector), extractor)
            checks = verification.check_origin(values, loaded)
            if loaded is not None and all(check.holds for check in checks):
                checks += verification.check_numbers(values, loaded)
                if page is not None:
                    checks.append(_check_page(page, values))
            else:
                parts = ["probability", "verdict", "evidence", *(["page"] if page else [])]
                checks += [verification.Check(part, None, "see above") for part in parts]
        print("\n".join(_lines(checks, values)))
        if not all(check.holds for check in checks):
            sys.exit(1)

    def _load(
        self, provenance: dict[str, Any], detector: str | None, extractor: dict[str, Any]
    ) -> ExplainableClassifier | None:
        """The detector that the report names, or the one that was asked for."""
        from perplexity_detector.detectors.loading import find_detector, load_detector

        if detector is None:
            loaded = find_detector(self._data, provenance["detector_sha256"], **extractor)
        else:
            loaded = load_detector(self._data, detector, **extractor)
        if loaded is not None:
            loaded.set_params(fpr=provenance["settings"]["fpr"])
        return loaded


def _read(report: str) -> tuple[str | None, object]:
    """Read a report: the page, if it is one, and the values in it.

    Raises:
        InputError: it cannot be read, or holds no explanation.
    """
    from perplexity_detector.web import embedded_in

    try:
        content = Path(report).expanduser().read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise InputError(f"{report} cannot be read: {reason}.", "report") from error
    page = None if content.lstrip().startswith("{") else content
    data = content if page is None else embedded_in(page)
    if data is None:
        raise InputError(
            f"{report} is no report: it is neither JSON nor a page that holds one explanation.",
            "report",
        )
    try:
        return page, json.loads(data, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{report} is damaged: its JSON cannot be read.", "report") from error


def _refuse(constant: str) -> None:
    raise ValueError(f"JSON has no number {constant}")


def _check_page(page: str, values: dict[str, Any]) -> Check:
    """Whether the page around the numbers is what this version makes of them."""
    from perplexity_detector.explanation.verification import Check
    from perplexity_detector.web import report_html

    try:
        holds = report_html(values) == page
    except (KeyError, TypeError, ValueError):  # values that no explanation has
        holds = False
    said = "is" if holds else "is not"
    return Check("page", holds, f"{said} what this version makes of the numbers")


def _lines(checks: list[Check], values: dict[str, Any]) -> list[str]:
    """What was found, for a terminal: a line for each check, then the conclusion."""
    lines = [f"{one.name:<12} {_SAID[one.holds]:<14} {one.finding}" for one in checks]
    failed = [one.name for one in checks if one.holds is False]
    said = f"does not hold: {', '.join(failed)}" if failed else "holds"
    lines += ["", f"The report {said}."]
    provenance = values["provenance"]
    if "version" in failed:
        lines.append(
            f"It was made by version {provenance['package_version']}: verify it with that one."
        )
    if "detector" in failed:
        lines.append("It was made by another detector: name that one with --detector=FOLDER.")
    if {"probability", "evidence"} & set(failed) and provenance["settings"].get("device") != "cpu":
        lines.append(
            "It was made on another device than a CPU, where numbers are rounded otherwise."
        )
    claims = [f"id {values.get('id') or 'none'}", f"time {provenance.get('time')}"]
    if left_out := values.get("left_out"):
        claims.append(f"left out of the document {describe(left_out)}")
    lines.append(f"Not computed again, so not confirmed: {', '.join(claims)}.")
    # what stands in a report can hold anything, escape sequences included
    return ["".join(one if one.isprintable() else "?" for one in line) for line in lines]
