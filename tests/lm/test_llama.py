"""Llama in plain torch, against transformers' own."""

import copy
import subprocess
import sys
import weakref
from typing import Any

import pytest
import torch
import transformers
from torch import nn

from perplexity_detector.lm.kernels.attention import attend
from perplexity_detector.lm.llama import Llama, LlamaConfig, causal_attention
from perplexity_detector.lm.pooling import capture_hidden_states
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.lm.weights import catalogue

SIZES: dict[str, Any] = {
    "vocab_size": 300,
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-3,
    "rope_theta": 500.0,
    "bos_token_id": 0,
}
SETTINGS = {"model_type": "llama", "hidden_act": "silu", "tie_word_embeddings": True, **SIZES}


@pytest.fixture(scope="module")
def theirs():
    torch.manual_seed(0)
    config = transformers.LlamaConfig(tie_word_embeddings=True, **SIZES)
    model = transformers.LlamaForCausalLM(config).eval().requires_grad_(False)
    for module in model.modules():  # norms that do nothing would hide a mistake
        if type(module).__name__ == "LlamaRMSNorm":
            nn.init.uniform_(module.weight, 0.5, 2)
    return model


def copy_of(model):
    weights = {name: one.clone() for name, one in model.state_dict().items()}
    del weights["lm_head.weight"]
    found, missing = Llama.from_weights(LlamaConfig(**SIZES), weights)
    assert missing == []
    return found


def test_in_double_precision_it_is_the_same_model(theirs):
    ids = torch.randint(300, (3, 200), generator=torch.Generator().manual_seed(0))
    ours, expecting = copy_of(theirs).double(), copy.deepcopy(theirs).double()
    with torch.inference_mode(), capture_hidden_states(ours, [1, 2, 3]) as states:
        logits = ours(ids).logits
        expected = expecting(ids, output_hidden_states=True)
    assert expected.logits.std() > 0.1
    torch.testing.assert_close(logits, expected.logits, rtol=1e-5, atol=1e-5)
    # transformers computes norms in float32 even here, and returns the last state after one
    for state, other in zip(states[:2], expected.hidden_states[1:3], strict=True):
        torch.testing.assert_close(state, other, rtol=1e-5, atol=1e-5)


def test_the_shipped_model_gives_the_same_logits(smollm2_folder):
    ours, other = catalogue.load(), catalogue.load(of_transformers=True)
    ids = torch.randint(49_152, (1, 120), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        torch.testing.assert_close(
            ours.model(ids).logits, other.model(ids).logits, rtol=0, atol=1e-4
        )
    assert ours.fingerprints == other.fingerprints


def test_head_and_embedding_stay_one_matrix(theirs):
    model = copy_of(theirs).bfloat16()
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert model.lm_head.weight.dtype == torch.bfloat16


def test_attention_on_the_cpu_in_bfloat16(smollm2_folder, monkeypatch):
    module = "perplexity_detector.lm.kernels.attention.multiplies_bfloat16"
    for fast, used in ((True, attend), (False, causal_attention)):
        monkeypatch.setattr(module, lambda fast=fast: fast)
        scorer = LanguageModelScorer(device="cpu", precision="bfloat16")
        assert all(layer.self_attn.attention is used for layer in scorer.model.model.layers)


@pytest.mark.parametrize(
    "change",
    [
        {"model_type": "mistral"},
        {"hidden_act": "gelu"},
        {"attention_bias": True},
        {"rope_scaling": {"rope_type": "llama3"}},
        {"tie_word_embeddings": False},
        {"rms_norm_eps": None},
        {"num_hidden_layers": "3"},
    ],
)
def test_what_it_is_not_built_for_is_left_to_transformers(change):
    assert LlamaConfig.from_settings(SETTINGS) == LlamaConfig(**SIZES)
    assert LlamaConfig.from_settings({**SETTINGS, **change}) is None


def test_a_part_of_it_has_the_same_states_and_no_head(theirs):
    whole = copy_of(theirs)
    part, _ = Llama.from_weights(LlamaConfig(**SIZES), dict(theirs.state_dict()), blocks=2)
    assert part.config.num_hidden_layers == len(part.model.layers) == 2
    assert not list(part.lm_head.parameters())
    ids = torch.randint(300, (2, 30), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        states = whole.model.run_blocks(whole.model.embed_tokens(ids), 0, 2)
        torch.testing.assert_close(
            part.model(ids).last_hidden_state, whole.model.norm(states), rtol=0, atol=0
        )


def test_every_linear_layer_is_replaced_and_let_go_of(theirs):
    weights = theirs.state_dict()
    embedding = nn.Embedding.from_pretrained(weights["model.embed_tokens.weight"].clone())
    seen: weakref.WeakSet[nn.Linear] = weakref.WeakSet()
    shapes = []

    def doubled(linear):
        seen.add(linear)
        assert len(seen) <= 4  # those of one module, not of the model, are there twice
        shapes.append(linear.weight.shape)
        return Doubled(linear)

    model, _ = Llama.from_weights(LlamaConfig(**SIZES), weights, doubled, embedding)
    assert len(shapes) == 1 + 7 * 3  # the head, and those of each block
    assert shapes[0] == (300, 48)
    assert model.model.embed_tokens is embedding
    gate: Any = model.get_submodule("model.layers.2.mlp.gate_proj")
    assert torch.equal(gate.weight, 2 * weights["model.layers.2.mlp.gate_proj.weight"])


class Doubled(nn.Module):
    def __init__(self, linear):
        super().__init__()
        self.register_buffer("weight", 2 * linear.weight)


def test_missing_weights_are_named(theirs):
    weights = dict(theirs.state_dict())
    del weights["model.layers.1.mlp.up_proj.weight"]
    _, missing = Llama.from_weights(LlamaConfig(**SIZES), weights)
    assert missing == ["model.layers.1.mlp.up_proj.weight"]


def test_reading_does_not_import_transformers(smollm2_folder):
    code = (
        "import sys; from perplexity_detector import TextDetector\n"
        "TextDetector.from_pretrained('fast').predict(['The cat sat on the mat.'])\n"
        "sys.exit('transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
