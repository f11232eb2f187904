"""Matrix products of a model on the CPU in 8-bit integers."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import nn

from perplexity_detector.lm.packed_linear import replace_linear_layers

#: Largest weight and largest input. Without VNNI a processor adds two products of an input, 0 to
#: 255, and a weight in 16 bits: weights of 7 bits keep that from running over, and give the
#: same numbers on every processor.
WEIGHT_MOST, INPUT_MOST = 63, 127
_ZERO = 128
#: The kernels that take inputs in float32.
_ENGINE = "fbgemm"


class Int8Linear(nn.Module):
    """A linear layer of 7-bit weights, a scale for each output, and 8-bit inputs.

    Each row of inputs has a scale of its own, so that what is said of a text does not depend on
    its neighbours, and the huge state of the first token costs the others nothing.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach().float()
        scale = weight.abs().amax(dim=1).clamp_min(torch.finfo(torch.float32).tiny) / WEIGHT_MOST
        quantised = torch.quantize_per_channel(
            weight, scale.double(), torch.zeros(len(weight), dtype=torch.int64), 0, torch.qint8
        )
        self.packed = _prepacked(quantised)
        self.bias = linear.bias

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Inputs (..., in) to outputs (..., out), both float32."""
        scale = inputs.abs().amax(dim=-1, keepdim=True).clamp_min_(1e-30).div_(INPUT_MOST)
        product: torch.Tensor = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(
            inputs / scale, 1.0, _ZERO, self.packed
        )
        product.mul_(scale)
        return product if self.bias is None else product.add_(self.bias)


def quantise_linear_layers(model: nn.Module) -> None:
    """Replace, in place, every linear layer of a float32 model on the CPU."""
    replace_linear_layers(model, Int8Linear)


@lru_cache
def can_quantise() -> bool:
    """Whether this build of torch multiplies 8-bit integers here, and rightly."""
    if _ENGINE not in torch.backends.quantized.supported_engines:
        return False
    linear = nn.Linear(32, 8)
    inputs = torch.linspace(-1, 1, 96).view(3, 32)
    with torch.inference_mode():
        try:
            product = Int8Linear(linear)(inputs)
        except (RuntimeError, AttributeError):
            return False
        return bool(torch.allclose(product, linear(inputs), atol=0.05))


def _prepacked(quantised: torch.Tensor) -> torch.ScriptObject:
    """The weight in the engine's own order; torch knows engines as a setting of the process."""
    engine = torch.backends.quantized.engine
    torch.backends.quantized.engine = _ENGINE
    try:
        packed: torch.ScriptObject = torch.ops.quantized.linear_prepack(quantised, None)
        return packed
    finally:
        torch.backends.quantized.engine = engine
