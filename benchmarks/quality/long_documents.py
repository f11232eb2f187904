"""What sampling long documents saves, and what it changes.

Run from the root of the checkout: `python -m benchmarks.quality.long_documents measure
--corpus=CORPUS --prose=FOLDER --scores=FOLDER --detector=fast`, then `... report --scores=FOLDER`.
What is found of a document is appended to a file in the folder of scores, so that a stopped run
continues, and a report is of the documents that were read.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import fire
import numpy as np
import pandas as pd

from benchmarks.machine import machine
from benchmarks.quality.long_texts import BOTH, PEOPLE, long_documents
from benchmarks.quality.scored import FPR
from benchmarks.records import RESULTS, write_json
from perplexity_detector.classifier.assessment import Assessment
from perplexity_detector.classifier.calibration import clopper_pearson_upper
from perplexity_detector.classifier.verdicts import GENERATED, MIXED, OUTLIER, UNCERTAIN
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.evaluation import metrics

OUTPUT = RESULTS / "long_documents.json"
#: End of the names of files by `benchmarks.quality.long_documents_joined`.
JOINED = ".joined.jsonl"


def measure(
    corpus: str,
    prose: str,
    scores: str,
    detector: str = "fast",
    precision: str = "auto",
    minutes: float = 600,
) -> None:
    """Read documents by a sample, and some of them whole, one after the other.

    Args:
        corpus: labelled texts with source, generator and split.
        prose: folder of long documents by people, `*.txt.zst`.
        scores: folder of what is found.
        detector: that reads them.
        precision: of the language model.
        minutes: after which no further document is begun.
    """
    end = time.monotonic() + 60 * minutes
    loaded = TextDetector.from_pretrained(detector, precision=precision)
    documents = long_documents(corpus, prose)
    file = Path(scores) / f"{detector}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    known = {str(row["id"]) for row in _read(file)}
    loaded.assess(["A first text, so that no document waits for what is loaded with it."])
    with file.open("a", encoding="utf-8") as results:
        for document in documents[~documents["id"].isin(known)].to_dict("records"):
            if time.monotonic() > end:
                break
            text = document.pop("text")
            found = {**document, "precision": precision, "sampled": _timed(loaded, text, False)}
            if document["paired"]:
                found["whole"] = _timed(loaded, text, True)
            results.write(json.dumps(found, default=float) + "\n")
            results.flush()


def _timed(detector: TextDetector, text: str, exhaustive: bool) -> dict[str, Any]:
    detector.exhaustive = exhaustive
    began = time.perf_counter()
    (one,) = detector.assess_texts([text])
    return {**values(detector, one), "seconds": time.perf_counter() - began}


def values(detector: TextDetector, one: Assessment) -> dict[str, Any]:
    """What is kept of an assessment, plain values."""
    return {
        "log_odds": float(detector.calibrator_.log_odds(np.array([one.raw_score]))[0]),
        "verdict": one.verdict,
        "note": one.note,
        "words": one.n_words,
        "words_read": one.n_words_read,
    }


def report(scores: str, output: str = str(OUTPUT)) -> None:
    """Write the figures of all detectors to json.

    Args:
        scores: folder of what `measure` found.
        output: the json file.
    """
    by_detector = {
        file.stem: figures(_read(file))
        for file in sorted(Path(scores).glob("*.jsonl"))
        if not file.name.endswith(JOINED)
    }
    joined = {
        file.name.removesuffix(JOINED): figures(_read(file))
        for file in sorted(Path(scores).glob(f"*{JOINED}"))
    }
    record = {
        "machine": machine(("torch", "xgboost")),
        "detectors": by_detector,
        "joined": joined,
    }
    write_json(output, record)
    for name, found in [*by_detector.items(), *joined.items()]:
        print(name, pd.DataFrame(found["lengths"]).round(3).to_string(), found["all"], sep="\n")


def _read(file: Path) -> list[dict[str, Any]]:
    if not file.is_file():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def figures(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Everything that is reported of one detector.

    Args:
        found: a document each, as `measure` writes them.

    Returns:
        `lengths`, of each kind of writer and length; `all`, over all documents of one kind of
        writer that were read whole, too; `both`, of those with a passage by a model; `people`, how
        many of people's shortest documents, no two of which share a text, are flagged, with the
        upper bound of the rate; `kinds`, the same of each kind.
    """
    frame = pd.json_normalize(found)
    paired = frame[frame["paired"]]
    rows = [
        {"writer": writer, "length": length, **_compared(part)}
        for (writer, length), part in paired.groupby(["writer", "length"])
    ]
    people = frame[frame["writer"] == PEOPLE]
    # longer ones share texts with these
    people = people[people["length"] == people["length"].min()]
    both, by_one = paired[paired["writer"] == BOTH], paired[paired["writer"] != BOTH]
    return {
        "precision": found[0]["precision"],
        "lengths": rows,
        "all": {
            **_compared(by_one),
            **{way: _discrimination(by_one, way) for way in ("sampled", "whole")},
        },
        "both": _compared(both) if len(both) else {},
        "people": {
            "sampled": _flagged(people, "sampled"),
            "whole": _flagged(people[people["paired"]], "whole"),
        },
        "kinds": _by_kind(people),
    }


