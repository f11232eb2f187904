"""Which score of a sentence finds generated sentences in human essays.

Run from the root of the checkout: `python -m benchmarks.quality.sentences measure
--corpus=CORPUS`. The texts are of the test split, which the shipped detectors never saw.
`python -m benchmarks.quality.sentences record` then copies the AUROC of the score that explanations
use to the detectors' metrics.json, where explanations find it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import fire
import numpy as np

from benchmarks.machine import machine
from benchmarks.quality.inserted_sentences import WAYS, Mixed, mixed_texts
from benchmarks.records import RESULTS, read_json, write_json
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.errors import InputError
from perplexity_detector.evaluation.metrics import auroc, evaluate
from perplexity_detector.explanation.sentences import AUROC, log_odds_of, windows
from perplexity_detector.features import contrast, representation
from perplexity_detector.features.document import Document, select_sentences
from perplexity_detector.features.sentence_evidence import SentenceEvidence
from perplexity_detector.io.artefact_folder import PRETRAINED

OUTPUT = RESULTS / "sentences.json"
#: The score that explanations use.
USED = "evidence"
DETECTORS = ("standard", "fast")
Scorer = Callable[[TextDetector, Document], np.ndarray]


def log_odds_drop(detector: TextDetector, document: Document) -> np.ndarray:
    """Drop of the text's log-odds when a sentence is removed."""
    numbers = np.arange(len(document.sentences))
    shortened = [select_sentences(document, numbers != number) for number in numbers]
    log_odds = log_odds_of(detector, [document, *shortened])
    return np.asarray(log_odds[0] - log_odds[1:])


def log_odds_reread(detector: TextDetector, document: Document) -> np.ndarray:
    """Log-odds of each sentence, read again without its context."""
    return log_odds_of(detector, detector.read_documents(document.sentences))


def log_odds_drop_reread(detector: TextDetector, document: Document) -> np.ndarray:
    """As `log_odds_drop`, but the shortened text is read again."""
    sentences = document.sentences
    shortened = [
        " ".join(sentences[:number] + sentences[number + 1 :]) for number in range(len(sentences))
    ]
    log_odds = log_odds_of(detector, detector.read_documents([document.text, *shortened]))
    return np.asarray(log_odds[0] - log_odds[1:])


def hidden_states(detector: TextDetector, document: Document) -> np.ndarray:
    """Log-odds by each sentence's hidden states; the text's where a sentence has none."""
    learned = detector.extractor_.learned_["representation"]
    scores = representation.sentence_log_odds(document, learned)
    missing = len(document.sentences) - len(scores)
    text = representation.text_log_odds(document, learned).mean()
    return np.concatenate([scores, np.full(missing, text)])


def ngram_ratio(detector: TextDetector, document: Document) -> np.ndarray:
    """Log-likelihood ratio of each sentence's n-grams."""
    return contrast.sentence_log_ratios(document, detector.extractor_.learned_["contrast"])


def sentence_evidence(detector: TextDetector, document: Document) -> np.ndarray:
    """Hidden states and n-grams of each sentence together."""
    evidence = SentenceEvidence.from_learned(detector.extractor_.learned_)
    if evidence is None:
        raise InputError("This detector lacks a family that sentences are scored by.")
    return evidence.of(document)


def window_log_odds(neighbours: int) -> Scorer:
    """Log-odds of each sentence with some neighbours on each side."""
    return lambda detector, document: log_odds_of(detector, windows(document, neighbours))


#: Computed from one pass over the text.
SCORES: dict[str, Scorer] = {
    "log_odds_drop": log_odds_drop,
    "log_odds": window_log_odds(0),
    "log_odds_1_neighbour": window_log_odds(1),
    "log_odds_2_neighbours": window_log_odds(2),
    "hidden_states": hidden_states,
    "ngram_ratio": ngram_ratio,
    USED: sentence_evidence,
}
#: These read again; they are measured on fewer essays.
REREADING_SCORES: dict[str, Scorer] = {
    "log_odds_reread": log_odds_reread,
    "log_odds_drop_reread": log_odds_drop_reread,
}


def measure(
    corpus: str,
    essays: int = 60,
    reread: int = 0,
    output: str = str(OUTPUT),
    cache: str | None = None,
    seed: int = 0,
) -> None:
    """Measure every score with the shipped detectors, print, write json.

    Args:
        corpus: a labelled file with `prompt_id`, `source`, `attack` and `split`.
        essays: number of human essays, each mixed in both ways.
        reread: number of essays for the scores that read again; slow.
        output: the json file.
        cache: folder that keeps the language model's output.
        seed: of the sample.
    """
    mixed = mixed_texts(corpus, essays, seed)
    if not mixed:
        raise InputError(f"{corpus} has no essays to mix.")
    found: dict[str, dict[str, dict[str, list[float]]]] = {}
    for name in DETECTORS:
        detector = TextDetector.from_pretrained(name, cache=cache)
        documents = detector.read_documents([one.text for one in mixed])
        found[name] = _figures(SCORES, detector, mixed, documents)
        if few := 2 * reread:
            found[name] |= _figures(REREADING_SCORES, detector, mixed[:few], documents[:few])
        for score, figures in found[name].items():
            shown = ", ".join(f"{figure} {values[0]:.3f}" for figure, values in figures.items())
            print(f"{name}, {score}: {shown}", flush=True)
    results = {
        "machine": machine(),
        "essays": len({one.host for one in mixed}),
        "sentences": int(sum(len(one.inserted) for one in mixed)),
        "inserted": int(sum(one.inserted.sum() for one in mixed)),
        "detectors": found,
    }
    write_json(output, results)


def record(results: str = str(OUTPUT)) -> None:
    """Copy the AUROC of the score that explanations use to the detectors' metrics.json.

    Args:
        results: the json file.
    """
    found = read_json(results)["detectors"]
    for name in DETECTORS:
        detector = TextDetector.from_pretrained(name)
        detector.metrics_[AUROC] = found[name][USED]["auroc"][0]
        detector.save_pretrained(PRETRAINED / name)


def _figures(
    scores: Mapping[str, Scorer],
    detector: TextDetector,
    mixed: list[Mixed],
    documents: list[Document],
) -> dict[str, dict[str, list[float]]]:
    """AUROC over all sentences, by way of mixing, and averaged within texts; with intervals."""
    found = {}
    for name, score in scores.items():
        values = [score(detector, document) for document in documents]
        figures = {"auroc": _auroc(mixed, values)}
        for way in WAYS:
            chosen = [i for i, one in enumerate(mixed) if one.way == way]
            figures[way] = _auroc([mixed[i] for i in chosen], [values[i] for i in chosen])
        within = [auroc(one.inserted, of_one) for one, of_one in zip(mixed, values, strict=True)]
        found[name] = {**figures, "within_texts": [float(np.mean(within))]}
    return found


def _auroc(mixed: list[Mixed], values: list[np.ndarray]) -> list[float]:
    """AUROC with its 95 % interval, by bootstrap over essays."""
    labels = np.concatenate([one.inserted for one in mixed]).astype(int)
    groups = np.concatenate([[one.host] * len(one.inserted) for one in mixed])
    estimate = evaluate(labels, np.concatenate(values), groups, probabilities=False)["auroc"]
    return [float(value) for value in estimate]


if __name__ == "__main__":
    fire.Fire({"measure": measure, "record": record})
