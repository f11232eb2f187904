"""What differs on a CUDA GPU: a fused head, and optionally compiled blocks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

import torch
from torch import nn

from perplexity_detector.lm.kernels.blocks import blocks_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: Hidden states and their targets -> surprisal, rank, entropy, variance.
Statistics = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, ...]]
#: Rows of logits at once if the head is not fused; with fewer, the GPU waits for launches.
CHUNK_ROWS = 2048


def fused_head(model: PreTrainedModel) -> Statistics | None:
    """The model's head and the token statistics in one kernel; None if not supported.

    It needs a working Triton, a model in half precision, and logits that are plain products,
    without bias or soft cap.
    """
    head = model.get_output_embeddings()
    weight: torch.Tensor | None = getattr(head, "weight", None)
    if (
        find_spec("triton") is None
        or not isinstance(head, nn.Linear)
        or weight is None
        or head.bias is not None
        or weight.dtype not in (torch.bfloat16, torch.float16)
        or weight.shape[1] % 16
        or getattr(model.config, "final_logit_softcapping", None) is not None
    ):
        return None
    from perplexity_detector.lm.kernels.fused_head import fused_statistics, tiling_of

    fused = partial(fused_statistics, weight=weight.detach(), tiling=tiling_of(weight.device))
    try:
        # Triton needs a C compiler and a GPU that is not too old, so it is tried once
        fused(weight.detach()[:1], torch.zeros(1, dtype=torch.int64, device=weight.device))
    except Exception:
        return None
    return fused


def compile_blocks(model: PreTrainedModel) -> None:
    """Let torch fuse, in place, the operations between the matrix products of each block.

    The first passes take some ten seconds longer; the blocks share the compiled code.
    """
    for block in blocks_of(model):
        # only `forward`, so that hooks that capture hidden states are not compiled
        block.forward = torch.compile(block.forward, dynamic=True)
