"""What the fine-tuned baselines share: budget, tokens, training, files."""

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
from perplexity_detector.lm.scorer import resolve_device
from perplexity_detector.sampling.balance import balancing_weights
from perplexity_detector.text import replace_surrogates

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from perplexity_detector.detectors.baselines.fine_tuning import PooledClassifier

WEIGHTS, ARCHITECTURE, TOKENIZER = "network.safetensors", "network.json", "tokenizer.json"
#: Where a model lay, and what it was made with: neither says what it is.
_DROPPED_CONFIG = ("_name_or_path", "transformers_version", "auto_map")


@dataclass(frozen=True)
class Pretrained:
    """A network to start from, or one that has been trained.

    Attributes:
        body: a model of transformers without a head.
        tokenizer: of the `tokenizers` library.
        first: ids that stand before every text; the tokenizer's own special tokens if None.
    """

    body: Any
    tokenizer: Tokenizer
    prefix_ids: tuple[int, ...] | None

    def ids(self, texts: list[str], most: int) -> list[np.ndarray]:
        """At most so many tokens of each text, at least one."""
        readable = [replace_surrogates(text) for text in texts]
        limit = getattr(self.body.config, "max_position_embeddings", None) or most
        most = min(most, limit - 2)  # some architectures count positions from 2 on
        before = list(self.prefix_ids or ())
        self.tokenizer.encode_special_tokens = True  # "[SEP]" typed by a user is plain text
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(max(1, most - len(before)))
        encoded = self.tokenizer.encode_batch(readable, add_special_tokens=self.prefix_ids is None)
        return [np.array([*before, *one.ids] or [0], np.int64) for one in encoded]


@dataclass(frozen=True)
class FineTunedModel:
    """A trained network and how texts are brought to it."""

    start: Pretrained
    network: PooledClassifier


class FineTunedBaseline(TextBaseline):
    """A pretrained network, fine-tuned; a subclass says which.

    Training is dear. So only `n_scored_folds` of the parts are told by a network that was trained on the
    others; they set calibrator and thresholds, and a last network is trained on all texts. The
    margins of the other parts are unknown (NaN).

    Args:
        extractor: brings texts to canonical form, and says on which device to run.
        epochs: how often each text is seen.
        max_texts: if there are more, as many are drawn, evenly from classes and sources.
        max_tokens: of a text that are read, its first.
        batch_texts: texts a step.
        learning_rate: at its height.
        turns: parts that are told by a network that never saw them.
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
        plan = TrainingArgs(
            self.epochs,
            self.batch_texts,
            self.learning_rate,
            self.random_state,
            self.extractor_.progress,
        )
        with torch.random.fork_rng():
            torch.manual_seed(self.random_state)
            network = PooledClassifier(start.body).to(resolve_device(self.extractor_.device))
            fine_tune(network, ids, labels[rows], weights, plan)
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
        about = {"config": config, "first": start.prefix_ids}
        return {
            WEIGHTS: safetensors.torch.save(weights),
            ARCHITECTURE: json.dumps(about, indent=1).encode(),
            TOKENIZER: start.tokenizer.to_str().encode(),
        }

    def load_files(self, files: Mapping[str, bytes]) -> None:
        """The inverse of `to_files`."""
        import safetensors.torch
        import transformers
        from tokenizers import Tokenizer

        from perplexity_detector.detectors.baselines.fine_tuning import PooledClassifier

        about = json.loads(files[ARCHITECTURE])
        config = transformers.AutoConfig.for_model(**about["config"])
        network = PooledClassifier(transformers.AutoModel.from_config(config)).float()
        network.load_state_dict(safetensors.torch.load(files[WEIGHTS]))
        network.eval().requires_grad_(False).to(resolve_device(self.extractor_.device))
        prefix_ids = about["first"]
        tokenizer = Tokenizer.from_str(files[TOKENIZER].decode())
        start = Pretrained(
            network.body, tokenizer, None if prefix_ids is None else tuple(prefix_ids)
        )
        self.fitted_ = FineTunedModel(start, network)


def balanced_rows(
    labels: np.ndarray, sources: np.ndarray, most: int | None, seed: int
) -> np.ndarray:
    """Rows of at most so many texts, in random order, evenly from each source of each class.

    A source that has too few gives all it has, and the others more.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    if most is None or len(order) <= most:
        return order
    cells = pd.DataFrame({"label": labels[order], "source": sources[order]})
    turn = cells.groupby(["label", "source"]).cumcount().to_numpy()
    return order[np.argsort(turn, kind="stable")[:most]]
