"""PAN's baselines, written from their descriptions, and fitted on our training texts.

Bevendorff et al. 2025, "Overview of the Voight-Kampff Generative AI Authorship Verification Task
at PAN and ELOQUENT 2025": a linear SVM of TF-IDF features, a compression-based cosine and
Binoculars. Each leaves texts near one half unanswered.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyppmd
from scipy.special import expit
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC


def tfidf_svm(texts: Sequence[str], labels: Sequence[int], new: Sequence[str]) -> np.ndarray:
    """Labels of new texts by a linear SVM of the 1000 most frequent word 1- to 4-grams."""
    vectorizer = TfidfVectorizer(ngram_range=(1, 4), max_features=1000)
    svm = make_pipeline(vectorizer, LinearSVC()).fit(texts, labels)
    return without_close_calls(expit(svm.decision_function(new)), 0.05)


def ppmd(texts: Sequence[str], labels: Sequence[int], new: Sequence[str]) -> np.ndarray:
    """Labels of new texts by how much a text's halves tell of each other, see `halves_cosine`."""
    fitted = LogisticRegression(class_weight="balanced").fit(_cosines(texts), labels)
    return without_close_calls(fitted.predict_proba(_cosines(new))[:, 1], 0.01)


def halves_cosine(text: str) -> float:
    """Compression-based cosine of the halves of a text, by PPMd.

    (C(x) + C(y) - C(xy)) / sqrt(C(x) C(y)), where C is the compressed size. Source: Sculley and
    Brodley 2006, "Compression and Machine Learning"; Halvani et al. 2017.
    """
    middle = len(text) // 2
    first, second, whole = (
        len(pyppmd.compress(part)) for part in (text[:middle], text[middle:], text)
    )
    return float((first + second - whole) / np.sqrt(first * second))


def without_close_calls(probabilities: np.ndarray, margin: float) -> np.ndarray:
    """Exactly one half for those that lie less than `margin` from it."""
    return np.where(np.abs(probabilities - 0.5) < margin, 0.5, probabilities)


def _cosines(texts: Sequence[str]) -> np.ndarray:
    return np.array([[halves_cosine(text)] for text in texts])
