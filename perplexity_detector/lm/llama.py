"""Llama's architecture (Touvron et al. 2023) in plain torch: transformers takes seconds to import.

Names of weights, methods and outputs are those of transformers, so that what reads one reads the
other. There is no cache of keys and values: texts are read once and never continued.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional

#: Queries, keys, values (batch, heads, length, width) and a factor of the products -> what is
#: attended, (batch, length, heads, width).
Attention = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, float], torch.Tensor]
#: A linear layer -> what takes its place, or None to keep it.
Replacement = Callable[[nn.Linear], nn.Module | None]
#: The weight that embedding and head share.
EMBEDDING = "model.embed_tokens.weight"
#: Device of weights that are yet to come, which takes no memory.
_UNSET = torch.device("meta")
#: Settings that the architecture here does without, and what config.json must say of them, if it
#: names them at all.
_PLAIN: Mapping[str, tuple[object, ...]] = {
    "hidden_act": ("silu",),
    "attention_bias": (False,),
    "mlp_bias": (False,),
    "rope_scaling": (None,),
    "rope_parameters": (None,),
    "head_dim": (None,),
    "quantization_config": (None,),
    "tie_word_embeddings": (True,),
}


@dataclass
class LlamaConfig:
    """Sizes of a model, under the names of config.json."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    max_position_embeddings: int
    rms_norm_eps: float
    rope_theta: float
    bos_token_id: int

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> LlamaConfig | None:
        """What config.json holds; None if it asks for more than is built here."""
        names = [one.name for one in fields(cls)]
        plain = all(settings.get(name, kept[0]) in kept for name, kept in _PLAIN.items())
        tied = "tie_word_embeddings" in settings  # untied is what a config without it means
        if settings.get("model_type") != "llama" or not (plain and tied):
            return None
        if not all(isinstance(settings.get(name), int | float) for name in names):
            return None
        return cls(**{name: settings[name] for name in names})


class Hidden(NamedTuple):
    """What the blocks return, shape (batch, length, width)."""

    last_hidden_state: torch.Tensor


class Predicted(NamedTuple):
    """What the whole model returns, shape (batch, length, vocabulary)."""

    logits: torch.Tensor


class Llama(nn.Module):
    """A causal language model whose head is its embedding; made by `from_weights`.

    Args:
        config: its sizes.
    """

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.config = config
        self.model = Body(config)
        self.lm_head: nn.Module = nn.Linear(
            config.hidden_size, config.vocab_size, bias=False, device=_UNSET
        )

    @classmethod
    def from_weights(
        cls,
        config: LlamaConfig,
        weights: Mapping[str, torch.Tensor],
        replacement: Replacement | None = None,
        embedding: nn.Module | None = None,
        blocks: int | None = None,
        shared: Llama | None = None,
    ) -> tuple[Llama, list[str]]:
        """A model with these weights, which are not copied, and the names of those it lacks.

        Args:
            config: its sizes.
            weights: by name; each is asked for once, or twice if there is an `embedding`.
            replacement: what takes the place of a linear layer as soon as it has its weights: so a
                second copy exists of one layer at a time.
            embedding: takes the place of the model's own.
            blocks: how many to make, without a head if not all; all if not given.
            shared: a model of these weights with the same `replacement`, whose layers are taken
                instead of being made again.

        Raises:
            RuntimeError: weights are of other sizes.
        """
        whole = blocks in (None, config.num_hidden_layers)
        model = cls(config if blocks is None else replace(config, num_hidden_layers=blocks))
        missing = model.state_dict().keys() - {"lm_head.weight"} - weights.keys()
        if missing:
            return model, sorted(missing)
        # embedding and head first, while there is room for two of the largest matrix
        if whole:
            _with_weight(model.lm_head, weights[EMBEDDING])
            model.model.embed_tokens.weight = model.lm_head.weight
            model.lm_head = _replaced(model.lm_head, replacement)
        else:
            model.lm_head = nn.Identity()
            if embedding is None:
                _with_weight(model.model.embed_tokens, weights[EMBEDDING])
        if embedding is not None:
            model.model.embed_tokens = embedding
        ready = {} if shared is None else dict(shared.named_modules())
        _fill(model.model, "model.", weights, replacement, ready)
        return model.eval().requires_grad_(False), []

    def forward(self, input_ids: torch.Tensor) -> Predicted:
        """Logits of the token after each one, from token ids (batch, length)."""
        return Predicted(self.lm_head(self.model(input_ids).last_hidden_state))

    @property
    def base_model(self) -> Body:
        """Everything but the head."""
        return self.model

    def get_input_embeddings(self) -> nn.Module:
        """The embedding of tokens."""
        return self.model.embed_tokens

    def get_output_embeddings(self) -> nn.Module:
        """The head."""
        return self.lm_head

    def set_attention(self, attention: Attention) -> None:
        """Compute attention with this function."""
        for module in self.modules():
            if isinstance(module, SelfAttention):
                module.attention = attention


