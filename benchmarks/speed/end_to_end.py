"""Whole predictions, from csv to results: speed, where time goes, and time to first result."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import chain, cycle, islice
from pathlib import Path
from statistics import fmean, median
from typing import Any

import pandas as pd

from benchmarks.records import SAMPLE
from perplexity_detector.cli.options import DatasetOptions
from perplexity_detector.detectors.cascade import CascadeDetector
from perplexity_detector.detectors.loading import load_detector
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.pipelines.predict import predict
from perplexity_detector.text import canonicalise, crop

DETECTORS = ("standard", "auto", "fast")
#: Essays of a whole prediction, and words of an essay.
ESSAYS, WORDS = 24, 300
#: Whose start is timed: the default, and the one that reads to the end.
STARTED = ("auto", "standard")
#: Times the stages of `predict` before its first result; prints a line of json.
_STAGES = """
import json, sys, time
stages = {}
start = time.perf_counter()
def done(name):
    global start
    stages[name] = time.perf_counter() - start
    start = time.perf_counter()
import torch
done("import_torch")
from perplexity_detector.detectors.cascade import CascadeDetector
from perplexity_detector.detectors.loading import load_detector
from perplexity_detector.pipelines.predict import predict
done("other_imports")
from perplexity_detector.lm.reading_options import ReadingOptions
from perplexity_detector.lm.scorer_cache import shared_scorer
shared_scorer(ReadingOptions(depth=float(sys.argv[3])))
done("load_language_model")
from pathlib import Path
detector = load_detector(Path("none"), sys.argv[2])
done("load_detector")
detector.assess([Path(sys.argv[1]).read_text()])
done("assess_one_essay")
print(json.dumps(stages))
"""


def end_to_end(count: int, rounds: int, precisions: list[str]) -> list[dict[str, Any]]:
    """The detectors in each precision over a csv of essays of 300 words; they alternate.

    `language_model` is its share of the time, `cores_busy` processor time divided by wall-clock
    time, `early` the share of essays that leave before the end.
    """
    essays = of_300_words(count)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "essays.csv"
        pd.DataFrame({"id": range(len(essays)), "text": essays}).to_csv(file, index=False)
        runs = {
            (name, precision): Run(name, precision, file)
            for name in DETECTORS
            for precision in precisions
        }
        for _ in range(rounds):
            for run in runs.values():
                run.once()
    return [
        {
            "detector": name,
            "precision": precision,
            "texts_per_second": len(essays) / median(run.seconds),
            "language_model": median(run.shares),
            "cores_busy": median(run.busy),
            "early": run.early(essays),
        }
        for (name, precision), run in runs.items()
    ]


def of_300_words(count: int) -> list[str]:
    """Essays of the sample, by people and by models in turn, each two of a class cut to one."""
    by_class = []
    for _, of_class in pd.read_csv(SAMPLE).groupby("generated")["text"]:
        essays = [canonicalise(text) for text in of_class]
        pairs = zip(essays, [*essays[1:], essays[0]], strict=True)
        by_class.append([crop(" ".join(pair), WORDS) for pair in pairs])
    return list(islice(cycle(chain(*zip(*by_class, strict=True))), count))


class Run:
    """A detector that scores a csv repeatedly, and the time of each run."""

    def __init__(self, name: str, precision: str, file: Path) -> None:
        self.file = file
        self.detector = load_detector(Path("none"), name, precision=precision)
        self.seconds: list[float] = []
        self.shares: list[float] = []
        self.busy: list[float] = []
        self._reading = 0.0

    def once(self) -> None:
        """Score it once."""
        # looked up for each run: only the scorers used last stay in memory
        scorers = self._scorers()
        streams = [scorer.stream for scorer in scorers]
        for scorer, stream in zip(scorers, streams, strict=True):
            scorer.stream = self._timed(stream)
        self._reading = 0.0
        cpu, start = time.process_time(), time.perf_counter()
        try:
            chunks = DatasetOptions.parse({}).read_chunks(str(self.file))
            for _ in predict(chunks, self.detector, self.file.with_name("results.csv")):
                pass
        finally:
            for scorer, stream in zip(scorers, streams, strict=True):
                scorer.stream = stream
        seconds = time.perf_counter() - start
        self.seconds.append(seconds)
        self.shares.append(self._reading / seconds)
        self.busy.append((time.process_time() - cpu) / seconds)

    def _scorers(self) -> list[Any]:
        """What the detector reads with: a cascade begins with a scorer of its own."""
        first: Any = getattr(self.detector, "first_", self.detector)
        both = (first.extractor_.scorer(), self.detector.extractor_.scorer())
        return list(dict.fromkeys(both))

    def early(self, essays: list[str]) -> float:
        """Share of essays that the detector does not read to the end."""
        if not isinstance(self.detector, CascadeDetector):
            return 0.0
        return fmean(one.settled_early for one in self.detector.assess_texts(essays))

    def _timed(self, stream: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        def timed(*arguments: Any) -> Iterator[Any]:
            outputs = stream(*arguments)
            end = object()
            while True:
                start = time.perf_counter()
                output = next(outputs, end)
                self._reading += time.perf_counter() - start
                if output is end:
                    return
                yield output

        return timed


def hooks(texts: int, rounds: int) -> float:
    """Share of processor time that pooling hidden states adds to reading."""
    scorer = LanguageModelScorer()
    essays = of_300_words(texts)
    layers = [scorer.layer_at(share) for share in (0.25, 0.5, 0.75, 1)]
    taken: dict[bool, list[float]] = {False: [], True: []}
    scorer.read(essays[:1])
    for _ in range(rounds):
        for pooled, seconds in taken.items():
            start = time.process_time()
            scorer.read(essays, layers if pooled else ())
            seconds.append(time.process_time() - start)
    return median(taken[True]) / median(taken[False]) - 1


def start_up(rounds: int) -> dict[str, dict[str, float]]:
    """Seconds of each stage up to the first result of `predict` on one essay, and of the command.

    By detector. The stages run one after the other. In the command the language model loads while
    what follows torch is imported.
    """
    found: dict[str, list[dict[str, float]]] = {name: [] for name in STARTED}
    with tempfile.TemporaryDirectory() as folder:
        essay = pd.read_csv(SAMPLE).head(1)
        text, file = Path(folder) / "essay.txt", Path(folder) / "essay.csv"
        text.write_text(essay["text"][0], encoding="utf-8")
        essay.to_csv(file, index=False)
        for name in list(STARTED) * rounds:
            stages = [sys.executable, "-c", _STAGES, str(text), name, str(_first_depth(name))]
            done = subprocess.run(stages, check=True, capture_output=True, text=True)
            one: dict[str, float] = json.loads(done.stdout)
            results = Path(folder) / "results.csv"
            results.unlink(missing_ok=True)
            command = [sys.executable, "-m", "perplexity_detector", "predict", str(file)]
            command += [f"--detector={name}", f"--output={results}"]
            start = time.perf_counter()
            with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
                while process.poll() is None and not results.exists():
                    time.sleep(0.01)
                one["first_result"] = time.perf_counter() - start
            if process.returncode:
                raise SystemExit("predict failed.")
            found[name].append(one | {"end": time.perf_counter() - start})
    return {
        name: {stage: median(one[stage] for one in of_name) for stage in of_name[0]}
        for name, of_name in found.items()
    }


def _first_depth(name: str) -> float:
    """Share of the language model's blocks that a detector reads before anything else."""
    detector = load_detector(Path("none"), name)
    first: Any = getattr(detector, "first_", detector)
    return float(first.extractor_.depth)