def _compared(part: pd.DataFrame) -> dict[str, float]:
    """A sample against the whole, of documents that were read both ways."""
    changed = part["sampled.verdict"] != part["whole.verdict"]
    flagged = {way: part[f"{way}.verdict"] == GENERATED for way in ("sampled", "whole")}
    settled = part["sampled.words_read"] < part["sampled.words"]
    return {
        "documents": len(part),
        "settled": settled.mean(),
        "words_read": (part["sampled.words_read"] / part["sampled.words"]).mean(),
        "words_read_median": part["sampled.words_read"].median(),
        **_times(part),
        "verdicts_changed": changed.mean(),
        "flags_lost": (flagged["whole"] & ~flagged["sampled"]).mean(),
        "flags_gained": (flagged["sampled"] & ~flagged["whole"]).mean(),
        "sampled_flagged": flagged["sampled"].mean(),
        "whole_flagged": flagged["whole"].mean(),
        "sampled_uncertain": (part["sampled.verdict"] == UNCERTAIN).mean(),
        "whole_uncertain": (part["whole.verdict"] == UNCERTAIN).mean(),
        "sampled_mixed": (part["sampled.verdict"] == MIXED).mean(),
        "whole_mixed": (part["whole.verdict"] == MIXED).mean(),
        "whole_outliers": (part["whole.note"] == OUTLIER).mean(),
    }


def _times(part: pd.DataFrame) -> dict[str, float]:
    """Times of documents of which the language model read both ways now."""
    if "whole.seconds" not in part:
        return {}
    sampled, whole = part["sampled.seconds"], part["whole.seconds"]
    return {
        "times_faster": whole.sum() / sampled.sum(),
        "sampled_seconds": sampled.mean(),
        "whole_seconds": whole.mean(),
    }


def _discrimination(paired: pd.DataFrame, way: str) -> dict[str, float]:
    labels, scores = paired["generated"].to_numpy(), paired[f"{way}.log_odds"].to_numpy()
    if len(set(labels.tolist())) < 2:
        return {}
    return {
        "auroc": metrics.auroc(labels, scores),
        "tpr_at_1": metrics.tpr_at_fpr(labels, scores, FPR),
    }


def _flagged(people: pd.DataFrame, way: str) -> dict[str, float]:
    flags = (people[f"{way}.verdict"] == GENERATED).to_numpy()
    return {
        "documents": len(flags),
        "flagged": int(flags.sum()),
        "upper_bound": clopper_pearson_upper(int(flags.sum()), len(flags)),
    }


def _by_kind(people: pd.DataFrame) -> dict[str, dict[str, float]]:
    """People's documents of each kind that a sample flags."""
    flags = people["sampled.verdict"] == GENERATED
    counts = flags.groupby(people["kind"]).agg(["size", "sum"])
    return {
        str(kind): {"documents": int(row["size"]), "flagged": int(row["sum"])}
        for kind, row in counts.iterrows()
    }


if __name__ == "__main__":
    fire.Fire({"measure": measure, "report": report})
