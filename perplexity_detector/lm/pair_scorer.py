"""Two language models with the same vocabulary that read a text together, for Binoculars."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import Any

import torch
from torch.nn import functional

from perplexity_detector.errors import LanguageModelError
from perplexity_detector.lm.cache import CachedScorer
from perplexity_detector.lm.reading_options import ReadingOptions
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.lm.token_statistics import CHUNK_ROWS
from perplexity_detector.lm.weights import catalogue


class PairScorer(LanguageModelScorer):
    """Reads texts with an observer and a performer at once.

    In its statistics, `surprisal` is the performer's and `entropy` is the cross-entropy of the
    two predictions, -sum_v p_observer(v) ln p_performer(v), in nats. Ranks are 1 and variances 0.
    Both models read the same tokens, after the observer's BOS token.

    Args:
        lm: the observer.
        performer: the model whose surprisal counts.
        revision: of the observer, if it is a hub model.
        **settings: of LanguageModelScorer, for both models.

    Raises:
        LanguageModelError: one of the models is missing, or their vocabularies differ.
    """

    def __init__(
        self, lm: str, performer: str, revision: str | None = None, **settings: Any
    ) -> None:
        self.performer = LanguageModelScorer(performer, **settings)
        super().__init__(lm, revision, **settings)
        if self.tokenizer.get_vocab() != self.performer.tokenizer.get_vocab():
            raise LanguageModelError(
                f"{lm} and {performer} have different vocabularies",
                "performer",
                "Binoculars needs two models with the same one, such as a base model and a "
                "fine-tuned version of it",
            )
        self.window = min(self.window, self.performer.window)
        self.fingerprints = tuple(
            f"{one}+{other}"
            for one, other in product(self.fingerprints, self.performer.fingerprints)
        )

    def statistics(self, hidden: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Surprisal, 1, cross-entropy and 0 of targets (n,) from both states (n, widths)."""
        chunks = zip(hidden.split(CHUNK_ROWS), targets.split(CHUNK_ROWS), strict=True)
        columns = zip(*(self._cross(states, wanted) for states, wanted in chunks), strict=True)
        surprisal, cross_entropy = (torch.cat(column) for column in columns)
        return surprisal, torch.ones_like(targets), cross_entropy, torch.zeros_like(surprisal)

    def hidden_states(self, inputs: torch.Tensor) -> torch.Tensor:
        """Last hidden states of both models, concatenated, (batch, length, widths)."""
        return torch.cat(
            [super().hidden_states(inputs), self.performer.hidden_states(inputs)], dim=-1
        )

    def head(self, hidden: torch.Tensor) -> torch.Tensor:
        """The observer's logits (rows, vocabulary) from both models' states (rows, widths)."""
        return super().head(hidden[:, : self.model.config.hidden_size])

    def _cross(
        self, hidden: torch.Tensor, targets: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        observer = self.head(hidden)
        performer = self.performer.head(hidden[:, self.model.config.hidden_size :])
        # heads can be padded beyond the vocabulary, to different widths
        width = min(observer.shape[1], performer.shape[1])
        log_p = functional.log_softmax(_at_least_float32(performer[:, :width]), dim=1)
        p_observer = functional.softmax(_at_least_float32(observer[:, :width]), dim=1)
        surprisal = -log_p.gather(1, targets[:, None]).squeeze(1)
        # for a token that both models rule out, 0 x -inf would be NaN
        finite = log_p.clamp_min(torch.finfo(log_p.dtype).min)
        return surprisal, -(p_observer * finite).sum(dim=1)


@lru_cache(maxsize=1)
def shared_pair(options: ReadingOptions, performer: str) -> PairScorer | CachedScorer:
    """An observer with these options and a performer; the pair used last stays in memory."""
    scorer = PairScorer.from_options(options, performer=performer)
    return scorer if options.cache is None else CachedScorer(scorer, options.cache)


def check_pair(lm: str, performer: str) -> None:
    """Check, before any work, that the two models differ.

    Raises:
        LanguageModelError: they are the same.
    """
    if lm == performer:
        raise LanguageModelError(
            f"Binoculars reads with two models, and was given {lm or catalogue.BUILTIN} twice",
            "performer",
            "set {performer} to another model with the same vocabulary",
        )


def _at_least_float32(logits: torch.Tensor) -> torch.Tensor:
    return logits if logits.dtype in (torch.float32, torch.float64) else logits.float()
