"""Matrix products of a model on the CPU in 8-bit integers."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import nn

from perplexity_detector.lm.kernels.packed_linear import replace_linear_layers

#: Largest weight and largest input. Without VNNI a processor adds two products of an input, 0 to
#: 255, and a weight in 16 bits: weights of 7 bits keep that from running over, and give the
#: same numbers on every processor.
WEIGHT_MAX, INPUT_MAX = 63, 127
#: What an input of 0 is to oneDNN, whose inputs have no sign.
_ZERO = 128


class Int8Linear(nn.Module):
    """A linear layer of 7-bit weights, a scale for each output, and 8-bit inputs.

    Each row of inputs has a scale of its own, so that what is said of a text does not depend on
    its neighbours, and the huge state of the first token costs the others nothing.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach().float().contiguous()
        scale = weight.abs().amax(dim=1).clamp_min_(1e-30).div_(WEIGHT_MAX)
        whole = weight.div(scale[:, None]).round_().to(torch.int8)
        self.register_buffer("weight", torch.ops.onednn.qlinear_prepack(whole, None))
        self.register_buffer("scale", scale)
        self.register_buffer("zero", torch.zeros(len(weight), dtype=torch.int32))
        self.bias = linear.bias

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Inputs (..., in) to outputs (..., out), both float32."""
        rows = inputs.reshape(-1, inputs.shape[-1])
        scale = rows.abs().amax(dim=1, keepdim=True).clamp_min_(1e-30).div_(INPUT_MAX)
        product = self.multiply(rounded(rows / scale)).mul_(scale)
        if self.bias is not None:
            product.add_(self.bias)
        return product.view(*inputs.shape[:-1], -1)

    def multiply(self, whole: torch.Tensor) -> torch.Tensor:
        """Outputs, float32, of whole inputs as `rounded` gives them, (rows, in)."""
        product: torch.Tensor = torch.ops.onednn.qlinear_pointwise(
            whole, 1.0, _ZERO, self.weight, self.scale, self.zero,
            None, 1.0, 0, torch.float32, "none", [], "",
        )  # fmt: skip
        return product


def rounded(rows: torch.Tensor) -> torch.Tensor:
    """Numbers from -127 to 127 as uint8, 128 more than they are; `rows` is overwritten."""
    # to int8 and a flipped sign is a fifth of the time of a conversion to uint8
    return rows.round_().to(torch.int8).view(torch.uint8).bitwise_xor_(_ZERO)


def quantise_linear_layers(model: nn.Module) -> None:
    """Replace, in place, every linear layer of a float32 model on the CPU."""
    replace_linear_layers(model, Int8Linear)


@lru_cache
def can_quantise() -> bool:
    """Whether this build of torch multiplies 8-bit integers here, and rightly."""
    linear = nn.Linear(32, 8)
    # the largest inputs and weights of one sign: what runs over shows
    nn.init.ones_(linear.weight)
    inputs = torch.ones(3, 32)
    with torch.inference_mode():
        try:
            product = Int8Linear(linear)(inputs)
        except (RuntimeError, AttributeError):
            return False
        return bool(torch.allclose(product, linear(inputs), rtol=1e-3))
