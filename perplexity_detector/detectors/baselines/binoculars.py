"""Binoculars: a zero-shot score of two language models of one vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from perplexity_detector.detectors.baselines.zero_shot import ZeroShot
from perplexity_detector.errors import InputError
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.lm.cache import CachedScorer
from perplexity_detector.lm.pair_scorer import check_pair, shared_pair
from perplexity_detector.lm.scorer import LanguageModelScorer


class PairExtractor(FeatureExtractor):
    """An extractor whose statistics come from two models, see `lm.pair_scorer.PairScorer`.

    Args:
        families: names of families; only `entropy` makes sense, whose `relative_surprisal` is
            then Binoculars' ratio.
        lm: the observer.
        performer: the model whose surprisal counts, of the same vocabulary.
        revision: of the observer, if it is a hub model.
        device: `auto`, `cpu` or `cuda`.
        precision: `float32`, `bfloat16`, ...; see `LanguageModelScorer`.
        batch_tokens: tokens read at once.
        canonical: bring texts to canonical form first.
        cache: a folder that keeps what the models computed.
        progress: show a bar on a terminal.
    """

    depth = 1.0  # statistics need both models whole
    processes = 0

    def __init__(
        self,
        families: Sequence[str] = ("entropy",),
        lm: str = "smollm2",
        performer: str | None = None,
        revision: str | None = None,
        device: str = "auto",
        precision: str | None = None,
        batch_tokens: int | None = None,
        canonical: bool = True,
        cache: str | None = None,
        progress: bool = False,
    ) -> None:
        self.families = families
        self.lm = lm
        self.performer = performer
        self.revision = revision
        self.device = device
        self.precision = precision
        self.batch_tokens = batch_tokens
        self.canonical = canonical
        self.cache = cache
        self.progress = progress

    def scorer(self) -> LanguageModelScorer | CachedScorer:
        """The pair of models.

        Raises:
            InputError: there is no performer.
            LanguageModelError: the second is the first, or of another vocabulary.
        """
        if self.performer is None:
            raise InputError(
                "Binoculars reads with two language models",
                "performer",
                "name the second with {performer}, a model with the vocabulary of {observer}",
                observer=self.lm,
            )
        check_pair(self.lm, self.performer)
        return shared_pair(self.reading_options, self.performer)


class Binoculars(ZeroShot):
    """Log-perplexity of the performer over the cross-entropy of the two: generated has lower.

    B = sum_t -ln p_performer(x_t) / sum_t -sum_v p_observer(v) ln p_performer(v) (Hans et al.
    2024, equation 4, with the models in the places that the authors' code gives them).
    """

    name = "binoculars"
    extractor_class: ClassVar[type[Any]] = PairExtractor
    families = ("entropy",)
    columns = ("entropy_relative_surprisal",)
    sign = -1

    def labels(self) -> list[str]:
        """What the one column measures, which here comes from two models."""
        return ["perplexity relative to the cross-perplexity of two models"]
