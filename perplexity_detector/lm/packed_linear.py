"""Matrix products of a model on the CPU through oneDNN, with weights laid out once for it."""

from __future__ import annotations

import os
from functools import lru_cache

import torch
from torch import nn

# oneDNN keeps a plan, and megabytes, for each shape it meets, up to 1,024 of them: texts of ever
# new lengths took 3 GB. With 64 the memory stays flat and nothing gets slower.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")


class PackedLinear(nn.Module):
    """A linear layer whose weight, float32 or bfloat16, lies in oneDNN's own order.

    torch sends float32 products to MKL, which reaches 90 to 190 GFLOP/s on an AMD EPYC where
    oneDNN reaches 270 to 440 on the same two cores; smollm2 reads twice as fast with it. Products
    of bfloat16 go to oneDNN anyway, and save its reordering, some 7 %. Sums are float32.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach()
        self.register_buffer("weight", torch.ops.mkldnn._reorder_linear_weight(weight))
        self.bias = linear.bias

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Inputs (..., in) to outputs (..., out)."""
        product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
            inputs, self.weight, self.bias, "none", [], ""
        )
        return product


def pack_linear_layers(model: nn.Module) -> None:
    """Replace, in place, every linear layer of a model on the CPU, if of float32 or bfloat16.

    Where this build of torch or this processor cannot, nothing changes.
    """
    for name, child in model.named_children():
        if type(child) is nn.Linear and can_pack(child.weight.dtype):
            setattr(model, name, PackedLinear(child))
        else:
            pack_linear_layers(child)


@lru_cache
def can_pack(dtype: torch.dtype) -> bool:
    """Whether oneDNN takes weights of this type here: bfloat16 needs AVX-512."""
    if dtype not in (torch.float32, torch.bfloat16):
        return False
    try:
        PackedLinear(nn.Linear(16, 16, bias=False, dtype=dtype))
    except (RuntimeError, AttributeError):
        return False
    return True
