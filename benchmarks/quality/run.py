"""How detectors do on sources, generators and genres they never saw; on disguises and lengths.

Run from the root of the checkout: `python -m benchmarks.quality
--corpus=../shared/data/corpus.parquet --auxiliary=.cache/auxiliary.parquet --cache=.cache/states`.
What a fold leaves out, nothing that learns has seen: n-grams, probes, vocabularies, trees,
calibrator, thresholds.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from benchmarks.machine import machine
from benchmarks.quality import protocol, samples, stress
from benchmarks.quality import regression_gate as floor
from benchmarks.quality import tables as quality_tables
from benchmarks.quality.auxiliary import CONTINUED
from benchmarks.quality.fold_data import Lesson, Texts, Trained
from benchmarks.quality.fold_evaluator import Figures, Judge, baseline_figures
from benchmarks.quality.record import keep_beside, with_detector
from perplexity_detector.detectors import registry, trees
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.evaluation import metrics
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.registry import available_families, default_families
from perplexity_detector.sampling.balance import balancing_weights

RESULTS = Path(__file__).parents[1] / "results" / "quality.json"
#: The shipped detectors, and the share of the language model's blocks that each reads.
SHIPPED = {"standard": 1.0, "fast": 0.5}
#: Auxiliary texts that a detector does better without.
WITHOUT = {"fast": CONTINUED}
BASELINES = (
    "rules", "tfidf", "gltr", "diveye", "log_likelihood", "log_rank", "entropy", "lrr",
    "fast_detect_gpt", "lastde",
)  # fmt: skip
#: Detectors whose figures have intervals.
MAIN = ("standard", "fast", "tfidf")
#: People of a left-out source that set its thresholds anew; the others are judged.
OWN_PEOPLE = 100
#: What `--quick` reads: texts of a source and class, in training and held out, their words, folds.
QUICK_TEXTS, QUICK_WORDS = (12, 6), 100
QUICK_FOLDS = ("test split", "Fast-DetectGPT and kin", "detectrl", "outfox", "frontier_debate")


def main(
    corpus: str,
    cache: str | None = None,
    quick: bool = False,
    per_group: int = 100,
    per_group_held_out: int = 60,
    auxiliary: str | None = None,
    prose: str | None = None,
    polished: str | None = None,
    processes: int = 2,
    precision: str = "auto",
    only: str | None = None,
    output: str = str(RESULTS),
    raise_floor: bool = False,
) -> None:
    """Measure everything, print the tables, write json.

    Args:
        corpus: labelled texts with domain, generator, attack, prompt_id, source and split.
        cache: a folder that keeps what the language model said.
        quick: a small part in minutes, held against `floor.json`; exits 1 under it.
        per_group: texts of one source and class in the train split.
        per_group_held_out: the same in valid and test.
        auxiliary: texts that are learned from besides, as `benchmarks.auxiliary` writes them.
        prose: a folder of prose by people; `../lm_corpus` beside the corpus if not given.
        polished: texts by people that a model polished; `polished.parquet` beside the corpus.
        processes: that folds are shared among.
        precision: in which the language model reads.
        only: `standard` or `fast`, to measure that detector alone; the json keeps all else.
        output: the json file.
        raise_floor: with quick, lift `floor.json` to what was reached, less `SLACK`.
    """
    extractor = FeatureExtractor(
        list(available_families()), precision=precision, cache=cache, progress=True
    )
    if quick:
        floor.check(_quick(corpus, extractor, processes), raise_floor)
        return
    beside = Path(corpus).parent
    start = time.perf_counter()
    rows = samples.corpus(corpus, per_group, per_group_held_out)
    taught = [rows, samples.auxiliary(auxiliary)] if auxiliary else [rows]
    texts = Texts.read(pd.concat(taught, ignore_index=True), extractor)
    others = {
        "prose": samples.people(prose or beside.parent / "lm_corpus", 120),
        "attacks": samples.attacked(rows, corpus, 80),
        "lengths": samples.long_texts(corpus, 8),
        "learners": samples.learners(rows, 40),
        "odd": samples.odd(),
        "polished": samples.polished(polished or str(beside / "polished.parquet"), 40),
    }
    sets = {name: Texts.read(frame, extractor) for name, frame in others.items()}
    read = time.perf_counter() - start
    folds = list(protocol.folds(texts.rows))
    results = run(texts, folds, extractor, processes, sets, [only] if only else list(SHIPPED))
    earlier = json.loads(Path(output).read_text(encoding="utf-8")) if Path(output).is_file() else {}
    if only:
        record = with_detector(earlier, only, results)
    else:
        record = {
            "machine": machine(("torch", "xgboost", "scikit-learn")),
            "texts": {name: len(part.rows) for name, part in {"corpus": texts, **sets}.items()},
            "seconds": {"reading": read, "folds": time.perf_counter() - start - read},
            **results,
        }
        keep_beside(record, earlier)
    Path(output).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(summary(record).round(3).to_string())


def _quick(corpus: str, extractor: FeatureExtractor, processes: int) -> dict[str, float]:
    """Mean AUROC of both detectors on a small sample, of seen sources and of some left out."""
    # without disguised copies, which take a third of the time and gain nothing here
    rows = samples.corpus(corpus, *QUICK_TEXTS, max_words=QUICK_WORDS, augmentation_rate=0)
    texts = Texts.read(rows, extractor)
    folds = [fold for fold in protocol.folds(rows) if fold.name in QUICK_FOLDS]
    found = run(texts, folds, extractor, processes, {}, list(SHIPPED))["folds"]
    reached = {}
    for detector in ("standard", "fast"):
        for kind in ("none", "source"):
            figures_of = [fold["detectors"][detector] for fold in found if fold["kind"] == kind]
            mean = np.mean([figures["auroc"] for figures in figures_of])
            reached[f"{detector}, {kind} left out"] = float(mean)
    return reached


def summary(record: dict[str, Any]) -> pd.DataFrame:
    """Means over the sources left out, detector by detector."""
    names = record["folds"][0]["detectors"]
    return pd.DataFrame({name: quality_tables.means(record, name) for name in names}).T


def run(
    texts: Texts,
    folds: list[protocol.Fold],
    extractor: FeatureExtractor,
    processes: int,
    sets: dict[str, Texts],
    names: list[str],
) -> dict[str, Any]:
    """Every fold; and, trained on the fold that leaves nothing out, the other sets of texts.

    Without such sets, or without `standard` among the names, detectors alone are measured.
    """
    fork = multiprocessing.get_context("fork")  # the texts that were read need not be copied
    _shared[:] = [(texts, folds, extractor, sets, names)]
    with ProcessPoolExecutor(processes, fork) as pool:
        found = list(tqdm(pool.map(_fold, range(len(folds))), total=len(folds), disable=None))
    stressed = next((extra for _, extra in found if extra), {})
    return {"folds": [fold for fold, _ in found], **stressed}


#: What the processes share.
_shared: list[tuple[Texts, list[protocol.Fold], FeatureExtractor, dict[str, Texts], list[str]]] = []


def _fold(number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    texts, folds, extractor, sets, names = _shared[0]
    fold = folds[number]
    judge = Judge(texts, fold)
    shipped = _shipped(names, texts, fold)
    told = {name: one.lesson.told(texts, fold.tested) for name, one in shipped.items()}
    found = {}
    for name, trained in shipped.items():
        found[name] = judge.figures(
            trained.probabilities(told[name]), trained.calibrator.thresholds, intervals=True
        )
    lesson = shipped[names[0]].lesson
    about: dict[str, Any] = {
        "kind": fold.kind,
        "name": fold.name,
        "trained": int(lesson.calibration_mask.sum()),
        "learned_only": int((~lesson.calibration_mask).sum()),
    }
    about["detectors"] = found
    if not sets:
        return about, {}
    about["recalibrated"] = {
        name: stress.recalibrated(one, told[name], judge.new_people, judge.tokens, OWN_PEOPLE)
        for name, one in shipped.items()
    }
    extra = stress.all_of(shipped, texts, fold, sets) if fold.kind == "none" else {}
    if "standard" in shipped:
        found |= _beside(shipped["standard"], told["standard"], texts, judge, extractor)
    return about, extra


def _shipped(names: list[str], texts: Texts, fold: protocol.Fold) -> dict[str, Trained]:
    """The detectors of these names, each trained on what it learns from of a fold."""
    shipped: dict[str, Trained] = {}
    for name in names:
        taught = fold.trained & (texts.rows["source"] != WITHOUT.get(name)).to_numpy()
        same = [one.lesson for one in shipped.values() if len(one.lesson.place) == taught.sum()]
        lesson = same[0] if same else Lesson.of(texts, taught)
        shipped[name] = Trained.on(lesson, lesson.features_at(SHIPPED[name]))
    return shipped


def _beside(
    standard: Trained, told: np.ndarray, texts: Texts, judge: Judge, extractor: FeatureExtractor
) -> dict[str, Figures]:
    """Each family alone, all but it, and the baselines."""
    found = {}
    lesson, count = standard.lesson, standard.detector.booster_.num_boosted_rounds()
    whole = set(default_families())
    for name in available_families():
        changed = "without" if name in whole else "with"
        for what, families in ((f"{name} alone", {name}), (f"{changed} {name}", whole ^ {name})):
            columns = lesson.columns(families.__contains__)
            found[what] = _trees_alone(lesson, told, columns, count, judge)
    for name in BASELINES:
        found[name] = _baseline(name, lesson, texts, judge, extractor)
    return found


def _trees_alone(
    lesson: Lesson, told: np.ndarray, columns: list[int], count: int, judge: Judge
) -> Figures:
    """AUROC and TPR of as many trees over some families; no thresholds, for it takes one turn."""
    part = trees.TrainingMatrix(
        lesson.table[:, columns],
        lesson.labels,
        balancing_weights(lesson.labels, lesson.sources),
        [lesson.names[i] for i in columns],
    )
    booster = trees.train(part, TextDetector(n_jobs=1).tree_settings(), count)
    scores = trees.margins(booster, told[:, columns], 1)
    return {
        "auroc": metrics.auroc(judge.labels, scores),
        "tpr_at_1": metrics.tpr_at_fpr(judge.labels, scores, 0.01),
        "tpr_at_5": metrics.tpr_at_fpr(judge.labels, scores, 0.05),
    }


def _baseline(
    name: str, lesson: Lesson, texts: Texts, judge: Judge, extractor: FeatureExtractor
) -> Figures:
    # with the extractor's settings it shares the language model that was loaded before the fork:
    # one that is loaded after it waits for threads that are not there
    shared = registry.extractor_settings(name) & {"lm", "precision", "cache"}
    baseline = registry.make_detector(
        name, **{setting: getattr(extractor, setting) for setting in shared}
    )
    place = lesson.place[lesson.calibration_mask]
    return baseline_figures(baseline, texts, place, judge, intervals=name in MAIN)
