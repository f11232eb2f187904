"""Labelled texts that tests of training share: the sample, and two made-up styles."""

import random

import pandas as pd

from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.text import crop, words
from tests.paths import ROOT

SAMPLE = ROOT / "data" / "sample" / "essays.csv"
#: Families that need no language model.
LIGHT = ["stylometry", "compression"]

_SHORT = words("we ran far out to sea and saw it go by in the sun so we sat on a log")
_LONG = words(
    "furthermore considerable opportunities undoubtedly facilitate meaningful collaboration "
    "throughout contemporary educational environments the and to of"
)


def sample():
    return pd.read_csv(SAMPLE, dtype={"id": str, "prompt_id": str})


def light_detector(**settings):
    """Small, of one thread (threads cost more than they save on so few texts), and fast."""
    defaults = {"n_estimators": 40, "learning_rate": 0.2, "n_jobs": 1}
    return TextDetector(FeatureExtractor(families=LIGHT), **{**defaults, **settings})


def small_detector(lm, families, **settings):
    """Trained on beginnings of the sample, as read by a language model."""
    texts = [crop(text, 40) for text in sample()["text"]]
    extractor = FeatureExtractor(families, lm=str(lm), **settings)
    made = TextDetector(extractor, n_estimators=20, learning_rate=0.2, n_jobs=1)
    return made.fit(texts, sample()["generated"])


def two_styles(texts, seed=0, mixed=0.4):
    """Texts of 60 words and their labels, alternating; a share of the words is of the other."""
    draw = random.Random(seed)
    written = []
    for number in range(texts):
        own, other = (_LONG, _SHORT) if number % 2 else (_SHORT, _LONG)
        chosen = [draw.choice(other if draw.random() < mixed else own) for _ in range(60)]
        written.append(" ".join(" ".join(chosen[i : i + 10]) + "." for i in range(0, 60, 10)))
    return written, [number % 2 for number in range(texts)]


def long_document(label, n_words=4000, seed=7, mixed=0.4):
    """A document in one of the two styles."""
    texts, labels = two_styles(n_words // 30, seed, mixed)
    return " ".join(text for text, one in zip(texts, labels, strict=True) if one == label)


def detector_of_documents():
    """A light detector that knows texts of all lengths, and reads samples of long ones."""
    texts, labels = two_styles(120)
    for seed, n_words in enumerate([500, 1000, 2000, 4000] * 10, 100):
        texts += [long_document(label, n_words, seed) for label in (0, 1)]
        labels += [0, 1]
    made = light_detector(fpr=0.2).fit(texts, labels)
    made.exhaustive = False
    return made
