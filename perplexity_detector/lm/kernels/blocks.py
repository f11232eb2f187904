"""The blocks of a transformer, found in any architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from perplexity_detector.errors import InputError, LanguageModelError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def blocks_of(model: PreTrainedModel) -> nn.ModuleList:
    """The blocks of a transformer, in the order in which it runs them.

    Raises:
        LanguageModelError: the model has no such list.
    """
    depth = model.config.num_hidden_layers
    for module in model.base_model.modules():
        if isinstance(module, nn.ModuleList) and len(module) == depth:
            return module
    raise LanguageModelError(
        "The blocks of this language model cannot be found, so its hidden states cannot be read",
        "families",
        "choose {families} that need none, such as perplexity,rank,stylometry",
    )


def blocks_at(share: float, blocks: int) -> int:
    """Number of blocks, at least 1, that make up this share of a whole model's.

    Raises:
        InputError: `share` is not in (0, 1].
    """
    if not 0 < share <= 1:
        raise InputError(
            f"A depth is a share of the model's blocks, in (0, 1], not {share}.", "depth"
        )
    return max(1, round(share * blocks))
