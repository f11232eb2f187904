"""Long documents: windows spread over a text stand for all of it where they settle its verdict.

The windows are consecutive whole sentences, about as long as the texts that set the thresholds.
They are read look by look, from the start, the end and the middle on, halving the gaps each time (a
systematic sample). What was read is assessed as one text, and the jackknife over the windows gives
the interval in which the log-odds of more windows lie. The verdict is settled once that interval
lies on one side of each threshold; a document of which half of the windows do not settle it is
read whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import logit, stdtrit

from perplexity_detector.classifier.assessment import Assessment
from perplexity_detector.classifier.verdicts import (
    GENERATED,
    HUMAN,
    MAX_FNR,
    MIXED,
    NO_PROSE,
    UNCERTAIN,
    says_enough,
)
from perplexity_detector.features.document import Document, join_documents, select_sentences
from perplexity_detector.text import canonicalise, sentence_spans, words

if TYPE_CHECKING:
    from perplexity_detector.classifier.base import CalibratedClassifier

#: A document of more words is sampled: the first look at a shorter one would be half of it.
LONG_WORDS = 2000
#: Words of a window, up to the end of a sentence: as many as training cuts texts to.
WINDOW_WORDS = 200
#: Windows of the first look: the start, the end, the middle, and halfway between.
FIRST_LOOK = 5
#: Share of the windows after which the whole document is read.
MAX_SHARE = 0.5
#: That all intervals of a document together hold what they are of.
CONFIDENCE = 0.95
#: Groups of windows that the jackknife leaves out in turn, at most: each is a text to score.
MAX_GROUPS = 9


def assess(classifier: CalibratedClassifier, texts: Sequence[str]) -> list[Assessment]:
    """Assess texts, long documents by a sample of their windows where that settles the verdict.

    Args:
        classifier: trained.
        texts: n of them, as they were written.

    Returns:
        One record a text, in order.
    """
    unsettled = {
        index: sample
        for index, text in enumerate(texts)
        # a word takes two characters at least, so most texts need not be counted
        if len(text) > 2 * LONG_WORDS and (sample := WindowSample.of_text(text)).is_of_long_document
    }
    found: dict[int, Assessment] = {}
    while unsettled:
        looks_now = {index: sample.next_look() for index, sample in unsettled.items()}
        asked = [window for look in looks_now.values() for window in look]
        read = iter(classifier.read_documents(asked))
        for index, look in looks_now.items():
            sample = unsettled[index]
            sample.add(list(islice(read, len(look))))
            assessment = sample.settled_assessment(classifier)
            if assessment is not None:
                found[index] = assessment
            if assessment is not None or not sample.has_next:
                del unsettled[index]
    rest = [index for index in range(len(texts)) if index not in found]
    found.update(zip(rest, classifier.assess_whole([texts[index] for index in rest]), strict=True))
    return [found[index] for index in range(len(texts))]


class WindowSample:
    """The windows of a document that were read so far.

    Args:
        text: as it was written.
        windows: all that it is cut into.

    Attributes:
        n_words: of the document.
    """

    def __init__(self, text: str, windows: Sequence[str]) -> None:
        self.n_words = sum(len(words(window)) for window in windows)
        self._text = text
        self._windows = windows
        self._looks = looks(len(windows))
        self._n_looks = len(self._looks)
        self._order: list[int] = []
        self._documents: dict[int, Document] = {}

    @classmethod
    def of_text(cls, text: str) -> WindowSample:
        """That of a text as it was written, of which nothing was read yet."""
        return cls(text, windows_of(canonicalise(text)))

    @property
    def is_of_long_document(self) -> bool:
        """Whether there are more than `LONG_WORDS` words, in windows enough for a look."""
        return self.n_words > LONG_WORDS and self.has_next

    @property
    def has_next(self) -> bool:
        """Whether there is another look before the whole document is read."""
        return bool(self._looks)

    def next_look(self) -> list[str]:
        """The windows to be read next."""
        self._order = self._looks.pop(0)
        return [self._windows[index] for index in self._order]

    def add(self, documents: Sequence[Document]) -> None:
        """Add what was read of the windows of the last look."""
        self._documents |= zip(self._order, documents, strict=True)

    def settled_assessment(self, classifier: CalibratedClassifier) -> Assessment | None:
        """The assessment of all windows read, as one text, if it is settled."""
        in_order = [self._documents[index] for index in sorted(self._documents)]
        groups = min(len(in_order), MAX_GROUPS)
        replicates = [
            join_documents([one for place, one in enumerate(in_order) if place % groups != group])
            for group in range(groups)
        ]
        documents = [join_documents(in_order), *replicates]
        features = classifier.compute_features(documents)
        (assessment,) = classifier.assess_documents([self._text], documents[:1], features[:1])
        if assessment.note != NO_PROSE:  # which no score changes
            unread = 1 - len(in_order) / len(self._windows)
            # several looks, several chances to be wrong (Bonferroni)
            confidence = 1 - (1 - CONFIDENCE) / self._n_looks
            above = margins(classifier, documents, features)
            if not (
                says_enough(assessment.verdict, assessment.note)
                and is_settled(assessment.verdict, above, unread, confidence)
            ):
                return None
        # spans of the sample are no places in the document
        return replace(assessment, passages=None, n_words_of_document=self.n_words)


def windows_of(canonical: str) -> list[str]:
    """Cut a canonical text into windows of whole sentences, of about `WINDOW_WORDS` words each."""
    spans = sentence_spans(canonical)
    window = window_of_sentences(canonical, spans)
    firsts = np.flatnonzero(np.diff(window, prepend=-1))
    if len(firsts) <= 1:
        return [canonical]
    lasts = [*(firsts[1:] - 1), len(spans) - 1]
    return [canonical[spans[i][0] : spans[j][1]] for i, j in zip(firsts, lasts, strict=True)]


def window_of_sentences(canonical: str, spans: Sequence[tuple[int, int]]) -> np.ndarray:
    """The window of each sentence of a canonical text, ascending from 0, shape (sentences,)."""
    counts = np.array([len(words(canonical[start:end])) for start, end in spans], np.int64)
    total = int(counts.sum())
    n_windows = round(total / WINDOW_WORDS)
    if not n_windows:
        return np.zeros(len(spans), np.int64)
    # a sentence belongs where its first word lies
    words_before = np.cumsum(counts) - counts
    return np.asarray(np.minimum(words_before * n_windows // total, n_windows - 1))


def window_documents(document: Document) -> list[Document]:
    """Windows of a document that was read, its start, end and middle among them.

    Returns:
        At most `FIRST_LOOK`; the document itself if it is no longer than a window, or if hidden
        states were not kept by sentence.
    """
    spans = document.sentence_spans
    window = window_of_sentences(document.text, spans)
    numbers = np.unique(window)
    states = len(document.states.tokens)
    if len(numbers) < 2 or (states and states < len(spans) - 1):
        return [document]
    places = np.linspace(0, len(numbers) - 1, min(FIRST_LOOK, len(numbers))).astype(int)
    return [select_sentences(document, window == number) for number in numbers[places]]


def looks(n_windows: int) -> list[list[int]]:
    """Indices of the windows of each look, at most `MAX_SHARE` of all together.

    Example:
        >>> looks(19)
        [[0, 4, 9, 13, 18], [2, 6, 11, 15]]
    """
    found: list[list[int]] = []
    gaps = FIRST_LOOK - 1
    while gaps + 1 <= MAX_SHARE * n_windows:
        new = range(1, gaps, 2) if found else range(gaps + 1)
        found.append([point * (n_windows - 1) // gaps for point in new])
        gaps *= 2
    return found


def margins(
    classifier: CalibratedClassifier, documents: Sequence[Document], features: Any
) -> np.ndarray:
    """How far the log-odds lie above the thresholds for human and generated, shape (n, 2)."""
    calibrator = classifier.calibrator_
    log_odds = calibrator.log_odds(classifier.raw_scores(features))
    generated = classifier.thresholds(documents)
    human = np.minimum(generated, calibrator.threshold_at_fnr(MAX_FNR))
    # thresholds without odds, such as infinity, settle nothing
    with np.errstate(invalid="ignore"):
        return log_odds[:, None] - logit(np.column_stack([human, generated]))


def is_settled(verdict: str, margins: np.ndarray, unread: float, confidence: float) -> bool:
    """Whether more windows of the document would hardly change its verdict.

    Args:
        verdict: on what was read.
        margins: above the thresholds for human and generated, of what was read and of its parts
            that leave out a group of windows each, shape (1 + groups, 2).
        unread: share of the windows that were not read.
        confidence: of each interval.
    """
    (human_low, human_high), (low, high) = (
        jackknife_interval(column[0], column[1:], unread, confidence) for column in margins.T
    )
    return {
        GENERATED: low >= 0,
        HUMAN: human_high < 0,
        UNCERTAIN: human_low >= 0 and high < 0,
        MIXED: False,  # which passages are marked depends on all of the text
    }[verdict]


def jackknife_interval(
    value: float, replicates: np.ndarray, unread: float, confidence: float
) -> tuple[float, float]:
    """Confidence interval of a statistic of a sample (Tukey 1958).

    Student's t, with the correction for a finite population. Of a mean, it is the usual interval.

    Args:
        value: of the whole sample.
        replicates: of the sample without each group of observations, shape (groups,).
        unread: share of the population that is not in the sample.
        confidence: in (0, 1).

    Returns:
        Lower and upper end; NaN where a replicate is not finite.
    """
    groups = len(replicates)
    with np.errstate(invalid="ignore"):
        variance = (groups - 1) * unread * np.mean((replicates - replicates.mean()) ** 2)
    margin = stdtrit(groups - 1, (1 + confidence) / 2) * np.sqrt(variance)
    return value - margin, value + margin
