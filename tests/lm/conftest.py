"""What only the tests of the language model need: a tiny model as a GGUF file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gguf
import numpy as np
import pytest
import torch
from gguf.quants import dequantize, quantize

if TYPE_CHECKING:
    from tokenizers import Tokenizer

HEADS, KEY_HEADS = 4, 2
NAMES = {  # transformers' names -> llama.cpp's
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """The models made here are so small that threads only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@dataclass(frozen=True)
class Written:
    """A GGUF file, and the model whose weights it holds, in transformers' order of rows."""

    file: Path
    model: Any


@pytest.fixture(scope="session")
def write_gguf(bpe: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Written]:
    """Write a random Llama as llama.cpp would; options change what is written."""
    import transformers

    def write(
        *, tied: bool = True, matrices: str = "Q4_1", embedding: str = "Q8_0", **fields: str
    ) -> Written:
        torch.manual_seed(0)
        config = transformers.LlamaConfig(
            vocab_size=512,
            max_position_embeddings=64,
            hidden_size=64,
            intermediate_size=96,
            num_hidden_layers=2,
            num_attention_heads=HEADS,
            num_key_value_heads=KEY_HEADS,
            rope_parameters={"rope_type": "default", "rope_theta": 500.0},
            rms_norm_eps=1e-3,
            initializer_range=0.3,
            tie_word_embeddings=tied,
        )
        model = transformers.LlamaForCausalLM(config).eval()
        file = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
        writer = gguf.GGUFWriter(file, fields.get("architecture", "llama"))
        _add_settings(writer, config)
        _add_tokenizer(writer, bpe, fields.get("pre", "smollm"))
        for name, weight in model.named_parameters():
            weight.data.normal_(mean=1 if weight.ndim == 1 else 0, std=0.3)
            wanted = embedding if name == "model.embed_tokens.weight" else matrices
            quantised = wanted if weight.ndim == 2 else "F32"
            _add_tensor(writer, _llama_cpp_name(name), weight, quantised)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return Written(file, model)

    return write


@pytest.fixture(scope="session")
def tiny_gguf(write_gguf: Callable[..., Written]) -> Written:
    """A GGUF file as smollm2's: tied embeddings, Q4_1 and Q8_0."""
    return write_gguf()


def _add_settings(writer: gguf.GGUFWriter, config: Any) -> None:
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_vocab_size(config.vocab_size)


def _add_tokenizer(writer: gguf.GGUFWriter, bpe: Tokenizer, pre: str) -> None:
    vocabulary = bpe.get_vocab()
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    merges = json.loads(bpe.to_str())["model"]["merges"]
    special = [gguf.TokenType.CONTROL] * 3
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(special + [gguf.TokenType.NORMAL] * (len(tokens) - 3))
    writer.add_token_merges([" ".join(merge) for merge in merges])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)


def _llama_cpp_name(name: str) -> str:
    for theirs, ours in NAMES.items():
        name = name.replace(theirs, ours)
    return name.replace("model.layers.", "blk.")


def _add_tensor(writer: gguf.GGUFWriter, name: str, weight: torch.nn.Parameter, kind: str) -> None:
    """Write a tensor, and leave in the model what can be read back of it."""
    quantisation = gguf.GGMLQuantizationType[kind]
    blocks = quantize(weight.detach().numpy(), quantisation)
    weight.data = torch.from_numpy(dequantize(blocks, quantisation).astype(np.float32))
    for part, heads in (("attn_q", HEADS), ("attn_k", KEY_HEADS)):
        if part in name:  # rotary halves, row by row in turn
            shape = (heads, 2, blocks.shape[0] // heads // 2, -1)
            blocks = blocks.reshape(shape).swapaxes(1, 2).reshape(blocks.shape)
    writer.add_tensor(name, np.ascontiguousarray(blocks), raw_dtype=quantisation)
