"""Rates of the matrix products of a language model: the upper limit of its reading speed."""

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
#: Fewest outputs of a head.
MIN_HEAD_OUTPUTS = 8192
#: Time for which a product is measured.
SECONDS = 0.1
_Product = Callable[[torch.Tensor], torch.Tensor]


def shapes_of(model: nn.Module) -> Counter[tuple[int, int]]:
    """Number of a model's linear layers of each shape, (in, out)."""
    layers = [linear for module in model.modules() if (linear := as_linear(module)) is not None]
    return Counter((linear.in_features, linear.out_features) for linear in layers)


def available_precisions() -> tuple[list[str], dict[str, str]]:
    """Precisions that this machine supports, and why it lacks the others."""
    missing = {}
    if not can_pack(torch.bfloat16):
        missing["bfloat16"] = "this processor has no instructions for bfloat16"
    if not can_quantise():
        missing["int8"] = "this processor or build of torch has no products of 8-bit integers"
    known = ["float32", "bfloat16", "int8"]
    return [name for name in known if name not in missing], missing


@torch.inference_mode()
def measure(shapes: Counter[tuple[int, int]], precision: str) -> dict[str, Any]:
    """Rates of the products, and the tokens a second if reading were nothing but the fastest ones.

    Returns:
        `tokens_per_second`, and `gflops` of each implementation by shape.
    """
    per_token = 0.0
    rates: dict[str, dict[str, float]] = {}
    for (width, outputs), count in shapes.items():
        rows = HEAD_ROWS if outputs >= MIN_HEAD_OUTPUTS else ROWS
        implementations = _implementations(nn.Linear(width, outputs, bias=False), precision)
        dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        inputs = torch.randn(rows, width, dtype=dtype)
        taken = {name: _seconds(product, inputs) for name, product in implementations.items()}
        per_token += count * min(taken.values()) / rows
        rates[f"{width} x {outputs}"] = {
            name: 2e-9 * rows * width * outputs / seconds for name, seconds in taken.items()
        }
    return {"tokens_per_second": 1 / per_token, "gflops": rates}


def _implementations(linear: nn.Linear, precision: str) -> dict[str, _Product]:
    if precision == "int8":
        whole = rounded(torch.randn(ROWS, linear.in_features).clamp_(-3, 3).mul_(INPUT_MAX / 3))
        multiply = Int8Linear(linear).multiply
        return {"oneDNN, packed": lambda inputs: multiply(whole[: len(inputs)])}
    linear = linear.to(torch.bfloat16 if precision == "bfloat16" else torch.float32)
    implementations: dict[str, _Product] = {"torch": linear}
    if can_pack(linear.weight.dtype):
        implementations["oneDNN, packed"] = PackedLinear(linear)
    return implementations


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