class Body(nn.Module):
    """Embedding, blocks, and the norm after them."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.config = config
        # drawing random weights on such a device imports torch's compiler, which takes a second
        unset = torch.empty(config.vocab_size, config.hidden_size, device=_UNSET)
        self.embed_tokens: nn.Module = nn.Embedding.from_pretrained(unset)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.num_hidden_layers))
        self.norm = RMSNorm(config)

    def forward(self, input_ids: torch.Tensor, use_cache: bool = False) -> Hidden:
        """Hidden states after all blocks, from token ids (batch, length).

        Args:
            input_ids: shape (batch, length).
            use_cache: as in transformers; there is no cache here.
        """
        hidden = self.run_blocks(self.embed_tokens(input_ids), 0, len(self.layers))
        return Hidden(self.norm(hidden))

    def run_blocks(self, hidden: torch.Tensor, first: int, last: int) -> torch.Tensor:
        """Run some of the blocks, those after `first` up to and with `last`.

        Args:
            hidden: what `first` blocks have made of the embedding, shape (batch, length, width).
            first: number of blocks that have run.
            last: number of blocks that will have run.
        """
        rotation = rotary(self.config, hidden.shape[1], hidden)
        for layer in islice(self.layers, first, last):
            hidden = layer(hidden, rotation)
        return hidden


class Block(nn.Module):
    """Attention and a gated perceptron, each behind a norm and added to the residual stream."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.self_attn = SelfAttention(config)
        self.mlp = Perceptron(config)
        self.input_layernorm = RMSNorm(config)
        self.post_attention_layernorm = RMSNorm(config)

    def forward(
        self, hidden: torch.Tensor, rotation: tuple[torch.Tensor, torch.Tensor]
    ) -> torch.Tensor:
        """Hidden states (batch, length, width) after the block."""
        hidden = hidden + self.self_attn(self.input_layernorm(hidden), rotation)
        after: torch.Tensor = hidden + self.mlp(self.post_attention_layernorm(hidden))
        return after


