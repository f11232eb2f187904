"""A labelled corpus, read once, and its folds that leave sources out together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perplexity_detector import metrics
from perplexity_detector.datasets import read_all
from perplexity_detector.detector import TextDetector
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.family import Document
from perplexity_detector.sampling import balanced_sample
from perplexity_detector.text import canonicalise, crop

#: Sources that are left out together, so that what is left out has both classes, and nothing in
#: training goes back to the same originals by people.
FOLDS: dict[str, tuple[str, ...]] = {
    "Fast-DetectGPT and kin": (
        "fast_detect_gpt", "fast_detect_gpt_base", "glimpse", "lastde", "imbd", "adadetectgpt",
    ),
    "asap_pupils, toefl_samples": ("asap_pupils", "toefl_samples"),
    "aae_learners, argugpt": ("aae_learners", "argugpt"),
    "outfox, nehoray_essays": ("outfox", "nehoray_essays"),
    "detectrl, frontier_stories": ("detectrl", "frontier_stories"),
    "raidar, cheat_abstracts": ("raidar", "cheat_abstracts"),
    "realdet_m4_sample": ("realdet_m4_sample",),
    "cogfingerprint, frontier arguments": (
        "cogfingerprint", "frontier_debate", "frontier_persuasion",
    ),
}  # fmt: skip
MAX_WORDS = 200


@dataclass(frozen=True)
class Corpus:
    """Texts of a labelled dataset, read.

    Attributes:
        rows: id, source, generated, prompt_id, split, one row a text.
        documents: the texts, canonical, cut to whole sentences of at most 200 words, read.
    """

    rows: pd.DataFrame
    documents: list[Document]

    def mask(self, split: str, fold: Sequence[str], inside: bool) -> np.ndarray:
        """Texts of a split whose source is in the fold, or is not, bool of shape (n,)."""
        in_fold = self.rows["source"].isin(fold).to_numpy()
        return np.asarray((self.rows["split"] == split).to_numpy() & (in_fold == inside))


def read_corpus(
    dataset: str, extractor: FeatureExtractor, per_group: int, per_group_held_out: int
) -> Corpus:
    """Read a balanced sample of a corpus with the columns source, prompt_id and split."""
    frame = read_all(dataset, label=True)
    rows = pd.concat(
        [
            balanced_sample(
                frame[frame["split"] == split],
                per_group if split == "train" else per_group_held_out,
            )
            for split in ("train", "valid", "test")
        ],
        ignore_index=True,
    )
    texts = [crop(canonicalise(text), MAX_WORDS) for text in rows["text"]]
    documents = extractor.documents(texts)
    return Corpus(rows[["id", "source", "generated", "prompt_id", "split"]], documents)


def figures(labels: np.ndarray, scores: np.ndarray, threshold: float) -> dict[str, float]:
    """AUROC, TPR at 1 and 5 % FPR, and what share of people a threshold set elsewhere flags."""
    return {
        "auroc": metrics.auroc(labels, scores),
        "tpr_at_1": metrics.tpr_at_fpr(labels, scores, 0.01),
        "tpr_at_5": metrics.tpr_at_fpr(labels, scores, 0.05),
        "fpr": float(np.mean(scores[labels == 0] >= threshold)),
    }


def fold_figures(
    corpus: Corpus, fold: Sequence[str], table: np.ndarray, names: Sequence[str]
) -> dict[str, float]:
    """A detector trained without the fold, measured on its test texts.

    Where no sources are left out (an empty fold), it is measured on all test texts.

    Args:
        corpus: n texts.
        fold: the sources that are left out.
        table: features that were learned without the fold, shape (n, features).
        names: of the features.
    """
    labels = corpus.rows["generated"].to_numpy()
    train, valid = (corpus.mask(split, fold, inside=False) for split in ("train", "valid"))
    tested = corpus.mask("test", fold, inside=bool(fold))
    if fold:  # what is left out may be tested whole
        tested |= corpus.mask("valid", fold, inside=True)
    used = train | valid
    detector = TextDetector(n_jobs=1).fit_table(
        table[used], labels[used], corpus.rows["source"][used].tolist(), valid[used], names
    )
    probabilities = detector.predict_proba_table(table[tested])[:, 1]
    threshold = detector.calibrator_.threshold_at(0.01)
    return figures(labels[tested], probabilities, threshold)
