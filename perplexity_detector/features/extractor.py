"""FeatureExtractor: texts -> table, by joining the families; a scikit-learn transformer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError
from tqdm import tqdm

from perplexity_detector.errors import ArtefactError, InputError
from perplexity_detector.features import pipeline
from perplexity_detector.features.cross_fitting import cross_fitted_table, feature_matrix
from perplexity_detector.features.document import Document
from perplexity_detector.features.family import Family, LearnedFamily
from perplexity_detector.features.registry import select_families
from perplexity_detector.lm.cache import CachedScorer
from perplexity_detector.lm.kernels.device import resolve_device
from perplexity_detector.lm.reading_options import ReadingOptions
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.lm.scorer_cache import shared_scorer
from perplexity_detector.sampling.checks import (
    check_consistent_length,
    check_texts,
    check_training_data,
)
from perplexity_detector.sampling.splits import Split, group_folds, merge_related_sources
from perplexity_detector.text import canonicalise

#: Texts read together: enough to put like lengths side by side, few enough to show progress.
CHUNK_TEXTS = 64


class FeatureExtractor(TransformerMixin, BaseEstimator):
    """Turns texts into a table of numbers, one column a feature.

    Most families learn nothing: with them, `FeatureExtractor().transform(texts)` works at once.
    Those that learn are fitted on labelled texts; `fit_transform` gives each of these
    texts the features that it would have had if it had not been among them (cross-fitting),
    which is what a classifier must be trained on. `set_output` gives data frames. The language
    model is loaded when first needed and shared by extractors of like settings in a process,
    clones included.

    Args:
        families: names of families; if not given, all that learn nothing.
        lm: language model: `smollm2`, a pulled model of the hub, or a folder.
        revision: of a hub model.
        depth: leave the language model after this share of its blocks, in (0, 1]: under 1 it is
            quicker, and families that read statistics are not to be had.
        device: `auto`, `cpu` or `cuda`.
        precision: `auto`, `float32`, `bfloat16`, ...
        batch_tokens: tokens read at once.
        canonical: bring texts to canonical form first.
        cache: a folder that keeps what the language model said.
        progress: show a bar on a terminal.
        processes: that make features in `transform` while a GPU reads; 0, a thread does.

    Attributes:
        learned_: what each learned family learned, family -> name -> array.

    Example:
        >>> FeatureExtractor(["stylometry"]).transform(["One text.", "And another."]).shape[0]
        2
    """

    learned_: dict[str, dict[str, np.ndarray]]

    def __init__(
        self,
        families: Sequence[str] | None = None,
        lm: str = "smollm2",
        revision: str | None = None,
        depth: float = 1.0,
        device: str = "auto",
        precision: str = "auto",
        batch_tokens: int | None = None,
        canonical: bool = True,
        cache: str | None = None,
        progress: bool = False,
        processes: int = 0,
    ) -> None:
        self.families = families
        self.lm = lm
        self.revision = revision
        self.depth = depth
        self.device = device
        self.precision = precision
        self.batch_tokens = batch_tokens
        self.canonical = canonical
        self.cache = cache
        self.progress = progress
        self.processes = processes

    # --- learning ---------------------------------------------------------------------------

    def fit(
        self,
        X: Iterable[str] | None = None,
        y: Iterable[int] | None = None,
        groups: Sequence[object] | None = None,
        sources: Sequence[object] | None = None,
    ) -> FeatureExtractor:
        """Check the settings, and let the families learn that do.

        Args:
            X: texts, shape (n,); not needed if no family learns, no more than y.
            y: 0 for a person's, 1 for a model's, shape (n,).
            groups: not used; `fit_transform` parts the texts by sources, or by them.
            sources: where each text comes from, shape (n,); sources count alike.

        Raises:
            InputError: a setting is wrong, or labels are missing.
        """
        self.learned_ = {}
        if learners := self._learners():
            if X is None or y is None:
                raise InputError(f"Family {learners[0].name} learns: it needs texts and labels.")
            return self.fit_documents(self.read_documents(X), y, sources)
        return self

    def fit_transform(
        self,
        X: Iterable[str],
        y: Iterable[int] | None = None,
        groups: Sequence[object] | None = None,
        sources: Sequence[object] | None = None,
    ) -> np.ndarray:
        """Fit, and the cross-fitted features of the same texts; arguments as for `fit`.

        Returns:
            Finite float64 of shape (n, features); learned families' values differ from what
            `transform` then gives.
        """
        if y is None:
            return self.fit().transform(X)
        documents = self.read_documents(X)
        labels, codes = check_training_data(documents, y, sources)
        check_consistent_length(len(labels), groups=groups)
        parts = group_folds(labels, merge_related_sources(codes, groups), groups)
        return self.fit_documents(documents, labels, codes).cross_fitted_table(
            documents, labels, codes, parts
        )

    def fit_documents(
        self,
        documents: Sequence[Document],
        y: Iterable[int],
        sources: Sequence[object] | np.ndarray | None = None,
    ) -> FeatureExtractor:
        """As `fit`, from documents already read."""
        labels, codes = check_training_data(documents, y, sources)
        self.learned_ = {f.name: f.fit(documents, labels, codes) for f in self._learners()}
        return self

    def cross_fitted_table(
        self,
        documents: Sequence[Document],
        y: Iterable[int],
        sources: Sequence[object] | np.ndarray | None,
        parts: Sequence[Split],
    ) -> np.ndarray:
        """Features of labelled documents by families that saw only the other parts."""
        labels, codes = check_training_data(documents, y, sources)
        columns = [
            feature_matrix(family, documents)
            if isinstance(family, Family)
            else cross_fitted_table(family, documents, labels, codes, parts)
            for family in self.chosen_families()
        ]
        return np.hstack(columns)

    # --- telling ----------------------------------------------------------------------------

    def transform(self, X: Iterable[str]) -> np.ndarray:
        """The features of each text.

        Args:
            X: texts, shape (n,): a list, array or column of strings.

        Returns:
            Finite float64 (n, features), columns as `get_feature_names_out`.

        Raises:
            InputError: X is one string, or not all strings.
            LanguageModelError: the language model is missing or unfit.
            NotFittedError: a family has yet to learn.
        """
        return self.extract(check_texts(X))[1]

    def extract(self, texts: Sequence[str]) -> tuple[list[Document], np.ndarray]:
        """The texts, read, and their features; where a GPU reads, without hidden states."""
        # a cache reads chunk by chunk
        if self.uses_gpu() and isinstance(self.scorer(), LanguageModelScorer):
            return self.read_overlapped(texts)
        documents = self.read_documents(texts)
        return documents, self.transform_documents(documents)

    def read_overlapped(self, texts: Sequence[str]) -> tuple[list[Document], np.ndarray]:
        """As `extract`, without a cache: features are made while the next texts are read."""
        scorer = self.scorer()
        assert isinstance(scorer, LanguageModelScorer)
        families = [self._fitted_family(family) for family in self.chosen_families()]
        settings = (self.requirements(), self.canonical, self.processes)
        return pipeline.read_overlapped(scorer, texts, families, *settings)

    def read_documents(self, texts: Iterable[str]) -> list[Document]:
        """The texts, canonical, with what the families read of them."""
        canonical = [canonicalise(text) if self.canonical else text for text in check_texts(texts)]
        if not self.reads_tokens():
            return [Document(text) for text in canonical]
        scorer, needs = self.scorer(), self.requirements()
        documents: list[Document] = []
        with tqdm(
            total=len(canonical), unit=" texts", disable=None if self.progress else True
        ) as bar:
            for first in range(0, len(canonical), CHUNK_TEXTS):
                chunk = canonical[first : first + CHUNK_TEXTS]
                documents += pipeline.read_documents(scorer, chunk, needs)
                bar.update(len(chunk))
        return documents

    def transform_documents(self, documents: Sequence[Document]) -> np.ndarray:
        """The features of documents already read, float64 of shape (n, features)."""
        families = [self._fitted_family(family) for family in self.chosen_families()]
        return np.hstack([feature_matrix(family, documents) for family in families])

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """Names of the columns, `family_feature`."""
        names = [name for family in self.chosen_families() for name in family.feature_names]
        return np.array(names, object)

    def chosen_families(self) -> list[Family | LearnedFamily]:
        """The families of the table, in order; learned ones as they are before they learn.

        Raises:
            InputError: a name is unknown, none is given, or the depth does not allow one.
        """
        return select_families(self.families, self.depth)

    def column_labels(self) -> tuple[list[str], list[str]]:
        """What each column measures, in words that follow "high" or "low", and its family."""
        families = self.chosen_families()
        labels = [label for family in families for label in family.labels.values()]
        return labels, [family.name for family in families for _ in family.labels]

    def reads_tokens(self) -> bool:
        """Whether any family needs the language model or its tokenizer."""
        return any(family.requires != "text" for family in self.chosen_families())

    def uses_gpu(self) -> bool:
        """Whether a GPU reads the texts."""
        return self.reads_tokens() and resolve_device(self.device).type == "cuda"

    @property
    def reading_options(self) -> ReadingOptions:
        """The settings that say which language model reads, and how."""
        return ReadingOptions(
            **{one.name: getattr(self, one.name) for one in fields(ReadingOptions)}
        )

    def scorer(self) -> LanguageModelScorer | CachedScorer:
        """What reads the texts: shared by all extractors with these reading options."""
        return shared_scorer(self.reading_options)

    def require_model(self, fingerprint: str | None) -> None:
        """Check that the language model is the one with this fingerprint, if any.

        Raises:
            ArtefactError: it is another.
        """
        if fingerprint is not None and (found := self.scorer().fingerprint) != fingerprint:
            raise ArtefactError(
                f"This detector was trained with another language model than {self.lm} "
                f"({fingerprint[:24]}..., not {found[:24]}...); give it with --lm, or train anew."
            )

    def requirements(self) -> pipeline.Requirements:
        """What of a text the families read."""
        return pipeline.Requirements.of(self.chosen_families(), self.scorer(), self.depth)

    def _fitted_family(self, family: Family | LearnedFamily) -> Family:
        if isinstance(family, Family):
            return family
        if family.name not in getattr(self, "learned_", {}):
            raise NotFittedError(
                f"Family {family.name} has yet to learn: call fit with labelled texts."
            )
        return family.family(self.learned_[family.name])

    def _learners(self) -> list[LearnedFamily]:
        return [family for family in self.chosen_families() if isinstance(family, LearnedFamily)]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "learned_") or not self._learners()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = bool(self._learners())
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags
