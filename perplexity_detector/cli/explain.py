"""The command `explain`: one text in, a report out."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from fire.decorators import SetParseFns

from perplexity_detector.cli.base import Commands
from perplexity_detector.cli.options import parse_rate, parse_str
from perplexity_detector.errors import InputError
from perplexity_detector.logs import get_logger, timed

if TYPE_CHECKING:
    from perplexity_detector.cli.options import DatasetOptions
    from perplexity_detector.explanation.explanation import Explanation


class ExplainCommand(Commands):
    """Explains."""

    # Fire would make a tuple of "well, yes" and a number of the id 007
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
        precision: str = "auto",
        cache: str | None = None,
        **dataset_options: Any,
    ) -> None:
        """Write a report on one text, to open in a browser or print: ./data/report.html.

        Args:
            dataset: the file that holds the text, or - for standard input.
            id: which of its texts.
            text: the text itself, instead of a dataset; - for standard input.
            output: the report's file: .html, or .json for the numbers; - writes them to standard
                output.
            detector: fast, standard or a folder; as in predict.
            lm: as in predict.
            fpr: false-positive rate of the verdict, from 0 to 1; the detector's if not given.
            device: auto, cpu or cuda.
            precision: auto, float32, bfloat16, float16 or int8.
            cache: a folder that keeps what the language model said, for another time.
            **dataset_options: names of columns, encoding and format, see above.
        """
        target = output or str(self._data / "report.html")
        # no text is ever logged
        told = None if text is None else "..."
        options = self._start(
            "explain", dataset_options, dataset=dataset, id=id, text=told, output=target,
            detector=detector, lm=lm, fpr=fpr, device=device, precision=precision, cache=cache,
        )  # fmt: skip
        fpr = None if fpr is None else parse_rate(fpr)
        if (text is None) == (dataset is None):
            raise InputError("Give either --text, or --dataset and --id.")
        with timed(get_logger(), "explain"):
            from perplexity_detector.detectors.loading import detector_name, load_detector

            found = _text(text) if dataset is None else _row(options, dataset, id)
            loaded = load_detector(
                self._data,
                detector,
                lm,
                fpr,
                device=device,
                precision=precision,
                cache=parse_str(cache),
            )
            name = detector_name(self._data, detector)
            explanation = loaded.explain(found, id=id, detector=name)
            _write(explanation, target)
        print(summary(explanation), file=sys.stderr if target == "-" else sys.stdout)
        if target != "-":
            print(f"Report: {target}", file=sys.stderr)


def summary(explanation: Explanation) -> str:
    """The verdict and its reasons, for a terminal."""
    told = explanation
    note = f" ({told.note})" if told.note else ""
    first = f"{told.verdict}{note}, probability {told.probability:.3f}, {told.words} words"
    return "\n".join([first, *(f"- {reason}" for reason in (*told.reasons, *told.warnings))])


def _text(text: str | None) -> str:
    return sys.stdin.read() if text == "-" else str(text)


def _row(options: DatasetOptions, dataset: str, id: str | None) -> str:
    """The text with that id; the rows after it are not read."""
    if id is None:
        raise InputError("Say which text of the dataset with --id.")
    seen = 0
    for chunk in options.read_chunks(dataset):
        for row in chunk[chunk["id"].astype(str) == id].to_dict("records"):
            if row["problem"]:
                raise InputError(f"The text {id} in {dataset} cannot be read: {row['problem']}.")
            return str(row["text"])
        seen += len(chunk)
    raise InputError(f"None of the {seen} rows of {dataset} has the id {id}: check --id.")


def _write(explanation: Explanation, target: str) -> None:
    told = explanation.to_dict()
    if target == "-" or target.lower().endswith(".json"):
        # in ASCII, so that half a character cannot break the file
        content = json.dumps(told, indent=1, allow_nan=False) + "\n"
    else:
        from perplexity_detector.web import report_html

        content = report_html(told)
    if target == "-":
        sys.stdout.write(content)
        return
    from perplexity_detector.io.results_writer import write_atomic

    write_atomic(target, content)
