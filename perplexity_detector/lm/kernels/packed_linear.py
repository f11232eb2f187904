"""Faster matrix products on the CPU: weights are laid out for oneDNN once."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import nn

# oneDNN caches a plan, some megabytes, for each of up to 1,024 shapes: texts of ever new lengths
# took 3 GB. With 64 plans memory stays flat and nothing is slower.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")

#: Number of outputs from which oneDNN is faster without AVX-512: the head's, not a block's.
MIN_WIDE_OUTPUTS = 8192


class PackedLinear(nn.Module):
    """A linear layer whose weight, float32 or bfloat16, is stored in oneDNN's layout.

    torch sends float32 products to MKL. On two cores of an AMD EPYC with AVX-512, MKL reaches 90
    to 190 GFLOP/s and oneDNN 270 to 440; smollm2 reads twice as fast. Products of bfloat16 go to
    oneDNN anyway and save the reordering, some 7 %. Sums are float32.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach().contiguous()
        self.register_buffer("weight", torch.ops.mkldnn._reorder_linear_weight(weight))
        self.bias = linear.bias

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Inputs (..., in) to outputs (..., out)."""
        product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
            inputs, self.weight, self.bias, "none", [], ""
        )
        return product


def packed_linear(linear: nn.Linear) -> PackedLinear | None:
    """The same layer packed, if that is faster where torch runs on this processor; else None."""
    return PackedLinear(linear) if is_faster_packed(linear.weight) else None


def replace_linear_layers(
    model: nn.Module, replacement: Callable[[nn.Linear], nn.Module | None]
) -> None:
    """Replace linear layers of a model.

    Args:
        model: changed in place.
        replacement: from a layer to its replacement, or None to keep the layer.
    """
    for name, child in model.named_children():
        linear = as_linear(child)
        if linear is None:
            replace_linear_layers(child, replacement)
        elif (replaced := replacement(linear)) is not None:
            setattr(model, name, replaced)


def as_linear(module: nn.Module) -> nn.Linear | None:
    """The module as a linear layer, if it is one or GPT-2's `Conv1D`; else None."""
    if type(module) is nn.Linear:
        return module
    if type(module).__name__ != "Conv1D":
        return None
    weight: torch.Tensor = module.get_parameter("weight").detach()
    width, outputs = weight.shape
    linear = nn.Linear(width, outputs, device="meta", dtype=weight.dtype)
    linear.weight = nn.Parameter(weight.t(), requires_grad=False)
    linear.bias = module.get_parameter("bias")
    return linear


def is_faster_packed(weight: torch.Tensor) -> bool:
    """Whether packing this weight (out, in) is faster; the same answer each time on a machine.

    On a Zen 3, which has no AVX-512, a core reaches 91 GFLOP/s in smollm2's blocks with MKL and
    81 with oneDNN; in its head, 57 and 72.
    """
    wide = len(weight) >= MIN_WIDE_OUTPUTS or torch.backends.cpu.get_cpu_capability() != "AVX2"
    return (wide or weight.dtype != torch.float32) and can_pack(weight.dtype)


@lru_cache
def can_pack(dtype: torch.dtype) -> bool:
    """Whether oneDNN supports weights of this type here; bfloat16 needs AVX-512."""
    if dtype not in (torch.float32, torch.bfloat16):
        return False
    try:
        PackedLinear(nn.Linear(16, 16, bias=False, dtype=dtype))
    except (RuntimeError, AttributeError):
        return False
    return True
