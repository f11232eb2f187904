"""Which score of a sentence finds a model's sentences in essays by people.

Run from the root of the checkout: `python -m benchmarks.sentences measure
--corpus=../shared/data/corpus.parquet`. The texts are of the test split, which the shipped
detectors never saw. `python -m benchmarks.sentences record` then keeps what the score that
explanations tell reached in the detectors' metrics.json, where explanations find it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import fire
import numpy as np

from benchmarks.machine import machine
from benchmarks.quality.inserted_sentences import WAYS, Mixed, mixed_essays
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.errors import InputError
from perplexity_detector.evaluation.metrics import auroc, evaluate
from perplexity_detector.explanation.sentences import (
    AUROC,
    NGRAM_RATIO,
    SENTENCE_LOG_ODDS,
    log_odds_of,
    windows,
)
from perplexity_detector.features import contrast, representation
from perplexity_detector.features.document import Document, select_sentences
from perplexity_detector.io.artefact_folder import PRETRAINED

RESULTS = Path(__file__).parents[1] / "results" / "sentences.json"
DETECTORS = ("standard", "fast")
Scorer = Callable[[TextDetector, Document], np.ndarray]


def left_out(detector: TextDetector, document: Document) -> np.ndarray:
    """By how much the log-odds of the text fall when a sentence is left out."""
    places = np.arange(len(document.sentences))
    rest = [select_sentences(document, places != place) for place in places]
    margins = log_odds_of(detector, [document, *rest])
    return np.asarray(margins[0] - margins[1:])


def alone_anew(detector: TextDetector, document: Document) -> np.ndarray:
    """Log-odds of each sentence, read without what stands around it."""
    return log_odds_of(detector, detector.read_documents(document.sentences))


def left_out_anew(detector: TextDetector, document: Document) -> np.ndarray:
    """As `left_out`, but what is left is read again."""
    sentences = document.sentences
    rest = [" ".join(sentences[:place] + sentences[place + 1 :]) for place in range(len(sentences))]
    margins = log_odds_of(detector, detector.read_documents([document.text, *rest]))
    return np.asarray(margins[0] - margins[1:])


def hidden_states(detector: TextDetector, document: Document) -> np.ndarray:
    """The discriminant of each sentence's hidden states; of one without states, the text's."""
    learned = detector.extractor_.learned_["representation"]
    scores = representation.sentence_projections(document, learned)
    missing = len(document.sentences) - len(scores)
    text = representation.scores(document.states.mean(), learned)[:, 0].mean()
    return np.concatenate([scores, np.full(missing, text)])


def wording(detector: TextDetector, document: Document) -> np.ndarray:
    """The contrast of each sentence."""
    return contrast.sentence_log_ratios(document, detector.extractor_.learned_["contrast"])


def window_of(reach: int) -> Scorer:
    """Log-odds of each sentence with so many to each side."""
    return lambda detector, document: log_odds_of(detector, windows(document, reach))


#: From what one reading of the text left.
SCORES: dict[str, Scorer] = {
    "fall of the log-odds when left out": left_out,
    SENTENCE_LOG_ODDS: window_of(0),
    "log-odds with a sentence to each side": window_of(1),
    "log-odds with two sentences to each side": window_of(2),
    "hidden states": hidden_states,
    NGRAM_RATIO: wording,
}
#: These read again; they are measured on fewer essays.
READ_ANEW: dict[str, Scorer] = {
    "log-odds alone, read anew": alone_anew,
    "fall of the log-odds when left out, read anew": left_out_anew,
}


def measure(
    corpus: str,
    essays: int = 60,
    anew: int = 0,
    output: str = str(RESULTS),
    cache: str | None = None,
    seed: int = 0,
) -> None:
    """Measure every score with the shipped detectors, print, write json.

    Args:
        corpus: a labelled file with `prompt_id`, `source`, `attack` and `split`.
        essays: by people, each mixed in both ways.
        anew: of how many essays the scores are measured that read again; slow.
        output: the json file.
        cache: a folder that keeps what the language model said.
        seed: of the sample.
    """
    mixed = mixed_essays(corpus, essays, seed)
    if not mixed:
        raise InputError(f"{corpus} has no essays to mix.")
    record_of: dict[str, object] = {
        "machine": machine(),
        "essays": len({one.host for one in mixed}),
        "sentences": int(sum(len(one.inserted) for one in mixed)),
        "inserted": int(sum(one.inserted.sum() for one in mixed)),
        "detectors": {},
    }
    found: dict[str, dict[str, dict[str, list[float]]]] = {}
    for name in DETECTORS:
        detector = TextDetector.from_pretrained(name, cache=cache)
        documents = detector.read_documents([one.text for one in mixed])
        found[name] = _figures(SCORES, detector, mixed, documents)
        few = 2 * anew
        found[name] |= _figures(READ_ANEW, detector, mixed[:few], documents[:few]) if few else {}
        for score, figures in found[name].items():
            shown = ", ".join(f"{figure} {values[0]:.3f}" for figure, values in figures.items())
            print(f"{name}, {score}: {shown}", flush=True)
    record_of["detectors"] = found
    Path(output).write_text(json.dumps(record_of, indent=2) + "\n", encoding="utf-8")


def record(results: str = str(RESULTS)) -> None:
    """Keep what the score that explanations tell reached in the shipped detectors' metrics.json.

    Args:
        results: the json file.
    """
    found = json.loads(Path(results).read_text(encoding="utf-8"))["detectors"]
    for name in DETECTORS:
        detector = TextDetector.from_pretrained(name)
        detector.metrics_[AUROC] = found[name][NGRAM_RATIO]["auroc"][0]
        detector.save_pretrained(PRETRAINED / name)


def _figures(
    scores: Mapping[str, Scorer],
    detector: TextDetector,
    mixed: list[Mixed],
    documents: list[Document],
) -> dict[str, dict[str, list[float]]]:
    """AUROC over all sentences, overall and by way, and its mean within texts; with intervals."""
    found = {}
    for name, score in scores.items():
        told = [score(detector, document) for document in documents]
        figures = {"auroc": _auroc(mixed, told)}
        for way in WAYS:
            chosen = [place for place, one in enumerate(mixed) if one.way == way]
            figures[way] = _auroc([mixed[i] for i in chosen], [told[i] for i in chosen])
        within = [auroc(one.inserted, scored) for one, scored in zip(mixed, told, strict=True)]
        found[name] = {**figures, "within texts": [float(np.mean(within))]}
    return found


def _auroc(mixed: list[Mixed], told: list[np.ndarray]) -> list[float]:
    """With its 95 % interval, by bootstrap over essays."""
    labels = np.concatenate([one.inserted for one in mixed]).astype(int)
    groups = np.concatenate([[one.host] * len(one.inserted) for one in mixed])
    estimate = evaluate(labels, np.concatenate(told), groups, probabilities=False)["auroc"]
    return [float(value) for value in estimate]


if __name__ == "__main__":
    fire.Fire({"measure": measure, "record": record})
