"""The first blocks of the causal language model with a head, fine-tuned."""

from __future__ import annotations

from perplexity_detector.detectors.baselines.neural import FineTunedBaseline, Pretrained
from perplexity_detector.errors import InputError
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.lm.kernels.blocks import blocks_of
from perplexity_detector.lm.weights import catalogue

#: smollm2's first three blocks have 10.6 million weights, as many as the six of MiniLM-L6.
BLOCKS = 3


class FirstLayers(FineTunedBaseline):
    """The first blocks of a causal language model, mean pooling and a linear head, fine-tuned.

    Args:
        extractor: as in `FineTunedBaseline`; its `lm` and `revision` name the language model.
        blocks: how many are kept; the default makes a step as expensive as with MiniLM-L6.
        epochs: passes over the training texts.
        max_texts: training texts at most.
        max_tokens: tokens of a text that are used.
        batch_texts: texts in a batch.
        learning_rate: the peak of the schedule.
        n_scored_folds: folds that get out-of-fold scores.
        fpr: false-positive rate of `predict` and of verdicts.
        random_state: seed.
    """

    name = "first_layers"

    def __init__(
        self,
        extractor: FeatureExtractor | None = None,
        blocks: int = BLOCKS,
        epochs: int = 1,
        max_texts: int | None = 20_000,
        max_tokens: int = 256,
        batch_texts: int = 32,
        learning_rate: float = 1e-4,
        n_scored_folds: int | None = 1,
        fpr: float = 0.01,
        random_state: int = 0,
    ) -> None:
        super().__init__(
            extractor, epochs, max_texts, max_tokens, batch_texts, learning_rate, n_scored_folds,
            fpr, random_state,
        )  # fmt: skip
        self.blocks = blocks

    def pretrained(self) -> Pretrained:
        """The first blocks of the extractor's language model, and its BOS token as prefix.

        Raises:
            InputError: it has no such number of blocks.
        """
        loaded = catalogue.load(self.extractor_.lm, self.extractor_.revision, of_transformers=True)
        config = loaded.model.config
        if not 1 <= self.blocks <= config.num_hidden_layers:
            raise InputError(
                f"{loaded.name} has {config.num_hidden_layers} blocks: it cannot be cut after "
                f"{self.blocks}.",
                "blocks",
            )
        del blocks_of(loaded.model)[self.blocks :]
        config.num_hidden_layers = self.blocks
        if getattr(config, "layer_types", None):
            config.layer_types = config.layer_types[: self.blocks]
        return Pretrained(loaded.model.base_model, loaded.tokenizer, (loaded.bos_id,))
