"""TextClassification: predictions in the form of transformers' pipeline of that name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypedDict, overload

import numpy as np

from perplexity_detector.classifier.verdicts import GENERATED, HUMAN

LABELS = (HUMAN, GENERATED)


class Label(TypedDict):
    """A class and its probability."""

    label: str
    score: float


class TextClassification:
    """Calls a classifier as one calls transformers' `TextClassificationPipeline`.

    A label is the likelier class, whatever the thresholds: it is no verdict, and its
    false-positive rate is not the one that was chosen.

    Args:
        predict_proba: from n texts to probabilities of human and generated, shape (n, 2).
    """

    def __init__(self, predict_proba: Callable[[list[str]], np.ndarray]) -> None:
        self._predict_proba = predict_proba

    @overload
    def __call__(self, inputs: str | Iterable[str], top_k: int = 1) -> list[Label]: ...
    @overload
    def __call__(self, inputs: str, top_k: None) -> list[Label]: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, inputs: Iterable[str], top_k: None) -> list[list[Label]]: ...

    def __call__(
        self, inputs: str | Iterable[str], top_k: int | None = 1
    ) -> list[Label] | list[list[Label]]:
        """The likelier class of each text, or several classes.

        Args:
            inputs: a text, or n texts.
            top_k: how many classes, the likeliest first; None for both.

        Returns:
            For n texts, n dictionaries with `label` and `score`, its probability; a list of one
            for a single text. Where `top_k` is not 1, a list of them for each text, and for a
            single text that list itself.
        """
        texts = [inputs] if isinstance(inputs, str) else list(inputs)
        ranked = [_ranked(row)[:top_k] for row in self._predict_proba(texts)]
        if isinstance(inputs, str):
            return ranked[0]
        return [labels[0] for labels in ranked] if top_k == 1 else ranked


def _ranked(probabilities: np.ndarray) -> list[Label]:
    order = np.argsort(-probabilities, kind="stable")
    return [Label(label=LABELS[one], score=float(probabilities[one])) for one in order]
