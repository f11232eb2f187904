"""FeatureExtractor: texts -> table, by joining the families; a scikit-learn transformer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from tqdm import tqdm

from perplexity_detector.errors import InputError
from perplexity_detector.features import (
    burstiness,
    compression,
    curvature,
    diversity,
    entropy,
    perplexity,
    rank,
    spectrum,
    stylometry,
)
from perplexity_detector.features.family import Document, Family
from perplexity_detector.lm.cache import CachedScorer
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.lm.statistics import TokenStatistics
from perplexity_detector.text import canonicalise

#: Every family, in the order of the table's columns.
FAMILIES: dict[str, Family] = {
    module.FAMILY.name: module.FAMILY
    for module in (
        perplexity,
        rank,
        entropy,
        curvature,
        burstiness,
        diversity,
        spectrum,
        stylometry,
        compression,
    )
}
#: Texts read together: enough to put like lengths side by side, few enough to show progress.
CHUNK_TEXTS = 64


class FeatureExtractor(TransformerMixin, BaseEstimator):
    """Turns texts into a table of numbers, one column a feature.

    It learns nothing, so `FeatureExtractor().transform(texts)` works at once; `set_output` gives
    data frames. The language model is loaded when first needed and shared by extractors of like
    settings in a process, clones included.

    Args:
        families: names of families, in `FAMILIES`; all of them if not given.
        lm: language model: `smollm2`, a pulled model of the hub, or a folder.
        revision: of a hub model.
        device: `auto`, `cpu` or `cuda`.
        dtype: `auto`, `float32`, `bfloat16`, ...
        batch_tokens: tokens read at once.
        canonical: bring texts to canonical form first.
        cache: a folder that keeps token statistics for another time.
        progress: show a bar on a terminal.

    Example:
        >>> extractor = FeatureExtractor(families=["stylometry"])
        >>> extractor.transform(["One text.", "And another one."]).shape[0]
        2
    """

    def __init__(
        self,
        families: Sequence[str] | None = None,
        lm: str = "smollm2",
        revision: str | None = None,
        device: str = "auto",
        dtype: str = "auto",
        batch_tokens: int | None = None,
        canonical: bool = True,
        cache: str | None = None,
        progress: bool = False,
    ) -> None:
        self.families = families
        self.lm = lm
        self.revision = revision
        self.device = device
        self.dtype = dtype
        self.batch_tokens = batch_tokens
        self.canonical = canonical
        self.cache = cache
        self.progress = progress

    def fit(self, X: Iterable[str] | None = None, y: object = None) -> FeatureExtractor:
        """Check the settings; there is nothing to learn."""
        self.chosen_families()
        return self

    def transform(self, X: Iterable[str]) -> np.ndarray:
        """The features of each text.

        Args:
            X: texts, shape (n,): a list, an array or a pandas column of strings.

        Returns:
            Finite float64 of shape (n, features); columns as `get_feature_names_out`.

        Raises:
            InputError: X is one string, or holds what is not a string.
            LanguageModelError: the language model is missing or unfit.
        """
        return self.table(self.documents(X))

    def documents(self, texts: Iterable[str]) -> list[Document]:
        """The texts, canonical, with the language model's statistics if a family reads them."""
        canonical = [canonicalise(text) if self.canonical else text for text in as_texts(texts)]
        if not self.reads_tokens():
            return [Document(text, TokenStatistics.empty()) for text in canonical]
        scorer = self.scorer()
        documents: list[Document] = []
        with tqdm(
            total=len(canonical), unit=" texts", disable=None if self.progress else True
        ) as bar:
            for first in range(0, len(canonical), CHUNK_TEXTS):
                chunk = canonical[first : first + CHUNK_TEXTS]
                documents += map(Document, chunk, scorer.score(chunk))
                bar.update(len(chunk))
        return documents

    def table(self, documents: Sequence[Document]) -> np.ndarray:
        """The features of documents already read, float64 of shape (n, features)."""
        families = self.chosen_families()
        rows = [
            [value for family in families for value in family.values(document)]
            for document in documents
        ]
        return np.array(rows, np.float64).reshape(len(rows), len(self.get_feature_names_out()))

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """Names of the columns, `family_feature`."""
        names = [name for family in self.chosen_families() for name in family.feature_names]
        return np.array(names, object)

    def chosen_families(self) -> list[Family]:
        """The families of the table, in order.

        Raises:
            InputError: a name is unknown, or none is given.
        """
        names = list(FAMILIES) if self.families is None else list(self.families)
        unknown = [name for name in names if name not in FAMILIES]
        if unknown or not names:
            asked = ", ".join(map(repr, unknown)) or "in an empty list"
            raise InputError(
                f"There is no feature family {asked}; choose from {', '.join(FAMILIES)}."
            )
        return [FAMILIES[name] for name in names]

    def labels(self) -> list[str]:
        """What each column measures, in words that follow "high" or "low"."""
        return [label for family in self.chosen_families() for label in family.labels.values()]

    def reads_tokens(self) -> bool:
        """Whether any family needs the language model."""
        return any(family.reads_tokens for family in self.chosen_families())

    def scorer(self) -> LanguageModelScorer | CachedScorer:
        """What reads the texts: shared by all extractors with these settings."""
        return _shared_scorer(
            self.lm, self.revision, self.device, self.dtype, self.batch_tokens, self.cache
        )

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


def as_texts(texts: Iterable[str]) -> list[str]:
    """A list of strings, or a sentence about what was given instead.

    Raises:
        InputError: one string, a table, or an element that is no string.
    """
    if isinstance(texts, str):
        raise InputError("One string was given where a list of texts is needed: write [text].")
    if not isinstance(texts, Iterable) or getattr(texts, "ndim", 1) != 1:
        raise InputError(
            f"A {type(texts).__name__} was given where a list of texts is needed; of a table, "
            "give the column of texts."
        )
    listed = list(texts)
    for place, text in enumerate(listed):
        if not isinstance(text, str):
            raise InputError(
                f"Text number {place} is a {type(text).__name__}, not a string; "
                "leave out or fill in missing texts."
            )
    return listed


@lru_cache(maxsize=2)
def _shared_scorer(
    lm: str,
    revision: str | None,
    device: str,
    dtype: str,
    batch_tokens: int | None,
    cache: str | None,
) -> LanguageModelScorer | CachedScorer:
    scorer = LanguageModelScorer(lm, revision, device, dtype, batch_tokens)
    return scorer if cache is None else CachedScorer(scorer, cache)
