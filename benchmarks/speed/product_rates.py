"""How fast this machine multiplies a language model's own matrices: the ceiling of reading."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from torch import nn

from perplexity_detector.lm.kernels.int8_linear import INPUT_MAX, Int8Linear, can_quantise, rounded
from perplexity_detector.lm.kernels.packed_linear import PackedLinear, as_linear, can_pack

#: Rows of a product: a batch's tokens in a block, a chunk's in a head.
ROWS, HEAD_ROWS = 1024, 64
#: Outputs from which on a layer is a head.
HEAD = 8192
#: How long a product is measured.
SECONDS = 0.1
_Product = Callable[[torch.Tensor], torch.Tensor]


def shapes_of(model: nn.Module) -> Counter[tuple[int, int]]:
    """How many of a model's linear layers have each shape, (in, out)."""
    layers = [linear for module in model.modules() if (linear := as_linear(module)) is not None]
    return Counter((linear.in_features, linear.out_features) for linear in layers)


def precisions_here() -> tuple[list[str], dict[str, str]]:
    """What can be measured on this machine, and why the others cannot."""
    left_out = {}
    if not can_pack(torch.bfloat16):
        left_out["bfloat16"] = "this processor has no instructions for bfloat16"
    if not can_quantise():
        left_out["int8"] = "this processor or build of torch has no products of 8-bit integers"
    known = ["float32", "bfloat16", "int8"]
    return [name for name in known if name not in left_out], left_out


@torch.inference_mode()
def measure(shapes: Counter[tuple[int, int]], precision: str) -> dict[str, Any]:
    """The quickest products of every shape, and the tokens a second if there were only they.

    Returns:
        `tokens_per_second`, and by shape `GFLOP/s` of each way to multiply.
    """
    per_token = 0.0
    rates: dict[str, dict[str, float]] = {}
    for (width, outputs), count in shapes.items():
        rows = HEAD_ROWS if outputs >= HEAD else ROWS
        ways = _ways(nn.Linear(width, outputs, bias=False), precision)
        dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        inputs = torch.randn(rows, width, dtype=dtype)
        taken = {name: _seconds(product, inputs) for name, product in ways.items()}
        per_token += count * min(taken.values()) / rows
        rates[f"{width} x {outputs}"] = {
            name: 2e-9 * rows * width * outputs / seconds for name, seconds in taken.items()
        }
    return {"tokens_per_second": 1 / per_token, "gflops": rates}


def _ways(linear: nn.Linear, precision: str) -> dict[str, _Product]:
    if precision == "int8":
        whole = rounded(torch.randn(ROWS, linear.in_features).clamp_(-3, 3).mul_(INPUT_MAX / 3))
        multiply = Int8Linear(linear).multiply
        return {"oneDNN, packed": lambda inputs: multiply(whole[: len(inputs)])}
    linear = linear.to(torch.bfloat16 if precision == "bfloat16" else torch.float32)
    ways: dict[str, _Product] = {"torch": linear}
    if can_pack(linear.weight.dtype):
        ways["oneDNN, packed"] = PackedLinear(linear)
    return ways


def _seconds(product: _Product, inputs: torch.Tensor) -> float:
    """Median time of a product."""
    product(inputs)
    taken: list[float] = []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or not taken:
        start = time.perf_counter()
        product(inputs)
        taken.append(time.perf_counter() - start)
    return median(taken)
