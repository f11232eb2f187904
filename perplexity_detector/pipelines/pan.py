"""A run of PAN's task "Voight-Kampff Generative AI Detection": a folder of jsonl in, one out.

The task is at https://pan.webis.de; its software submissions run in TIRA. This follows the format
of 2025: lines `{"id": ..., "text": ...}` in, lines `{"id": ..., "label": ...}` out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from perplexity_detector.classifier.assessment import Assessment
from perplexity_detector.classifier.base import CalibratedClassifier
from perplexity_detector.classifier.verdicts import GENERATED, MIXED, UNCERTAIN
from perplexity_detector.errors import DatasetError, InputError
from perplexity_detector.io.atomic import replace_file
from perplexity_detector.io.datasets import read_chunks
from perplexity_detector.io.row_problems import ProblemReport
from perplexity_detector.io.working_files import open_no_link
from perplexity_detector.pipelines.predict import CHUNK_ROWS

#: The file that is written.
ANSWERS = "predictions.jsonl"
#: The label of a text that is left unanswered.
UNANSWERED = 0.5


def input_files(folder: str | Path) -> list[Path]:
    """The jsonl files of a folder, in order, or the one file that is given.

    Raises:
        DatasetError: there is none.
    """
    path = Path(folder)
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DatasetError(f"There is no folder {path}.")
    files = sorted(path.glob("[!.]*.jsonl"))
    if not files:
        raise DatasetError(f"{path} has no file *.jsonl.")
    return files


def answer(
    files: list[Path], detector: CalibratedClassifier, output: str | Path, abstain: bool = True
) -> Iterator[list[float]]:
    """Label every text and write `predictions.jsonl`, which appears when it is whole.

    Args:
        files: jsonl with id and text.
        detector: trained.
        output: the folder to write to; made if it is not there.
        abstain: leave texts with the verdict `uncertain` unanswered; otherwise only those that
            could not be read.

    Yields:
        The labels of some texts, in order.

    Raises:
        DatasetError: a file cannot be read.
        InputError: the answers cannot be written.
    """
    target = Path(output) / ANSWERS
    partial = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            open_no_link(partial, "w") as file,
            ProblemReport() as report,
            tqdm(unit=" texts", disable=None) as bar,
        ):
            for path in files:
                for frame in read_chunks(path, chunk_rows=CHUNK_ROWS, format="jsonl"):
                    report.add(frame[frame["problem"] != ""])
                    readable = (frame["problem"] == "").to_numpy()
                    assessed = iter(detector.assess_texts(frame["text"][readable].tolist()))
                    labels = [
                        label(next(assessed), abstain) if usable else UNANSWERED
                        for usable in readable
                    ]
                    for row_id, value in zip(frame["id"], labels, strict=True):
                        line = json.dumps({"id": row_id, "label": value}, ensure_ascii=False)
                        file.write(line + "\n")
                    bar.update(len(frame))
                    yield labels
        replace_file(partial, target)
    except DatasetError as error:
        # PAN's format has no options, such as another encoding, that a hint could name
        raise DatasetError(f"{error.message.rstrip('.')}.") from error
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror}.") from error
    finally:
        partial.unlink(missing_ok=True)


def label(assessment: Assessment, abstain: bool = True) -> float:
    """The probability that a text is generated, on the side of one half where its verdict lies.

    Args:
        assessment: of the text.
        abstain: give exactly one half to a text that is uncertain or mixed.
    """
    probability = assessment.probability
    if assessment.verdict in (UNCERTAIN, MIXED):
        return UNANSWERED if abstain else probability
    if assessment.verdict == GENERATED:
        return max(probability, math.nextafter(UNANSWERED, 1))
    return min(probability, math.nextafter(UNANSWERED, 0))
