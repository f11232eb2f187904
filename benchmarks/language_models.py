"""Language models that benchmarks build from the shipped one, or in its place."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from torch import nn

from perplexity_detector.lm.weights import catalogue


def without_blocks(model: Any, removed: Collection[int]) -> Any:
    """A Llama of transformers without some of its blocks: weaker, with the same vocabulary.

    Source: Gromov et al. 2024, "The Unreasonable Ineffectiveness of the Deeper Layers". Late blocks
    matter least, except for the last ones.
    """
    kept = [block for number, block in enumerate(model.model.layers) if number not in removed]
    for number, block in enumerate(kept):
        block.self_attn.layer_idx = number  # index of its keys and values in the cache
    model.model.layers = nn.ModuleList(kept)
    model.config.num_hidden_layers = len(kept)
    return model


def save_model(model: Any, loaded: catalogue.LanguageModel, folder: str | Path) -> None:
    """Save a model in transformers' format, which every scorer can load.

    Args:
        model: the model, saved in its own precision.
        loaded: the language model whose tokenizer it has.
        folder: where it is saved.
    """
    import transformers

    with catalogue.no_progress_bar():
        model.save_pretrained(folder)
    bos = loaded.tokenizer.id_to_token(loaded.bos_id)
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=loaded.tokenizer, bos_token=bos, eos_token=bos, unk_token=bos
    )
    tokenizer.save_pretrained(folder)
