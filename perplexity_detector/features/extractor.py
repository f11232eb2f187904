"""FeatureExtractor: a scikit-learn transformer from texts to the features of several families."""

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
from perplexity_detector.features.cross_fitting import (
    CrossFit,
    cross_fit,
    feature_matrix,
    feature_table,
    out_of_fold_table,
)
from perplexity_detector.features.document import Document
from perplexity_detector.features.family import Family, LearnedFamily
from perplexity_detector.features.registry import select_families
from perplexity_detector.lm.cache import CachedScorer
from perplexity_detector.lm.kernels.device import resolve_device
from perplexity_detector.lm.kernels.precision import precision_of
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

#: Texts read together: enough to batch similar lengths, few enough to show progress.
CHUNK_TEXTS = 64


class FeatureExtractor(TransformerMixin, BaseEstimator):
    """Transforms texts into a table of numbers, one column per feature.

    Most families are fixed: with them, `FeatureExtractor().transform(texts)` works without `fit`.
    Learned families are fitted to labelled texts. `fit_transform` then returns out-of-fold
    features (cross-fitting), on which a classifier must be trained. `set_output` selects data
    frames. The language model is loaded when first needed, and extractors with the same settings
    share it, clones included.

    Args:
        families: names of families; all fixed ones if not given.
        lm: language model: `smollm2`, a pulled model of the Hugging Face hub, or a folder.
        revision: revision of a hub model.
        depth: share of the language model's blocks to run, in (0, 1]. Below 1 is faster, but
            families that use token statistics are not available.
        device: `auto`, `cpu` or `cuda`.
        precision: `float32`, `bfloat16`, ...; see `LanguageModelScorer`.
        batch_tokens: tokens per batch.
        canonical: whether to bring texts to canonical form first.
        cache: folder that keeps the language model's output.
        progress: whether to show a progress bar on a terminal.
        processes: worker processes that compute features in `transform` while a GPU reads;
            with 0, a thread does.

    Attributes:
        learned_: state of each learned family, family -> name -> array.

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
        precision: str | None = None,
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

    # --- fitting ----------------------------------------------------------------------------

    def fit(
        self,
        X: Iterable[str] | None = None,
        y: Iterable[int] | None = None,
        groups: Sequence[object] | None = None,
        sources: Sequence[object] | None = None,
    ) -> FeatureExtractor:
        """Check the settings and fit the learned families.

        Args:
            X: texts, shape (n,). X and y are needed only for learned families.
            y: 0 for human and 1 for generated, shape (n,).
            groups: not used here; `fit_transform` splits texts by sources, or by groups.
            sources: where each text comes from, shape (n,); all sources weigh the same.

        Raises:
            InputError: a setting is wrong, or texts or labels are missing.
        """
        self.learned_ = {}
        if learned := self._learned_families():
            if X is None or y is None:
                raise InputError(f"Family {learned[0].name} is learned: it needs texts and labels.")
            return self.fit_documents(self.read_documents(X), y, sources)
        return self

    def fit_transform(
        self,
        X: Iterable[str],
        y: Iterable[int] | None = None,
        groups: Sequence[object] | None = None,
        sources: Sequence[object] | None = None,
    ) -> np.ndarray:
        """Fit to texts and return their out-of-fold features; arguments as for `fit`.

        Returns:
            Finite float64 of shape (n, features). Values of learned families differ from those
            of `transform`, which uses the final fit.
        """
        if y is None:
            return self.fit().transform(X)
        documents = self.read_documents(X)
        labels, codes = check_training_data(documents, y, sources)
        check_consistent_length(len(labels), groups=groups)
        splits = group_folds(labels, merge_related_sources(codes, groups), groups)
        self.fit_documents(documents, labels, codes)
        fits = self.cross_fit(documents, labels, codes, splits)
        return self.out_of_fold_table(documents, fits)

    def fit_documents(
        self,
        documents: Sequence[Document],
        y: Iterable[int],
        sources: Sequence[object] | np.ndarray | None = None,
    ) -> FeatureExtractor:
        """Fit to documents instead of texts; see `fit`."""
        labels, codes = check_training_data(documents, y, sources)
        self.learned_ = {
            family.name: family.fit(documents, labels, codes) for family in self._learned_families()
        }
        return self

    def cross_fit(
        self,
        documents: Sequence[Document],
        y: Iterable[int],
        sources: Sequence[object] | np.ndarray | None,
        splits: Sequence[Split],
    ) -> list[CrossFit]:
        """The learned families, fitted once for each split to its training documents."""
        labels, codes = check_training_data(documents, y, sources)
        return cross_fit(self._learned_families(), documents, labels, codes, splits)

    def out_of_fold_table(
        self, documents: Sequence[Document], fits: Sequence[CrossFit]
    ) -> np.ndarray:
        """Out-of-fold features of training documents, float64 of shape (n, features)."""
        columns = [
            feature_matrix(family, documents)
            if isinstance(family, Family)
            else out_of_fold_table(family, documents, fits)
            for family in self.chosen_families()
        ]
        return np.hstack(columns)

    # --- features ---------------------------------------------------------------------------

    def transform(self, X: Iterable[str]) -> np.ndarray:
        """Compute the features of each text.

        Args:
            X: texts, shape (n,): a list, array or column of strings.

        Returns:
            Finite float64 of shape (n, features), with columns as in `get_feature_names_out`.

        Raises:
            InputError: X is a single string, or contains something other than strings.
            LanguageModelError: the language model is missing or cannot be used.
            NotFittedError: a learned family is not fitted.
        """
        return self.extract(check_texts(X))[1]

    def extract(
        self, texts: Sequence[str], by_sentence: bool = False
    ) -> tuple[list[Document], np.ndarray]:
        """Documents of texts and their features.

        Args:
            texts: n of them.
            by_sentence: whether hidden states are needed by sentence; on a GPU, documents of many
                texts lack them otherwise.
        """
        # one chunk leaves nothing to overlap
        if len(texts) > pipeline.CHUNK_TEXTS and self.cache is None and self.uses_gpu():
            return self.read_overlapped(texts, by_sentence)
        documents = self.read_documents(texts)
        return documents, self.transform_documents(documents)

    def read_overlapped(
        self, texts: Sequence[str], by_sentence: bool = False
    ) -> tuple[list[Document], np.ndarray]:
        """As `extract`, of which features are computed while the next texts are read.

        Raises:
            InputError: there is a cache, which reads texts in one step.
        """
        scorer = self.scorer()
        if not isinstance(scorer, LanguageModelScorer):
            raise InputError(
                "Reading cannot overlap with features where a cache is used",
                "cache",
                "leave out {cache}",
            )
        return pipeline.read_overlapped(
            scorer,
            texts,
            [self._fitted_family(family) for family in self.chosen_families()],
            self.requirements(),
            self.canonical,
            self.processes,
            by_sentence,
        )

    def read_documents(self, texts: Iterable[str]) -> list[Document]:
        """Documents of texts, with the inputs that the families require."""
        canonical = [canonicalise(text) if self.canonical else text for text in check_texts(texts)]
        if not self.reads_tokens():
            return [Document(text) for text in canonical]
        scorer, requirements = self.scorer(), self.requirements()
        documents: list[Document] = []
        # None disables the bar unless stderr is a terminal
        disable = None if self.progress else True
        with tqdm(total=len(canonical), unit=" texts", disable=disable) as bar:
            for start in range(0, len(canonical), CHUNK_TEXTS):
                chunk = canonical[start : start + CHUNK_TEXTS]
                documents += pipeline.read_documents(scorer, chunk, requirements)
                bar.update(len(chunk))
        return documents

    def transform_documents(self, documents: Sequence[Document]) -> np.ndarray:
        """Features of documents, float64 of shape (n, features)."""
        families = [self._fitted_family(family) for family in self.chosen_families()]
        return feature_table(families, documents)

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """Names of the columns, `family_feature`, object of shape (features,)."""
        names = [name for family in self.chosen_families() for name in family.feature_names]
        return np.array(names, object)

    def chosen_families(self) -> list[Family | LearnedFamily]:
        """The families of the table, in order; learned ones without their state.

        Raises:
            InputError: as `registry.select_families`.
        """
        return select_families(self.families, self.depth)

    def column_labels(self) -> tuple[list[str], list[str]]:
        """Label of each column, a noun phrase, and its family's name."""
        families = self.chosen_families()
        labels = [label for family in families for label in family.labels.values()]
        return labels, [family.name for family in families for _ in family.labels]

    def reads_tokens(self) -> bool:
        """Whether any family requires the language model or its tokenizer."""
        return any(family.requires != "text" for family in self.chosen_families())

    def uses_gpu(self) -> bool:
        """Whether the language model runs on a GPU."""
        return self.reads_tokens() and resolve_device(self.device).type == "cuda"

    def resolved_precision(self) -> str | None:
        """The precision in which the language model computes; None if it is not used.

        Raises:
            InputError: this machine lacks the device or the precision.
        """
        if not self.reads_tokens():
            return None
        return precision_of(self.precision, resolve_device(self.device))

    @property
    def reading_options(self) -> ReadingOptions:
        """The settings that concern the language model."""
        return ReadingOptions(
            **{option.name: getattr(self, option.name) for option in fields(ReadingOptions)}
        )

    def scorer(self) -> LanguageModelScorer | CachedScorer:
        """The language model, shared by all extractors with the same reading options."""
        return shared_scorer(self.reading_options)

    def require_model(self, fingerprint: str | None) -> None:
        """Check that the language model has this fingerprint, now or in version 0.3; None: any.

        Raises:
            ArtefactError: it has another.
        """
        if fingerprint is None:
            return
        if fingerprint not in (found := self.scorer().fingerprints):
            raise ArtefactError(
                f"This detector was trained with another language model than {self.lm} "
                f"({fingerprint[:24]}..., not {found[0][:24]}...)",
                "lm",
                "name that model with {lm}, or train again",
            )

    def check_learned(self) -> None:
        """Check that each learned family can compute with its state, which was read from a file.

        Raises:
            KeyError, TypeError, ValueError, ...: it cannot.
        """
        for family in self._learned_families():
            arrays = self.learned_[family.name]
            family.family(arrays).compute(family.trial(arrays))

    def requirements(self) -> pipeline.Requirements:
        """The inputs that the families require of each text."""
        return pipeline.Requirements.from_families(
            self.chosen_families(), self.scorer(), self.depth
        )

    def _fitted_family(self, family: Family | LearnedFamily) -> Family:
        if isinstance(family, Family):
            return family
        if family.name not in getattr(self, "learned_", {}):
            raise NotFittedError(
                f"Family {family.name} is not fitted: call fit with labelled texts."
            )
        return family.family(self.learned_[family.name])

    def _learned_families(self) -> list[LearnedFamily]:
        return [family for family in self.chosen_families() if isinstance(family, LearnedFamily)]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "learned_") or not self._learned_families()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = bool(self._learned_families())
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags
