"""Baseline: learns from a view of texts, in turns; the loop that all baselines share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from perplexity_detector.classifier.base import CalibratedClassifier
from perplexity_detector.errors import InputError
from perplexity_detector.features.cross_fitting import Part
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.family import Document, Family, Learner
from perplexity_detector.io.tensors import of_bytes, to_bytes

LEARNED = "learned.safetensors"


class PlainText(FeatureExtractor):
    """An extractor without families: what it reads of a text is the text."""

    def chosen_families(self) -> list[Family | Learner]:
        """None."""
        return []


class Baseline(CalibratedClassifier):
    """A classifier that says how it learns from a view of texts, and how that scores others.

    Args:
        extractor: reads texts; what the baseline needs if not given.
        fpr: false-positive rate of `predict` and of verdicts.
        random_state: seed.

    Attributes:
        learned_: what `learn` gave of all training texts.
    """

    #: Families of features it is given; without any it is given the text.
    families: ClassVar[tuple[str, ...]] = ()
    #: How many parts are told by what learned from the others; all if None.
    turns: int | None = None

    learned_: Any

    def __init__(
        self,
        extractor: FeatureExtractor | None = None,
        fpr: float = 0.01,
        random_state: int = 0,
    ) -> None:
        self.extractor = extractor
        self.fpr = fpr
        self.random_state = random_state

    @abstractmethod
    def learn(self, view: Any, labels: np.ndarray, sources: np.ndarray) -> Any:
        """What is to be known: arrays by name, unless the class says otherwise.

        Args:
            view: of n texts, as `view` gives it.
            labels: 0 or 1, shape (n,).
            sources: integers, shape (n,).
        """

    @abstractmethod
    def score(self, view: Any, learned: Any) -> np.ndarray:
        """Margins by what was learned, shape (n,); higher for generated."""

    def margins(self, view: Any) -> np.ndarray:
        """Scores by what was learned from all training texts, shape (n,)."""
        return self.score(view, self.learned_)

    def files(self) -> dict[str, bytes]:
        """The arrays that were learned, if any are."""
        return {LEARNED: to_bytes({self.name: self.learned_})} if self.kept else {}

    def restore(self, files: Mapping[str, bytes]) -> None:
        """The inverse of `files`."""
        self.learned_ = of_bytes(files[LEARNED])[self.name] if self.kept else {}

    def _learn(
        self,
        documents: Sequence[Document],
        labels: np.ndarray,
        sources: np.ndarray,
        parts: list[Part],
    ) -> np.ndarray:
        view = self.view(documents)
        margins = np.full(len(labels), np.nan)
        for rest, fold in taken(parts, labels, self.turns):
            learned = self.learn(pick(view, rest), labels[rest], sources[rest])
            margins[fold] = self.score(pick(view, fold), learned)
        self.learned_ = self.learn(view, labels, sources)
        return margins

    def _default_extractor(self) -> FeatureExtractor:
        return self.extractor_class(self.families)


class TextBaseline(Baseline):
    """A baseline that reads the text itself; its view is the texts, in canonical form."""

    extractor_class: ClassVar[type[FeatureExtractor]] = PlainText

    def view(self, documents: Sequence[Document]) -> list[str]:
        """The texts."""
        return [document.text for document in documents]


class ColumnsBaseline(Baseline):
    """A baseline over a few features; its view is their table, shape (n, columns)."""

    #: Full names of the features.
    columns: ClassVar[tuple[str, ...]]

    def view(self, documents: Sequence[Document]) -> np.ndarray:
        """The columns of the table of features, shape (n, columns)."""
        return self.extractor_.table(documents)[:, self.places()]

    def places(self) -> list[int]:
        """Where the columns are in the extractor's table.

        Raises:
            InputError: the extractor was given without a family that is needed.
        """
        names = self.extractor_.get_feature_names_out().tolist()
        if missing := [name for name in self.columns if name not in names]:
            raise InputError(
                f"The baseline {self.name} needs {missing[0]}: give an extractor with the "
                f"families {', '.join(self.families)}, or none."
            )
        return [names.index(name) for name in self.columns]

    def labels(self) -> list[str]:
        """What each column measures, in words that follow "high" or "low"."""
        told, _ = self.extractor_.told()
        return [told[place] for place in self.places()]


def pick(view: Any, rows: np.ndarray) -> Any:
    """Some rows of a view, which is a list or an array."""
    return [view[row] for row in rows] if isinstance(view, list) else view[rows]


def taken(parts: list[Part], labels: np.ndarray, turns: int | None) -> list[Part]:
    """As many parts as are wanted, those first that tell most of the rarer class.

    One more is added as long as those chosen tell texts of one class only.
    """
    if turns is None:
        return parts
    ranked = sorted(parts, key=lambda part: -np.bincount(labels[part[1]], minlength=2).min())
    for count in range(max(1, turns), len(ranked)):
        if len(set(np.concatenate([labels[fold] for _, fold in ranked[:count]]))) == 2:
            return ranked[:count]
    return ranked
