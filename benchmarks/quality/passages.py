"""Which passages by models are marked in texts by people, and how often one is marked falsely.

Run from the root of the checkout: `python -m benchmarks.quality.passages measure --corpus=CORPUS
--mixed=MIXED --polished=POLISHED --cache=FOLDER --precision=bfloat16`. Sources are left out in
parts: what judges a text has seen nothing of its source. `python -m benchmarks.quality.passages fit
--corpus=PERMITTED --cache=FOLDER --precision=bfloat16` sets the passages of the shipped detectors,
from texts that they may learn from.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, NamedTuple

import fire
import numpy as np
import pandas as pd

from benchmarks.machine import machine
from benchmarks.quality import protocol, samples
from benchmarks.quality.inserted_sentences import mixed_texts
from benchmarks.quality.recipes import SHIPPED
from benchmarks.records import RESULTS, write_json
from perplexity_detector.classifier.calibration import clopper_pearson_upper
from perplexity_detector.classifier.passages import MAX_RATE, PassageDetector
from perplexity_detector.detectors.text_detector import TextDetector, out_of_fold_evidence
from perplexity_detector.evaluation.metrics import auroc
from perplexity_detector.features.document import Document
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.registry import available_families
from perplexity_detector.features.sentence_evidence import SentenceEvidence
from perplexity_detector.io.artefact_folder import PRETRAINED
from perplexity_detector.sampling.balance import stable_order
from perplexity_detector.sampling.splits import group_folds, merge_related_sources
from perplexity_detector.text import canonicalise, crop

OUTPUT = RESULTS / "passages.json"
#: Parts into which sources are divided; each is judged by what was fitted to the others.
PARTS = 3
FAMILIES = ("contrast", "representation")
PEOPLE, MODELS, INSERTED = "people", "models", "inserted"
#: Fewest human texts of a source for a share of its own.
MIN_PEOPLE = 20


class Judged(NamedTuple):
    """A text and which of its sentences a model wrote.

    Attributes:
        kind: `PEOPLE`, `MODELS`, `INSERTED`, or how a text was mixed or edited.
        source: of the text.
        document: as it was read.
        by_model: share of each sentence's characters that a model wrote, shape (sentences,).
    """

    kind: str
    source: str
    document: Document
    by_model: np.ndarray


@dataclass(frozen=True)
class Found:
    """What was found of a judged text.

    Attributes:
        text: the text.
        log_odds: of its sentences.
        marked: which sentences lie in marked passages, bool of shape (sentences,).
        share: value, low and high of the share of generated sentences.
    """

    text: Judged
    log_odds: np.ndarray
    marked: np.ndarray
    share: tuple[float, float, float]


def measure(
    corpus: str,
    mixed: str,
    polished: str,
    cache: str | None = None,
    per_group: int = 100,
    per_group_held_out: int = 60,
    inserted: int = 600,
    per_kind: int = 100,
    precision: str = "auto",
    output: str = str(OUTPUT),
) -> None:
    """Measure with sources left out, print the means, write json.

    Args:
        corpus: labelled texts with domain, prompt_id, source and split.
        mixed: texts with `spans`, the characters that a model wrote, `kind`, source and split.
        polished: texts by people that a model worked over, how in `attack`.
        cache: folder that keeps the language model's output.
        per_group: texts of one source and class in the train split.
        per_group_held_out: the same in the valid and test splits.
        inserted: texts by people into which sentences are inserted, each in two ways.
        per_kind: texts of each kind of the mixed and of the polished ones.
        precision: of the language model.
        output: the json file.
    """
    extractor = FeatureExtractor(
        list(available_families()), precision=precision, cache=cache, progress=True
    )
    rows = samples.corpus(corpus, per_group, per_group_held_out, augmentation_rate=0.0)
    documents = extractor.read_documents(rows["text"])
    judged = [
        *_of_corpus(rows, documents),
        *_inserted(corpus, inserted, extractor),
        *_mixed(mixed, per_kind, extractor),
        *_polished(polished, per_kind, extractor),
    ]
    detectors = {
        name: figures(list(_find(depth, rows, documents, judged)))
        for name, depth in SHIPPED.items()
    }
    record = {
        "machine": machine(),
        "rate": MAX_RATE,
        "training_texts": int((rows["split"] != "test").sum()),
        "detectors": detectors,
    }
    write_json(output, record)
    for name, found in detectors.items():
        print(name, json.dumps(found["auroc"]))
        print(pd.DataFrame(found["kinds"]).T.round(3).to_string(), flush=True)


def fit(
    corpus: str,
    cache: str | None = None,
    per_group: int = 100,
    per_group_held_out: int = 60,
    precision: str = "auto",
) -> None:
    """Set the passages of the shipped detectors, from their train and valid splits.

    Args:
        corpus: texts that may be learned from, with prompt_id, source and split.
        cache: folder that keeps the language model's output.
        per_group: texts of one source and class in the train split.
        per_group_held_out: the same in the valid split.
        precision: of the language model.
    """
    extractor = FeatureExtractor(
        list(available_families()), precision=precision, cache=cache, progress=True
    )
    rows = samples.corpus(corpus, per_group, per_group_held_out, augmentation_rate=0.0)
    rows = rows[rows["split"] != "test"]
    documents = extractor.read_documents(rows["text"])
    for name in SHIPPED:
        detector = TextDetector.from_pretrained(name)
        prompts, sources = rows["prompt_id"].tolist(), rows["source"].tolist()
        detector.fit_passages(documents, rows["generated"], prompts, sources)
        detector.save_pretrained(PRETRAINED / name)


def _of_corpus(rows: pd.DataFrame, documents: Sequence[Document]) -> Iterator[Judged]:
    """Texts of the test split, by people or by models."""
    chosen = (rows["split"] == "test") & (rows["attack"] == "none") & rows["prose"]
    columns = (chosen, rows["source"], rows["generated"], documents)
    for is_chosen, source, generated, document in zip(*columns, strict=True):
        if is_chosen:
            by_model = np.full(len(document.sentence_spans), float(generated))
            yield Judged(MODELS if generated else PEOPLE, source, document, by_model)


def _inserted(corpus: str, texts: int, extractor: FeatureExtractor) -> Iterator[Judged]:
    mixed = mixed_texts(corpus, texts, sources=None)
    documents = extractor.read_documents([one.text for one in mixed])
    for one, document in zip(mixed, documents, strict=True):
        yield Judged(INSERTED, one.source, document, one.inserted.astype(float))


def _mixed(dataset: str, per_kind: int, extractor: FeatureExtractor) -> Iterator[Judged]:
    """Mixed texts that canonical form does not change, whose spans therefore hold."""
    frame = pd.read_parquet(dataset)
    frame = frame[[canonicalise(text) == text for text in frame["text"]]]
    frame = frame.iloc[stable_order(frame["id"])].groupby("kind").head(per_kind)
    documents = extractor.read_documents([crop(text, samples.MAX_WORDS) for text in frame["text"]])
    columns = (frame["kind"], frame["source"], frame["spans"], documents)
    for kind, source, spans, document in zip(*columns, strict=True):
        by_model = np.zeros(len(document.text))
        for start, end in json.loads(spans):
            by_model[start:end] = 1.0
        shares = [by_model[start:end].mean() for start, end in document.sentence_spans]
        yield Judged(kind, source, document, np.array(shares))


def _polished(dataset: str, per_kind: int, extractor: FeatureExtractor) -> Iterator[Judged]:
    rows = samples.polished(dataset, per_kind)
    documents = extractor.read_documents(rows["text"])
    for attack, source, document in zip(rows["attack"], rows["source"], documents, strict=True):
        whole = np.ones(len(document.sentence_spans))
        yield Judged(f"whole text: {attack}", source, document, whole)


def _find(
    depth: float, rows: pd.DataFrame, documents: Sequence[Document], judged: Sequence[Judged]
) -> Iterator[Found]:
    """What is found of each text by families and passages that never saw its source."""
    part_of = _parts(rows)
    of_rows = rows["source"].map(part_of)
    for part in range(PARTS):
        chosen = ((of_rows != part) & (rows["split"] != "test")).to_numpy()
        fitted, passages = _fit_part(depth, rows[chosen], list(compress(documents, chosen)))
        for one in judged:
            if part_of[one.source] == part and len(one.by_model):
                evidence = fitted.of(one.document)
                if len(evidence):
                    share = passages.find(evidence, one.document.sentence_spans, MAX_RATE).share
                    marked = np.zeros(len(evidence), bool)
                    for first, last in passages.marked_runs(evidence, MAX_RATE):
                        marked[first:last] = True
                    log_odds = passages.log_odds(evidence)
                    yield Found(one, log_odds, marked, (share.value, share.low, share.high))


class _Parts(dict[str, int]):
    """The part of each source; sources that no one learns from are spread over the parts."""

    def __missing__(self, source: str) -> int:
        return zlib.crc32(source.encode()) % PARTS


def _parts(rows: pd.DataFrame) -> _Parts:
    """Sources that are left out together are in one part."""
    names = protocol.source_folds(rows)
    number = {name: place % PARTS for place, name in enumerate(names)}
    parts = _Parts({source: number[protocol.source_fold(source)] for source in rows["source"]})
    for source in list(parts):  # mixed texts of a source share its texts by people
        parts[f"mixed_{source}"] = parts[source]
    return parts


def _fit_part(
    depth: float, rows: pd.DataFrame, documents: Sequence[Document]
) -> tuple[SentenceEvidence, PassageDetector]:
    labels, sources = rows["generated"].to_numpy(), pd.factorize(rows["source"])[0]
    prompts = rows["prompt_id"].tolist()
    splits = group_folds(labels, merge_related_sources(sources, prompts), prompts)
    extractor = FeatureExtractor(FAMILIES, depth=depth)
    fits = extractor.cross_fit(documents, labels, sources, splits)
    passages = PassageDetector.fit(out_of_fold_evidence(documents, fits), labels, sources)
    learned = extractor.fit_documents(documents, labels, sources).learned_
    fitted = SentenceEvidence.from_learned(learned)
    if passages is None or fitted is None:
        raise SystemExit("Too few texts by people: raise per_group.")
    return fitted, passages


def figures(found: Sequence[Found]) -> dict[str, Any]:
    """AUROC of sentences, and by kind of text what is marked; false marks by source."""
    kinds: dict[str, list[Found]] = {}
    for one in found:
        kinds.setdefault(one.text.kind, []).append(one)
    mixed = [kind for kind in kinds if kind not in (PEOPLE, MODELS) and ":" not in kind]
    people = kinds[PEOPLE]
    sources = sorted({one.text.source for one in people})
    by_source = {name: [one for one in people if one.text.source == name] for name in sources}
    marked = sum(one.marked.any() for one in people)
    return {
        "auroc": {
            INSERTED: _auroc(kinds[INSERTED]),
            "mixed": _auroc([one for kind in mixed if kind != INSERTED for one in kinds[kind]]),
        },
        "kinds": {kind: _figures_of_kind(part) for kind, part in kinds.items()},
        "people": {
            "texts": len(people),
            "marked": int(marked),
            "upper_bound": clopper_pearson_upper(int(marked), len(people)),
        },
        "sources": {
            name: {"texts": len(part), "marked": float(np.mean([one.marked.any() for one in part]))}
            for name, part in by_source.items()
            if len(part) >= MIN_PEOPLE
        },
    }


def _figures_of_kind(found: Sequence[Found]) -> dict[str, float]:
    by_model = np.concatenate([one.text.by_model for one in found]) > 0.5
    marked = np.concatenate([one.marked for one in found])
    hits = int((by_model & marked).sum())
    precision = hits / marked.sum() if marked.any() else float("nan")
    recall = hits / by_model.sum() if by_model.any() else float("nan")
    shares = np.array([one.share for one in found])
    truth = np.array([(one.text.by_model > 0.5).mean() for one in found])
    return {
        "texts": len(found),
        "texts_marked": float(np.mean([one.marked.any() for one in found])),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(2 * hits / max(1, marked.sum() + by_model.sum())),
        "share": float(truth.mean()),
        "share_error": float(np.abs(shares[:, 0] - truth).mean()),
        "share_covered": float(np.mean((shares[:, 1] <= truth) & (truth <= shares[:, 2]))),
    }


def _auroc(found: Sequence[Found]) -> dict[str, float]:
    """Of sentences that one of both wrote almost alone: over all, and the mean within texts."""
    clear = [(one.text.by_model > 0.9) | (one.text.by_model < 0.1) for one in found]
    labels = [one.text.by_model[which] > 0.5 for one, which in zip(found, clear, strict=True)]
    scores = [one.log_odds[which] for one, which in zip(found, clear, strict=True)]
    within = [
        auroc(of_one, values)
        for of_one, values in zip(labels, scores, strict=True)
        if 0 < of_one.sum() < len(of_one)
    ]
    return {
        "sentences": int(sum(map(len, labels))),
        "generated": int(sum(of_one.sum() for of_one in labels)),
        "auroc": auroc(np.concatenate(labels), np.concatenate(scores)),
        "within_texts": float(np.mean(within)),
    }


if __name__ == "__main__":
    fire.Fire({"measure": measure, "fit": fit})
