"""The command `explain`: a report on one text."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fire.decorators import SetParseFns

from perplexity_detector.cli.base import Commands
from perplexity_detector.cli.options import parse_rate, parse_str
from perplexity_detector.errors import InputError
from perplexity_detector.logs import get_logger, printable, timed

if TYPE_CHECKING:
    from perplexity_detector.cli.options import DatasetOptions
    from perplexity_detector.explanation.explanation import Explanation


class ExplainCommand(Commands):
    """The command `explain`."""

    # Fire would turn "well, yes" into a tuple and the id 007 into a number
    @SetParseFns(dataset=str, id=str, text=str, output=str)
    def explain(
        self,
        dataset: str | None = None,
        id: str | None = None,
        text: str | None = None,
        output: str | None = None,
        detector: str | None = None,
        lm: str | None = None,
        fpr: float | None = None,
        device: str = "auto",
        precision: str | None = None,
        cache: str | None = None,
        **dataset_options: Any,
    ) -> None:
        """Write a report on one text, to read in a browser or print: ./data/report.html.

        Args:
            dataset: a document; or a file, folder or zip that holds the text, or - for standard
                input.
            id: id of the text in the dataset; not needed with one document.
            text: the text itself, instead of a dataset; - for standard input.
            output: file of the report: .html, or .json for its numbers; - for these on standard
                output.
            detector: auto, standard, fast or a folder; ./data/model, else auto, if not given.
            lm: folder of the detector's language model, if it was moved after training.
            fpr: false-positive rate of the verdict, from 0 to 1; the detector's if not given.
            device: auto, cpu or cuda.
            precision: float32, bfloat16, float16, int8 (CPU: faster, less exact), or auto:
                bfloat16 where that is faster and changes no verdict on a few texts, measured once
                on this machine; if not given, float32, or bfloat16 on a GPU that has it.
            cache: folder in which to keep the language model's results for later runs.
            **dataset_options: names of columns, encoding and format; see the program's help.
        """
        target = output or str(self._data / "report.html")
        # no text is ever logged
        logged_text = None if text is None else "..."
        options = self._start(
            "explain", dataset_options, dataset=dataset, id=id, text=logged_text, output=target,
            detector=detector, lm=lm, fpr=fpr, device=device, precision=precision, cache=cache,
        )  # fmt: skip
        fpr = None if fpr is None else parse_rate(fpr)
        if (text is None) == (dataset is None):
            raise InputError("Give either --text, or --dataset and --id.")
        with timed(get_logger(), "explain"):
            left_out: Mapping[str, int] = {}
            if dataset is None:
                chosen = _text(text)
            else:
                id, chosen, left_out = _find_text(options, dataset, id)
            loaded = self._load_detector(detector, lm, fpr, device, precision, cache)
            from perplexity_detector.detectors.loading import detector_name
            from perplexity_detector.explanation.explanation import with_left_out

            name = detector_name(self._data, parse_str(detector))
            explanation = with_left_out(loaded.explain(chosen, id=id, detector=name), left_out)
            _write(explanation, target)
        print(printable(summary(explanation)), file=sys.stderr if target == "-" else sys.stdout)
        if target != "-":
            print(f"Report: {target}", file=sys.stderr)


def summary(explanation: Explanation) -> str:
    """Format verdict, reasons, passages, flags and what to know of them for a terminal."""
    note = f" ({explanation.note})" if explanation.note else ""
    first = (
        f"{explanation.verdict}{note}, probability {explanation.probability:.3f}, "
        f"{explanation.words} words"
    )
    reasons = [f"- {reason}" for reason in explanation.reasons]
    flags = [f"Flag: {flag.sentence}" for flag in explanation.flags]
    notes = [f"Note: {warning}" for warning in explanation.warnings]
    return "\n".join([first, *reasons, *_marked(explanation), *flags, *notes])


def _marked(explanation: Explanation) -> list[str]:
    """Say which passages are marked, by their beginnings, and how much of the text they are."""
    share = explanation.share_generated
    if share is None or not explanation.passages:
        return []
    beginnings = [
        f"Marked passage: {textwrap.shorten(explanation.text[start:end], 70, placeholder=' ...')}"
        for start, end in explanation.passages
    ]
    return [*beginnings, f"Sentences by a model: {share.low:.0%} to {share.high:.0%}"]


def _text(text: str | None) -> str:
    if text != "-":
        return str(text)
    if sys.stdin is None:  # closed by who started this program
        raise InputError("Standard input is closed", "text", "pipe a text into it")
    return sys.stdin.read()


def _find_text(
    options: DatasetOptions, dataset: str, id: str | None
) -> tuple[str, str, Mapping[str, int]]:
    """Read a dataset up to the text with this id.

    Returns:
        Its id, the text, and what was left out of it, if it is a document.

    Raises:
        InputError: there is no such text, or it cannot be read.
    """
    path = Path(dataset)
    if options.is_documents(dataset) and not path.is_dir() and path.suffix.lower() != ".zip":
        id = id or path.name
    if id is None:
        raise InputError("Name a text of the dataset with --id.")
    seen = 0
    for chunk in options.read_chunks(dataset):
        for row in chunk[chunk["id"].astype(str) == id].to_dict("records"):
            if row["problem"]:
                raise InputError(f"The text {id} in {dataset} cannot be read: {row['problem']}.")
            return id, str(row["text"]), row.get("left_out", {})
        seen += len(chunk)
    raise InputError(f"None of the {seen} rows of {dataset} has the id {id}: check --id.")


def _write(explanation: Explanation, target: str) -> None:
    plain = explanation.to_dict()
    if target == "-" or target.lower().endswith(".json"):
        # in ASCII, since half a surrogate pair cannot be encoded
        content = json.dumps(plain, indent=1, allow_nan=False) + "\n"
    else:
        from perplexity_detector.web import report_html

        content = report_html(plain)
    if target == "-":
        sys.stdout.write(content)
        return
    from perplexity_detector.io.results_writer import write_atomic

    write_atomic(target, content)
