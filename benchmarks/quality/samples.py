"""Texts that `benchmarks.quality` reads: samples of the corpus, and the stress sets."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from benchmarks.quality.learner_errors import ERRORS, with_errors
from benchmarks.quality.prose import prose
from benchmarks.records import ROOT
from perplexity_detector.augmentation.attacks import ATTACKS, attack
from perplexity_detector.augmentation.augment import AUGMENTATION_RATE, augment
from perplexity_detector.classifier.prose_check import is_prose
from perplexity_detector.io.datasets import read_all
from perplexity_detector.sampling.balance import balanced_sample, stable_order
from perplexity_detector.text import canonicalise, crop, preprocess, words

OTHER_FORMS = ROOT / "data" / "sample" / "odd.csv"
MAX_WORDS = 200
LENGTHS = (50, 100, 200, 400)
#: Columns that a text keeps.
COLUMNS = ["id", "text", "generated", "domain", "generator", "attack", "prompt_id", "source"]
ESSAYS = ("aae_learners", "asap_pupils", "nehoray_essays", "outfox", "toefl_samples")


def corpus(
    dataset: str,
    per_group: int,
    per_group_held_out: int,
    max_words: int = MAX_WORDS,
    augmentation_rate: float = AUGMENTATION_RATE,
) -> pd.DataFrame:
    """A balanced sample of the corpus: canonical texts, whole sentences of at most `max_words`.

    Returns:
        `COLUMNS`, split, `calibration_mask` (False for disguised copies, which are trained on as in
        `train`), `prose` (whether the text was running English prose) and `origin` (its source).
    """
    frame = read_all(dataset, label=True)
    limits = {"train": per_group, "valid": per_group_held_out, "test": per_group_held_out}
    parts = [balanced_sample(frame[frame["split"] == name], n) for name, n in limits.items()]
    rows = pd.concat(parts, ignore_index=True)[[*COLUMNS, "split"]].assign(calibration_mask=True)
    copies = augment(rows[rows["split"] != "test"], augmentation_rate, max_words)
    copies = copies.assign(calibration_mask=False)
    rows = pd.concat([rows, copies], ignore_index=True)
    texts = [preprocess(text, max_words) for text in rows["text"]]
    return rows.assign(prose=list(map(is_prose, rows["text"])), text=texts, origin=rows["source"])


def auxiliary(dataset: str) -> pd.DataFrame:
    """What `benchmarks.quality.auxiliary` wrote, as further rows of `corpus`; for training only."""
    return pd.read_parquet(dataset).assign(calibration_mask=False, prose=True)


def long_texts(dataset: str, per_group: int) -> pd.DataFrame:
    """Texts of the test split with at least 400 words, cut to each of `LENGTHS`; column `words`."""
    frame = read_all(dataset, label=True)
    frame = frame[frame["split"] == "test"]
    frame = frame[[len(text.split()) >= LENGTHS[-1] for text in frame["text"]]]
    frame = balanced_sample(frame, per_group)
    whole = [preprocess(text, LENGTHS[-1]) for text in frame["text"]]
    frame = frame.assign(text=whole)[[len(words(text)) >= 0.85 * LENGTHS[-1] for text in whole]]
    cuts = [
        frame.assign(text=[crop(text, length) for text in frame["text"]], words=length)
        for length in LENGTHS
    ]
    return pd.concat(cuts, ignore_index=True)[[*COLUMNS, "words"]]


def polished(dataset: str, per_attack: int) -> pd.DataFrame:
    """Human texts of the test split that a model polished, rewrote or expanded."""
    frame = read_all(dataset, label=True)
    by_models = (frame["generated"] == 1) & (frame["attack"] != "none")
    frame = frame[(frame["split"] == "test") & by_models]
    frame = frame.iloc[stable_order(frame["id"])].groupby("attack").head(per_attack)
    texts = [preprocess(text, MAX_WORDS) for text in frame["text"]]
    return frame[COLUMNS].assign(text=texts).reset_index(drop=True)


def attacked(rows: pd.DataFrame, dataset: str, texts: int) -> pd.DataFrame:
    """Generated texts of the test split, plain and under each attack; column `attack`.

    Args:
        rows: as `corpus` returns them.
        dataset: the corpus, for the texts before canonicalisation.
        texts: number of texts attacked, balanced over sources.
    """
    chosen = rows[(rows["split"] == "test") & (rows["generated"] == 1) & (rows["attack"] == "none")]
    chosen = _spread_over_sources(chosen, texts)
    raw = read_all(dataset, label=True).set_index("id")["text"][chosen["id"]]
    plain = [crop(text, 2 * MAX_WORDS) for text in raw]
    parts = [chosen.assign(attack="none")]
    for name in ATTACKS:
        attacked_texts = [preprocess(attack(text, name), MAX_WORDS) for text in plain]
        parts.append(chosen.assign(text=attacked_texts, attack=name))
    return pd.concat(parts, ignore_index=True)


def learners(rows: pd.DataFrame, texts: int) -> pd.DataFrame:
    """Human essays of the test split, plain and with learners' errors; column `error`."""
    chosen = rows[(rows["split"] == "test") & (rows["generated"] == 0)]
    chosen = chosen[chosen["source"].isin(ESSAYS)]
    chosen = _spread_over_sources(chosen, texts)
    parts = [chosen.assign(error="none")]
    for kind in ERRORS:
        wrong = [canonicalise(with_errors(text, kind)) for text in chosen["text"]]
        parts.append(chosen.assign(text=wrong, error=kind))
    return pd.concat(parts, ignore_index=True)


def people(dataset: str, per_source: int) -> pd.DataFrame:
    """Human texts that are judged and never trained on; column `prose` as in `corpus`."""
    chosen = balanced_sample(read_all(dataset, label=True), per_source)
    texts = [preprocess(text, MAX_WORDS) for text in chosen["text"]]
    rows = chosen[COLUMNS].assign(text=texts, prose=list(map(is_prose, chosen["text"])))
    return rows.reset_index(drop=True)


def other_forms() -> pd.DataFrame:
    """Texts of other forms than English prose; columns `kind` and `prose`."""
    rows = pd.read_csv(OTHER_FORMS)
    texts = [canonicalise(text) for text in rows["text"]]
    return rows.assign(prose=list(map(is_prose, rows["text"])), text=texts, generated=0)


def human_prose(folder: str | Path, per_source: int) -> pd.DataFrame:
    """Crops of general human prose, balanced over sources."""
    return prose(folder, per_source, MAX_WORDS)


def _spread_over_sources(rows: pd.DataFrame, texts: int) -> pd.DataFrame:
    """At least `texts` rows if there are enough, the same number from each source."""
    per_source = -(-texts // max(1, rows["source"].nunique()))
    return balanced_sample(rows, per_source)
