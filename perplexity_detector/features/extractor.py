"""FeatureExtractor: texts -> table, by joining the families; a scikit-learn transformer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError
from tqdm import tqdm

from perplexity_detector.errors import ArtefactError, InputError
from perplexity_detector.features import pipeline
from perplexity_detector.features.cross_fitting import Part, cross_fitted_table, folds, rows
from perplexity_detector.features.family import Document, Family, Learner
from perplexity_detector.features.registry import chosen
from perplexity_detector.lm.cache import CachedScorer
from perplexity_detector.lm.kernels.device import device_of
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.lm.scorer_cache import shared_scorer
from perplexity_detector.sampling.splits import as_texts, kin_of, lesson, require_length
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
            return self.learn(self.documents(X), y, sources)
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
        documents = self.documents(X)
        labels, codes = lesson(documents, y, sources)
        require_length(len(labels), groups=groups)
        parts = folds(labels, kin_of(codes, groups), groups)
        return self.learn(documents, labels, codes).cross_fitted_table(
            documents, labels, codes, parts
        )

    def learn(
        self,
        documents: Sequence[Document],
        y: Iterable[int],
        sources: Sequence[object] | np.ndarray | None = None,
    ) -> FeatureExtractor:
        """As `fit`, from documents already read."""
        labels, codes = lesson(documents, y, sources)
        self.learned_ = {f.name: f.learn(documents, labels, codes) for f in self._learners()}
        return self

    def cross_fitted_table(
        self,
        documents: Sequence[Document],
        y: Iterable[int],
        sources: Sequence[object] | np.ndarray | None,
        parts: Sequence[Part],
    ) -> np.ndarray:
        """Features of labelled documents by families that saw only the other parts."""
        labels, codes = lesson(documents, y, sources)
        columns = [
            rows(family, documents)
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
        return self.read(as_texts(X))[1]

    def read(self, texts: Sequence[str]) -> tuple[list[Document], np.ndarray]:
        """The texts, read, and their features; where a GPU reads, without hidden states."""
        # a cache reads chunk by chunk
        if self.on_gpu() and isinstance(self.scorer(), LanguageModelScorer):
            return self.read_while_tabulating(texts)
        documents = self.documents(texts)
        return documents, self.table(documents)

    def read_while_tabulating(self, texts: Sequence[str]) -> tuple[list[Document], np.ndarray]:
        """As `read`, without a cache: features are made while the next texts are read."""
        scorer = self.scorer()
        assert isinstance(scorer, LanguageModelScorer)
        families = [self._known(family) for family in self.chosen_families()]
        settings = (self.needs(), self.canonical, self.processes)
        return pipeline.read_while_tabulating(scorer, texts, families, *settings)

    def documents(self, texts: Iterable[str]) -> list[Document]:
        """The texts, canonical, with what the families read of them."""
        canonical = [canonicalise(text) if self.canonical else text for text in as_texts(texts)]
        if not self.reads_tokens():
            return [Document(text) for text in canonical]
        scorer, needs = self.scorer(), self.needs()
        documents: list[Document] = []
        with tqdm(
            total=len(canonical), unit=" texts", disable=None if self.progress else True
        ) as bar:
            for first in range(0, len(canonical), CHUNK_TEXTS):
                chunk = canonical[first : first + CHUNK_TEXTS]
                documents += pipeline.read(scorer, chunk, needs)
                bar.update(len(chunk))
        return documents

    def table(self, documents: Sequence[Document]) -> np.ndarray:
        """The features of documents already read, float64 of shape (n, features)."""
        families = [self._known(family) for family in self.chosen_families()]
        return np.hstack([rows(family, documents) for family in families])

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """Names of the columns, `family_feature`."""
        names = [name for family in self.chosen_families() for name in family.feature_names]
        return np.array(names, object)

    def chosen_families(self) -> list[Family | Learner]:
        """The families of the table, in order; learned ones as they are before they learn.

        Raises:
            InputError: a name is unknown, none is given, or the depth does not allow one.
        """
        return chosen(self.families, self.depth)

    def told(self) -> tuple[list[str], list[str]]:
        """What each column measures, in words that follow "high" or "low", and its family."""
        families = self.chosen_families()
        labels = [label for family in families for label in family.labels.values()]
        return labels, [family.name for family in families for _ in family.labels]

    def reads_tokens(self) -> bool:
        """Whether any family needs the language model or its tokenizer."""
        return any(family.reads != "text" for family in self.chosen_families())

    def on_gpu(self) -> bool:
        """Whether a GPU reads the texts."""
        return self.reads_tokens() and device_of(self.device).type == "cuda"

    def scorer(self) -> LanguageModelScorer | CachedScorer:
        """What reads the texts: shared by all extractors with these settings."""
        return shared_scorer(
            self.lm,
            self.revision,
            self.device,
            self.precision,
            self.batch_tokens,
            self.depth,
            self.cache,
        )

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

    def needs(self) -> pipeline.Needs:
        """What of a text the families read."""
        return pipeline.Needs.of(self.chosen_families(), self.scorer(), self.depth)

    def _known(self, family: Family | Learner) -> Family:
        if isinstance(family, Family):
            return family
        if family.name not in getattr(self, "learned_", {}):
            raise NotFittedError(
                f"Family {family.name} has yet to learn: call fit with labelled texts."
            )
        return family.family(self.learned_[family.name])

    def _learners(self) -> list[Learner]:
        return [family for family in self.chosen_families() if isinstance(family, Learner)]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "learned_") or not self._learners()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = bool(self._learners())
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags
