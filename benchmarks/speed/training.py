"""What training costs: reading, resuming after a kill, reading from the cache, the trees.

Run from the root of the checkout: `python -m benchmarks.speed.training --corpus=CORPUS`; with
`--cache=FOLDER`, texts that an earlier training cached are looked up, too. Only a sample is read;
figures for 20,000 texts are projections.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from pathlib import Path
from typing import Any

import fire
import numpy as np
import pandas as pd

from benchmarks.machine import cores, machine
from benchmarks.records import RESULTS, write_json
from perplexity_detector.detectors import trees
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.features import representation
from perplexity_detector.features.cross_fitting import feature_table
from perplexity_detector.features.document import Document
from perplexity_detector.features.extractor import CHUNK_TEXTS
from perplexity_detector.features.registry import FAMILIES
from perplexity_detector.lm.cache import SHARD_TEXTS, CachedScorer
from perplexity_detector.lm.outputs import TokenIds
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.text import canonicalise, crop

OUTPUT = RESULTS / "training.json"
#: Texts that figures are projected to.
PROJECTED_TEXTS = 20_000


def main(
    corpus: str,
    cache: str | None = None,
    output: str = str(OUTPUT),
    texts: int = 4 * SHARD_TEXTS,
    words: int = 300,
    looked_up: int = 10_000,
    cached_words: int = 200,
    rounds: int = 200,
    precision: str = "float32",
) -> None:
    """Measure, print, and write json.

    Args:
        corpus: parquet with columns `text` and `generated`.
        cache: folder that a training has filled with texts of the corpus; nothing is added.
        output: the json file.
        texts: number of texts read.
        words: most words of a text, also of those projected.
        looked_up: most texts looked up in the cache.
        cached_words: most words of the texts in the cache.
        rounds: number of trees.
        precision: of the language model, also of the cached output.
    """
    frame = pd.read_parquet(corpus, columns=["text", "generated"])
    record: dict[str, Any] = {"machine": machine(), "precision": precision}
    sample = _cropped(frame.sample(texts, random_state=0), words)
    record["extraction"] = _time_extraction(sample, words, precision)
    print(record["extraction"], flush=True)
    if cache is not None:
        cached = CachedScorer(LanguageModelScorer(precision=precision), cache)
        known, labels = _cached_texts(cached, frame, cached_words, looked_up)
        documents, record["cache"] = _time_look_up(cached, known)
        print(record["cache"], flush=True)
        record["trees"] = _time_trees(documents, labels, rounds)
        print(record["trees"])
    write_json(output, record)


def _time_extraction(texts: list[str], words: int, precision: str) -> dict[str, float]:
    """Read statistics and states of every layer `standard` uses; killed half-way, then resumed."""
    with tempfile.TemporaryDirectory() as folder:
        context = multiprocessing.get_context("spawn")  # as a command starts
        killed = context.Process(target=_read, args=(folder, texts, precision))
        killed.start()
        while killed.is_alive() and len(_shards(folder)) * SHARD_TEXTS < len(texts) // 2:
            time.sleep(0.05)
        killed.kill()
        killed.join()
        cached = CachedScorer(LanguageModelScorer(precision=precision), folder)
        held = cached.contains(texts, _layers(cached))
        rest = [text for text, known in zip(texts, held, strict=True) if not known]
        reading = _seconds_to_read(cached, rest)
        again = _seconds_to_read(CachedScorer(cached.scorer, folder), texts)
        size = sum(shard.stat().st_size for shard in _shards(folder))
        tokens = sum(len(one.ids) for one in cached.tokens(texts))
    per_text = reading / len(rest)
    return {
        "texts": len(texts),
        "words_at_most": words,
        "tokens": tokens,
        "texts_kept_after_kill": len(texts) - len(rest),
        "texts_read_after_kill": len(rest),
        "texts_per_second": 1 / per_text,
        "projected_hours_for_20000_texts": PROJECTED_TEXTS * per_text / 3600,
        "seconds_again_from_cache": again,
        "bytes_per_text": size / len(texts),
    }


def _read(folder: str, texts: list[str], precision: str) -> None:
    _seconds_to_read(CachedScorer(LanguageModelScorer(precision=precision), folder), texts)


def _seconds_to_read(cached: CachedScorer, texts: list[str]) -> float:
    start = time.perf_counter()
    for first in range(0, len(texts), CHUNK_TEXTS):
        cached.read(texts[first : first + CHUNK_TEXTS], _layers(cached))
    return time.perf_counter() - start


def _shards(folder: str) -> list[Path]:
    return list(Path(folder).rglob("*.safetensors"))


def _layers(cached: CachedScorer) -> tuple[int, ...]:
    return tuple(cached.layer_at(tap) for tap in representation.STATE_DEPTHS)


def _cropped(frame: pd.DataFrame, words: int) -> list[str]:
    return [crop(canonicalise(text), words) for text in frame["text"]]


def _cached_texts(
    cached: CachedScorer, frame: pd.DataFrame, words: int, most: int
) -> tuple[list[str], np.ndarray]:
    """Texts of the corpus that the cache holds, in the corpus's order, and their labels."""
    texts: list[str] = []
    labels: list[int] = []
    for first in range(0, len(frame), 1000):
        part = frame.iloc[first : first + 1000]
        found = _cropped(part, words)
        held = cached.contains(found, _layers(cached))
        texts += [text for text, known in zip(found, held, strict=True) if known]
        labels += part["generated"][held].tolist()
        if len(texts) >= most:
            break
    return texts[:most], np.array(labels[:most])


def _time_look_up(
    cached: CachedScorer, texts: list[str]
) -> tuple[list[Document], dict[str, float]]:
    start, cpu = time.perf_counter(), time.process_time()
    documents: list[Document] = []
    for first in range(0, len(texts), CHUNK_TEXTS):
        part = texts[first : first + CHUNK_TEXTS]
        read = cached.read(part, _layers(cached))
        documents += [
            Document.from_output(text, one._replace(states=None), TokenIds.empty())
            for text, one in zip(part, read, strict=True)
        ]
    per_text = (time.perf_counter() - start) / len(texts)
    return documents, {
        "texts": len(texts),
        "milliseconds_per_text": 1000 * per_text,
        "cpu_milliseconds_per_text": 1000 * (time.process_time() - cpu) / len(texts),
        "projected_minutes_for_20000_texts": PROJECTED_TEXTS * per_text / 60,
    }


def _time_trees(documents: list[Document], labels: np.ndarray, count: int) -> dict[str, float]:
    """Train trees over the families that need no fitting, on one core and on all."""
    table = feature_table(FAMILIES.values(), documents)
    names = [name for family in FAMILIES.values() for name in family.feature_names]
    training = trees.TrainingMatrix(table, labels, np.ones(len(labels)), names)
    found: dict[str, float] = {"texts": len(table), "features": len(names), "trees": count}
    for name, threads in (("one_core", 1), ("all_cores", cores())):
        params = TextDetector(n_jobs=threads).boosting_params()
        start = time.perf_counter()
        trees.train(training, params, count)
        found[f"seconds_{name}"] = time.perf_counter() - start
    return found


if __name__ == "__main__":
    fire.Fire(main)
