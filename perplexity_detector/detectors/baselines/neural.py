"""FineTunedBaseline: what the fine-tuned baselines share."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from perplexity_detector.detectors.baselines.baseline import TextBaseline
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.lm.kernels.device import resolve_device
from perplexity_detector.lm.weights.catalogue import check_settings
from perplexity_detector.sampling.balance import balancing_weights
from perplexity_detector.text import replace_surrogates

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from perplexity_detector.detectors.baselines.fine_tuning import PooledClassifier

WEIGHTS, ARCHITECTURE, TOKENIZER = "network.safetensors", "network.json", "tokenizer.json"
#: Where a model was stored and what made it, which are no part of its architecture.
_DROPPED_CONFIG = ("_name_or_path", "transformers_version", "auto_map")


@dataclass(frozen=True)
class Pretrained:
    """A network to start from, or one that has been trained.

    Attributes:
        body: a model of transformers without a head.
        tokenizer: of the `tokenizers` library.
        prefix_ids: token ids put before every text; the tokenizer's own special tokens if None.
    """

    body: Any
    tokenizer: Tokenizer
    prefix_ids: tuple[int, ...] | None

    def ids(self, texts: list[str], max_tokens: int) -> list[np.ndarray]:
        """Token ids of each text: at least one, at most `max_tokens`."""
        readable = [replace_surrogates(text) for text in texts]
        limit = getattr(self.body.config, "max_position_embeddings", None) or max_tokens
        max_tokens = min(max_tokens, limit - 2)  # some architectures count positions from 2 on
        prefix = list(self.prefix_ids or ())
        self.tokenizer.encode_special_tokens = True  # "[SEP]" typed by a user is plain text
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(max(1, max_tokens - len(prefix)))
        encoded = self.tokenizer.encode_batch(readable, add_special_tokens=self.prefix_ids is None)
        return [np.array([*prefix, *one.ids] or [0], np.int64) for one in encoded]


@dataclass(frozen=True)
class FineTunedModel:
    """A fine-tuned network, and the tokenizer that feeds it."""

    start: Pretrained
    network: PooledClassifier


class FineTunedBaseline(TextBaseline):
    """A pretrained network, fine-tuned; a subclass says which.

    Training is expensive, so only `n_scored_folds` folds get out-of-fold scores. They set
    calibrator and thresholds; a last network is trained on all texts. The scores of the other
    folds are NaN.

    Args:
        extractor: brings texts to canonical form, and says on which device to run.
        epochs: passes over the training texts.
        max_texts: training texts at most, drawn evenly from classes and sources.
        max_tokens: tokens of a text that are used, from its beginning.
        batch_texts: texts in a batch.
        learning_rate: the peak of the schedule.
        n_scored_folds: folds that get out-of-fold scores.
        fpr: false-positive rate of `predict` and of verdicts.
        random_state: seed.

    Attributes:
        fitted_: the network, see `FineTunedModel`.
    """

    artefact_files: ClassVar[tuple[str, ...]] = (WEIGHTS, ARCHITECTURE, TOKENIZER)
    fitted_: FineTunedModel

    def __init__(
        self,
        extractor: FeatureExtractor | None = None,
        epochs: int = 1,
        max_texts: int | None = 20_000,
        max_tokens: int = 256,
        batch_texts: int = 32,
        learning_rate: float = 1e-4,
        n_scored_folds: int | None = 1,
        fpr: float = 0.01,
        random_state: int = 0,
    ) -> None:
        super().__init__(extractor, fpr, random_state)
        self.epochs = epochs
        self.max_texts = max_texts
        self.max_tokens = max_tokens
        self.batch_texts = batch_texts
        self.learning_rate = learning_rate
        self.n_scored_folds = n_scored_folds

    @abstractmethod
    def pretrained(self) -> Pretrained:
        """The network to start from.

        Raises:
            LanguageModelError: it is missing or unfit.
        """

    def fit_features(
        self, features: list[str], labels: np.ndarray, sources: np.ndarray
    ) -> FineTunedModel:
        """A network, trained on these texts."""
        import torch

        from perplexity_detector.detectors.baselines.fine_tuning import (
            PooledClassifier,
            TrainingArgs,
            fine_tune,
        )

        rows = balanced_rows(labels, sources, self.max_texts, self.random_state)
        start = self.pretrained()
        ids = start.ids([features[row] for row in rows], self.max_tokens)
        weights = balancing_weights(labels[rows], sources[rows])
        args = TrainingArgs(
            self.epochs,
            self.batch_texts,
            self.learning_rate,
            self.random_state,
            self.extractor_.progress,
        )
        with torch.random.fork_rng():
            torch.manual_seed(self.random_state)
            network = PooledClassifier(start.body).to(resolve_device(self.extractor_.device))
            fine_tune(network, ids, labels[rows], weights, args)
        return FineTunedModel(start, network)

    def score_features(self, features: list[str], fitted: FineTunedModel) -> np.ndarray:
        """Log-odds, shape (n,)."""
        from perplexity_detector.detectors.baselines.fine_tuning import log_odds

        return log_odds(fitted.network, fitted.start.ids(features, self.max_tokens))

    def to_files(self) -> dict[str, bytes]:
        """Weights in half precision, the architecture, the tokenizer."""
        import safetensors.torch

        start, network = self.fitted_.start, self.fitted_.network
        weights = {
            name: tensor.half().cpu().contiguous() for name, tensor in network.state_dict().items()
        }
        config = json.loads(start.body.config.to_json_string(use_diff=False))
        config = {name: value for name, value in config.items() if name not in _DROPPED_CONFIG}
        about = {"config": config, "first": start.prefix_ids}  # saved detectors have this key
        return {
            WEIGHTS: safetensors.torch.save(weights),
            ARCHITECTURE: json.dumps(about, indent=1).encode(),
            TOKENIZER: start.tokenizer.to_str().encode(),
        }

    def load_files(self, files: Mapping[str, bytes]) -> None:
        """The inverse of `to_files`."""
        import safetensors.torch
        import torch
        import transformers
        from tokenizers import Tokenizer

        from perplexity_detector.detectors.baselines.fine_tuning import PooledClassifier

        about = json.loads(files[ARCHITECTURE])
        check_settings(about["config"])
        config = transformers.AutoConfig.for_model(**about["config"])
        weights = safetensors.torch.load(files[WEIGHTS])
        if getattr(config, "num_hidden_layers", 0) > len(weights):
            raise ValueError("the architecture has more layers than there are weights")

        def untrained() -> PooledClassifier:
            body = transformers.AutoModel.from_config(config, trust_remote_code=False)
            return PooledClassifier(body)

        with torch.device("meta"):  # takes no memory, whatever sizes the file names
            expected = {name: one.shape for name, one in untrained().state_dict().items()}
        if expected != {name: one.shape for name, one in weights.items()}:
            raise ValueError("the weights are those of another architecture")
        network = untrained().float()
        network.load_state_dict(weights)
        network.eval().requires_grad_(False).to(resolve_device(self.extractor_.device))
        prefix_ids = about["first"]
        tokenizer = Tokenizer.from_str(files[TOKENIZER].decode())
        start = Pretrained(
            network.body, tokenizer, None if prefix_ids is None else tuple(prefix_ids)
        )
        self.fitted_ = FineTunedModel(start, network)


def balanced_rows(
    labels: np.ndarray, sources: np.ndarray, max_rows: int | None, seed: int
) -> np.ndarray:
    """Indices of at most `max_rows` rows, drawn evenly from each source of each class.

    Where a source has too few rows, the others contribute more.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    if max_rows is None or len(order) <= max_rows:
        return order
    cells = pd.DataFrame({"label": labels[order], "source": sources[order]})
    rank_in_cell = cells.groupby(["label", "source"]).cumcount().to_numpy()
    return order[np.argsort(rank_in_cell, kind="stable")[:max_rows]]
