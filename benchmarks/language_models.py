"""Language models without some of their blocks: weaker ones, of the same vocabulary."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from torch import nn


def without_blocks(model: Any, without: Collection[int]) -> Any:
    """A Llama of transformers, changed: late blocks matter least, the last ones excepted.

    Source: Gromov et al. 2024, "The Unreasonable Ineffectiveness of the Deeper Layers".
    """
    kept = [block for place, block in enumerate(model.model.layers) if place not in without]
    for place, block in enumerate(kept):
        block.self_attn.layer_idx = place  # where its keys and values are kept
    model.model.layers = nn.ModuleList(kept)
    model.config.num_hidden_layers = len(kept)
    return model