class SelfAttention(nn.Module):
    """Causal attention with rotary positions; several heads share keys and values."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        width = self.head_width = config.hidden_size // config.num_attention_heads
        queries, keys = config.num_attention_heads * width, config.num_key_value_heads * width
        self.q_proj = nn.Linear(config.hidden_size, queries, bias=False, device=_UNSET)
        self.k_proj = nn.Linear(config.hidden_size, keys, bias=False, device=_UNSET)
        self.v_proj = nn.Linear(config.hidden_size, keys, bias=False, device=_UNSET)
        self.o_proj = nn.Linear(queries, config.hidden_size, bias=False, device=_UNSET)
        self.attention: Attention = causal_attention

    def forward(
        self, hidden: torch.Tensor, rotation: tuple[torch.Tensor, torch.Tensor]
    ) -> torch.Tensor:
        """What is attended at each position, shape (batch, length, width)."""
        by_head = (*hidden.shape[:2], -1, self.head_width)
        projections = (self.q_proj, self.k_proj, self.v_proj)
        query, key, value = (one(hidden).view(by_head).transpose(1, 2) for one in projections)
        query, key = rotated(query, rotation), rotated(key, rotation)
        attended = self.attention(query, key, value, self.head_width**-0.5)
        mixed: torch.Tensor = self.o_proj(attended.flatten(2))
        return mixed


class Perceptron(nn.Module):
    """down(silu(gate(x)) up(x)) (Shazeer 2020)."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        width, inner = config.hidden_size, config.intermediate_size
        self.gate_proj = nn.Linear(width, inner, bias=False, device=_UNSET)
        self.up_proj = nn.Linear(width, inner, bias=False, device=_UNSET)
        self.down_proj = nn.Linear(inner, width, bias=False, device=_UNSET)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Shape (batch, length, width)."""
        # in place: these are the largest states of a pass
        gate = functional.silu(self.gate_proj(hidden), inplace=True).mul_(self.up_proj(hidden))
        out: torch.Tensor = self.down_proj(gate)
        return out


class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + eps), times a weight (Zhang and Sennrich 2019); in float32 at least."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(config.hidden_size, device=_UNSET))
        self.eps = config.rms_norm_eps

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Shape (batch, length, width)."""
        exact = hidden.to(torch.promote_types(hidden.dtype, torch.float32))
        scale = torch.rsqrt(exact.pow(2).mean(-1, keepdim=True) + self.eps)
        return self.weight * (exact * scale).to(hidden.dtype)


def _fill(
    module: nn.Module,
    prefix: str,
    weights: Mapping[str, torch.Tensor],
    replacement: Replacement | None,
    ready: Mapping[str, nn.Module],
) -> None:
    """Give the layers within a module, but for the embedding, their weights, or take ready ones."""
    for name, child in module.named_children():
        if not isinstance(child, nn.Linear | RMSNorm):
            _fill(child, f"{prefix}{name}.", weights, replacement, ready)
        elif (layer := ready.get(f"{prefix}{name}")) is not None:
            setattr(module, name, layer)
        else:
            filled = _with_weight(child, weights[f"{prefix}{name}.weight"])
            setattr(module, name, _replaced(filled, replacement))


def _with_weight(layer: nn.Module, weight: torch.Tensor) -> nn.Module:
    layer.load_state_dict({"weight": weight}, assign=True)
    return layer


def _replaced(layer: nn.Module, replacement: Replacement | None) -> nn.Module:
    if replacement is None or not isinstance(layer, nn.Linear):
        return layer
    return replacement(layer) or layer


def causal_attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scaling: float
) -> torch.Tensor:
    """torch's own attention; see `Attention`."""
    attended = functional.scaled_dot_product_attention(
        query, key, value, is_causal=True, scale=scaling, enable_gqa=True
    )
    return attended.transpose(1, 2)


def rotary(
    config: LlamaConfig, length: int, like: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines of rotary positions (Su et al. 2021), each of shape (length, width).

    Args:
        config: gives the width of a head.
        length: number of positions, from 0.
        like: gives type and device.
    """
    width = config.hidden_size // config.num_attention_heads
    exponents = torch.arange(0, width, 2, device=like.device).float() / width
    frequencies = 1.0 / config.rope_theta**exponents
    angles = torch.arange(length, device=like.device).float()[:, None] * frequencies
    angles = torch.cat((angles, angles), dim=-1)
    return angles.cos().to(like.dtype), angles.sin().to(like.dtype)


def rotated(states: torch.Tensor, rotation: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Queries or keys (batch, heads, length, width) turned by their positions."""
    cosines, sines = rotation
    first, second = states.chunk(2, dim=-1)
    return states * cosines + torch.cat((-second, first), dim=-1) * sines
