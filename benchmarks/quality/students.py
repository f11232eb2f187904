"""Small readers in place of `fast`'s: their size, speed and AUROC on sources left out.

Run from the root of the checkout: `python -m benchmarks.quality.students measure --corpus=CORPUS
--cache=FOLDER --work=FOLDER`, then `... speed --corpus=CORPUS --work=FOLDER`. A student
is a narrow Llama that learns to predict what `fast` reads, the teacher's pooled hidden states. It
sees no text of the sources that it is tested on, and no label. The first blocks of the teacher
itself, and its embedding alone, are tested in the same way. A student that is in the folder of work
is not trained again, and a reader that is in the json is not tested again.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import fire
import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from benchmarks.machine import machine
from benchmarks.quality import protocol, samples
from benchmarks.quality.distillation import Example, distil, new_student, save_student
from benchmarks.quality.fold_data import FittedFold, FoldData, Texts
from benchmarks.quality.networks import deal_sources
from benchmarks.quality.small_readers import (
    DEPTH,
    TEACHER_BLOCKS,
    Reader,
    first_reader,
    read_by,
    student_reader,
    to_layer,
)
from benchmarks.records import RESULTS, read_json, write_json
from benchmarks.speed.end_to_end import of_300_words
from perplexity_detector.evaluation import metrics
from perplexity_detector.features.cross_fitting import feature_matrix, feature_table
from perplexity_detector.features.document import Document
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.registry import FAMILIES, available_families, default_families
from perplexity_detector.features.representation import STATE_DEPTHS, state_depths
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.lm.weights import catalogue
from perplexity_detector.text import canonicalise

OUTPUT = RESULTS / "students.json"
FAST = "fast"
STUDENTS = "128x4,192x4,192x6,256x4"
FIRST_BLOCKS = (0, 1, 2, 3, 4)
#: Essays whose time is measured.
ESSAYS = 24


def measure(
    corpus: str,
    work: str,
    cache: str | None = None,
    students: str = STUDENTS,
    first_blocks: Sequence[int] = FIRST_BLOCKS,
    part: int = 0,
    per_group: int = 100,
    per_group_held_out: int = 60,
    prose: str | None = None,
    prose_per_source: int = 400,
    epochs: int = 4,
    precision: str = "bfloat16",
    output: str = str(OUTPUT),
) -> None:
    """Distil students, test every reader on sources left out, write json.

    Args:
        corpus: as for `benchmarks.quality`.
        work: folder of the students.
        cache: folder that keeps the teacher's output.
        students: width and number of blocks of each, with commas between; none if empty.
        first_blocks: numbers of the teacher's own blocks; 0 is its embedding alone.
        part: of the sources, that everything is tested on and nothing is trained on.
        per_group: as for `benchmarks.quality`.
        per_group_held_out: as for `benchmarks.quality`.
        prose: folder of human prose; `../lm_corpus` next to the corpus by default.
        prose_per_source: crops of it that students learn from too.
        epochs: times that a student reads each text.
        precision: of reading.
        output: the json file.
    """
    extractor = FeatureExtractor(
        list(available_families(DEPTH)), depth=DEPTH, precision=precision, cache=cache
    )
    texts = Texts.read(samples.corpus(corpus, per_group, per_group_held_out), extractor)
    parts = deal_sources(texts.rows)
    record = read_json(output) if Path(output).is_file() else {"readers": {}}
    record |= {"machine": machine(("torch", "xgboost")), "texts": len(texts.rows), "part": part}
    readers = record["readers"]

    def test(name: str, tested: Texts, depth: float, **described: Any) -> None:
        readers[name] = described | {"sources": by_source(tested, parts, part, depth)}
        write_json(output, record)
        print(name, {half: mean(readers[name], half) for half in protocol.HALVES}, flush=True)

    if FAST not in readers:
        test(FAST, texts, DEPTH, blocks=15, width=576, bytes=0)
    missing = [blocks for blocks in first_blocks if f"first {blocks}" not in readers]
    if 0 in missing:
        reader = first_reader(0, precision)
        test("first 0", read_by(reader, texts), reader.depth, blocks=0, width=576, bytes=0)
    if any(missing):
        deepest = read_by(first_reader(max(missing), precision), texts)
        for blocks in filter(None, missing):
            tested, depth = to_layer(deepest, blocks), STATE_DEPTHS[blocks - 1]
            test(f"first {blocks}", tested, depth, blocks=blocks, width=576, bytes=0)
    for name in names_of(students):
        width, blocks = map(int, name.split("x"))
        folder = Path(work) / name
        if not (folder / "student.json").is_file():
            general = extractor.read_documents(
                samples.human_prose(
                    prose or Path(corpus).parent.parent / "lm_corpus", prose_per_source
                )["text"]
            )
            training = (parts != part) & (texts.rows["split"] != "test").to_numpy()
            own = [texts.documents[i] for i in np.flatnonzero(training)]
            write_student(extractor, [*own, *general], width, blocks, epochs, folder)
        if name not in readers:
            reader = student_reader(folder, precision)
            described = read_json(folder / "student.json")
            test(name, read_by(reader, texts), reader.depth, **described)


def names_of(students: str) -> list[str]:
    """Names of students, which have commas between."""
    return [name for name in students.split(",") if name]


def write_student(
    extractor: FeatureExtractor,
    documents: Sequence[Document],
    width: int,
    blocks: int,
    epochs: int,
    folder: Path,
) -> None:
    """Distil a student from texts that the teacher has read, and write it to a folder."""
    start = time.perf_counter()
    torch.manual_seed(0)
    ids = [one.ids for one in extractor.scorer().tokens([one.text for one in documents])]
    examples = [
        Example(of_text, one.states)
        for of_text, one in zip(ids, documents, strict=True)
        # a longer text would have been read in several windows
        if len(of_text) - 1 == one.states.tokens.sum() > 0
    ]
    teacher = catalogue.load(depth=DEPTH).model
    embedding = teacher.get_input_embeddings().weight.float()
    counts = np.bincount(np.concatenate(ids), minlength=len(embedding))
    student = new_student(
        width, blocks, teacher.config, embedding, torch.from_numpy(counts).float()
    )
    bar = tqdm(disable=None)

    def show(step: int, steps: int, error: float) -> None:
        bar.total = steps
        bar.set_postfix(error=f"{error:.3f}", refresh=False)
        bar.update()

    error = distil(student, examples, epochs, on_step=show)
    packaged = catalogue.builtin_folder()
    assert packaged is not None
    described = {
        "blocks": blocks,
        "width": width,
        "bytes": save_student(student, folder, packaged),
        "learned_texts": len(examples),
        "learned_tokens": epochs * sum(map(len, ids)),
        "training_error": error,
        "seconds": time.perf_counter() - start,
    }
    write_json(folder / "student.json", described)


def by_source(texts: Texts, parts: np.ndarray, part: int, depth: float) -> dict[str, Any]:
    """Metrics on each source fold of a part, of a detector that was trained without the part.

    Args:
        texts: with the states that the detector reads.
        parts: part of each text, shape (texts,).
        part: that the detector is tested on.
        depth: at which a detector reads as many layers.
    """
    train = (parts != part) & (texts.rows["split"] != "test").to_numpy()
    fitted = fit(texts, train, depth)
    found = {}
    for fold in protocol.folds(texts.rows):
        if fold.kind != "source" or set(parts[fold.held_out]) != {part}:
            continue
        labels = texts.labels[fold.test]
        probabilities = fitted.probabilities(fitted.data.transform(texts, fold.test))
        found[fold.name] = {
            "half": fold.half,
            "auroc": metrics.auroc(labels, probabilities),
            "tpr_at_1": metrics.tpr_at_fpr(labels, probabilities, 0.01),
            "tpr_at_5": metrics.tpr_at_fpr(labels, probabilities, 0.05),
        }
    return found


def fit(texts: Texts, train: np.ndarray, depth: float) -> FittedFold:
    """A detector with the families of `fast`, fitted to some texts."""
    data = FoldData.from_texts(texts, train, [depth])
    return FittedFold.fit(data, data.columns_at_depth(depth), nearest_people=False)


def mean(reader: dict[str, Any], half: str, metric: str = "auroc") -> float:
    """Mean over the sources of a half."""
    found = [one[metric] for one in reader["sources"].values() if one["half"] == half]
    return float(np.mean(found))


def speed(
    corpus: str,
    work: str,
    students: str = STUDENTS,
    first_blocks: Sequence[int] = FIRST_BLOCKS,
    precisions: Sequence[str] = ("float32", "bfloat16"),
    per_group: int = 2,
    rounds: int = 3,
    output: str = str(OUTPUT),
) -> None:
    """Time every reader on the same essays, in turn, and add it to the json.

    Processor time counts, which other work on the machine changes least.

    Args:
        corpus: as for `measure`.
        work: as for `measure`.
        students: as for `measure`.
        first_blocks: as for `measure`.
        precisions: of reading.
        per_group: texts of one source and class that the timed detectors learn from.
        rounds: times that each reads the essays; the median counts.
        output: the json file, which `measure` wrote.
    """
    rows = samples.corpus(corpus, per_group, per_group)
    essays = of_300_words(ESSAYS)
    layers = [round(TEACHER_BLOCKS * share) for share in state_depths(DEPTH)]
    runs: dict[tuple[str, str], Run] = {}
    for precision in precisions:
        readers = {FAST: Reader(LanguageModelScorer(precision=precision, depth=DEPTH), layers)}
        readers |= {f"first {n}": first_reader(n, precision) for n in first_blocks}
        readers |= {
            name: student_reader(Path(work) / name, precision) for name in names_of(students)
        }
        for name, reader in readers.items():
            known = runs.get((name, precisions[0]))
            fitted = known.fitted if known else fit_few(reader, rows)
            runs[name, precision] = Run(reader, fitted, [])
    for _ in tqdm(range(rounds), disable=None):
        for run in runs.values():
            run.once(essays)
    record = read_json(output)
    record["speed"] = {"cores": torch.get_num_threads(), "machine": machine(("torch",))}
    for (name, precision), run in runs.items():
        rates = record["readers"][name].setdefault("texts_per_processor_second", {})
        rates[precision] = len(essays) / median(run.seconds)
    write_json(output, record)


class Run(NamedTuple):
    """A reader, a detector that reads its states, and the processor time that they took."""

    reader: Reader
    fitted: FittedFold
    seconds: list[float]

    def once(self, essays: Sequence[str]) -> None:
        """Judge the essays once."""
        start = time.process_time()
        documents = self.reader.documents([canonicalise(essay) for essay in essays])
        wanted = default_families(self.reader.depth)
        families = [one.family for one in self.fitted.data.blocks if one.family.name in wanted]
        table = np.hstack([feature_matrix(family, documents) for family in families])
        self.fitted.calibrator.probabilities(self.fitted.detector.raw_scores(table))
        self.seconds.append(time.process_time() - start)


def fit_few(reader: Reader, rows: pd.DataFrame) -> FittedFold:
    """A detector to be timed, fitted to few texts."""
    documents = reader.documents(rows["text"].tolist())
    fixed = feature_table(FAMILIES.values(), documents)
    return fit(Texts(rows, documents, fixed), np.full(len(rows), True), reader.depth)


if __name__ == "__main__":
    fire.Fire({"measure": measure, "speed": speed})
