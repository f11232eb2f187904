"""The precision in which a language model computes, and the fastest products for it."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from perplexity_detector.errors import InputError
from perplexity_detector.lm.kernels.attention import set_up_attention
from perplexity_detector.lm.kernels.int8_block import use_int8_blocks
from perplexity_detector.lm.kernels.int8_linear import Int8Linear, can_quantise
from perplexity_detector.lm.kernels.packed_linear import packed_linear, replace_linear_layers
from perplexity_detector.lm.llama import Llama

#: The name under which a detector looks for the fastest one.
AUTO = "auto"
#: Type of the weights and activations; with int8, of everything but the products.
DTYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "float64": torch.float64,
    "int8": torch.float32,
}


def precision_of(precision: str | None, device: torch.device) -> str:
    """The precision of that name; by default bfloat16 on GPUs that support it, else float32.

    `auto` is the default, too: a detector that is loaded with it has measured what it is, see
    `classifier.fastest_precision`, and nothing else has verdicts to compare.

    Raises:
        InputError: there is no such precision, or this device does not support it.
    """
    if precision in (None, AUTO):
        bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported()
        return "bfloat16" if bf16 else "float32"
    if not isinstance(precision, str) or precision not in DTYPES:
        raise InputError(
            f"There is no precision {precision!r}", "precision", f"use auto, {', '.join(DTYPES)}"
        )
    if precision == "int8" and (device.type != "cpu" or not can_quantise()):
        raise InputError(
            "The precision int8 is for x86 processors", "precision", "use {precision}=auto here"
        )
    return precision


def optimise_for_cpu(model: nn.Module, precision: str) -> None:
    """Replace, in place, layers of a model on the CPU by the fastest for this precision."""
    fuse_gelu(model)
    if precision in ("int8", "bfloat16"):
        set_up_attention(model)
    replace_linear_layers(model, partial(faster_linear, precision=precision))
    if precision == "int8" and isinstance(model, Llama):
        use_int8_blocks(model)


def faster_linear(linear: nn.Linear, precision: str) -> nn.Module | None:
    """A faster layer on the CPU for this precision; None if there is none.

    Args:
        linear: with weights in float32, or in the precision's type, to which they are converted.
        precision: of `DTYPES`.
    """
    linear = linear.to(DTYPES[precision])
    return Int8Linear(linear) if precision == "int8" else packed_linear(linear)


def fuse_gelu(model: nn.Module) -> None:
    """Replace GPT-2's activation, x (1 + tanh(...)) / 2 in eight steps, by torch's single one."""
    for name, child in model.named_children():
        if type(child).__name__ == "NewGELUActivation":
            setattr(model, name, nn.GELU(approximate="tanh"))
        else:
            fuse_gelu(child)
