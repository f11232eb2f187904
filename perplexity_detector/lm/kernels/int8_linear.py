"""Matrix products in 8-bit integers, on the CPU."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import nn

#: Largest weight and largest input. A processor without VNNI adds two products of an input, 0 to
#: 255, and a weight in 16 bits. Weights of 7 bits keep that sum from overflowing, so that every
#: processor gives the same numbers.
WEIGHT_MAX, INPUT_MAX = 63, 127
#: Zero point of the inputs, which are unsigned in oneDNN.
_ZERO = 128


class QuantisedRows(NamedTuple):
    """Rows as 8-bit integers, each row with its own scale.

    Attributes:
        integers: inputs divided by their row's scale, rounded, plus 128; uint8, (rows, in).
        scale: float32, shape (rows, 1).
    """

    integers: torch.Tensor
    scale: torch.Tensor


class Int8Linear(nn.Module):
    """A linear layer with 7-bit weights, a scale for each output, and 8-bit inputs.

    Each row of inputs has its own scale. So the result for a text does not depend on the rest of
    the batch, and the huge state of the first token costs the others no precision.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach().float().contiguous()
        scale = weight.abs().amax(dim=1).clamp_min_(1e-30).div_(WEIGHT_MAX)
        quantised = weight.div(scale[:, None]).round_().to(torch.int8)
        self.register_buffer("weight", torch.ops.onednn.qlinear_prepack(quantised, None))
        self.register_buffer("scale", scale)
        self.register_buffer("zero", torch.zeros(len(weight), dtype=torch.int32))
        self.bias = linear.bias

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Inputs (..., in) to outputs (..., out), both float32."""
        product = self.product(quantised(inputs.reshape(-1, inputs.shape[-1])))
        return product.view(*inputs.shape[:-1], -1)

    def product(self, rows: QuantisedRows) -> torch.Tensor:
        """Float32 outputs (rows, out); layers with the same inputs can share their rows."""
        product = self.multiply(rows.integers).mul_(rows.scale)
        return product if self.bias is None else product.add_(self.bias)

    def multiply(self, quantised: torch.Tensor) -> torch.Tensor:
        """Float32 outputs (rows, out) of quantised rows, without their scales and the bias."""
        product: torch.Tensor = torch.ops.onednn.qlinear_pointwise(
            quantised, 1.0, _ZERO, self.weight, self.scale, self.zero,
            None, 1.0, 0, torch.float32, "none", [], "",
        )  # fmt: skip
        return product


def quantised(rows: torch.Tensor) -> QuantisedRows:
    """Float32 rows (rows, in) as 8-bit integers; the largest of each row becomes 127."""
    # the smallest and the largest, because abs() would copy all
    smallest, largest = rows.amin(dim=1, keepdim=True), rows.amax(dim=1, keepdim=True)
    scale = torch.maximum(largest, smallest.neg_()).clamp_min_(1e-30).div_(INPUT_MAX)
    return QuantisedRows(rounded(rows / scale), scale)


def rounded(rows: torch.Tensor) -> torch.Tensor:
    """Numbers from -127 to 127, rounded, plus 128, as uint8; `rows` is overwritten."""
    # int8 and a flipped sign bit take a fifth of the time of a conversion to uint8
    return rows.round_().to(torch.int8).view(torch.uint8).bitwise_xor_(_ZERO)


@lru_cache
def can_quantise() -> bool:
    """Whether this build of torch multiplies 8-bit integers correctly on this machine."""
    linear = nn.Linear(32, 8)
    # the largest inputs and weights, all positive, would show an overflow
    nn.init.ones_(linear.weight)
    inputs = torch.ones(3, 32)
    with torch.inference_mode():
        try:
            product = Int8Linear(linear)(inputs)
        except (RuntimeError, AttributeError):
            return False
        return bool(torch.allclose(product, linear(inputs), rtol=1e-3))
