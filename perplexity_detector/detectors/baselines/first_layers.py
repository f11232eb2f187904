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
    """A causal language model cut after its first blocks, its states averaged, and a linear head.

    Args:
        extractor: as in `FineTunedBaseline`; its `lm` and `revision` name the language model.
        blocks: how many are kept; by default as many as make a step as dear as MiniLM-L6's.
        epochs: as in `FineTunedBaseline`, as all that follows.
        max_texts: if there are more, as many are drawn.
        max_tokens: of a text that are read.
        batch_texts: texts a step.
        learning_rate: at its height.
        turns: parts that are told by a network that never saw them.
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
            extractor, epochs, max_texts, max_tokens, batch_texts, learning_rate, n_scored_folds, fpr,
            random_state,
        )  # fmt: skip
        self.blocks = blocks

    def pretrained(self) -> Pretrained:
        """The first blocks of the extractor's language model, read after its first token.

        Raises:
            InputError: it has no such number of blocks.
        """
        loaded = catalogue.load(self.extractor_.lm, self.extractor_.revision)
        config = loaded.model.config
        if not 1 <= self.blocks <= config.num_hidden_layers:
            raise InputError(
                f"{loaded.name} has {config.num_hidden_layers} blocks: it cannot be cut after "
                f"{self.blocks}."
            )
        del blocks_of(loaded.model)[self.blocks :]
        config.num_hidden_layers = self.blocks
        if getattr(config, "layer_types", None):
            config.layer_types = config.layer_types[: self.blocks]
        return Pretrained(loaded.model.base_model, loaded.tokenizer, (loaded.bos_id,))
