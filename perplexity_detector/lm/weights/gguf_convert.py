"""A GGUF file -> a packed folder: weights under transformers' names, tokenizer, configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from perplexity_detector.errors import LanguageModelError
from perplexity_detector.lm.weights.packed import FORMATS, FORMATS_KEY, WEIGHTS_FILE, to_planes

_NAMES = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_CONTROL_TOKEN = 3  # gguf.TokenType.CONTROL
_KIND = {
    "general.architecture": "llama",
    "tokenizer.ggml.model": "gpt2",  # byte-level BPE
    "tokenizer.ggml.pre": "smollm",
}


def convert(gguf_file: Path, folder: Path, bos_token: str) -> None:
    """Write the packed folder of a Llama-architecture GGUF file.

    No weight changes. The rows of the query and key matrices are reordered, from llama.cpp's order
    of rotary dimensions to that of transformers, and the bytes of each matrix as in `to_planes`.

    Args:
        gguf_file: the model.
        folder: an existing folder; config.json, tokenizer.json, tokenizer_config.json and
            model.safetensors are written into it.
        bos_token: the token read before every text.

    Raises:
        LanguageModelError: the file is not a GGUF file, or of a kind that cannot be converted.
    """
    import gguf

    try:
        reader = gguf.GGUFReader(gguf_file)
    except (ValueError, OSError, IndexError) as error:
        raise LanguageModelError(f"{gguf_file.name} is not a GGUF file ({error}).") from error
    fields = {name: field.contents() for name, field in reader.fields.items()}
    for name, kind in _KIND.items():
        if fields.get(name) != kind:
            raise LanguageModelError(
                f"{gguf_file.name} cannot be read: its {name} is {fields.get(name)}, not {kind}."
            )
    try:
        config = _config(fields, bos_token)
        tensors, formats = _tensors(reader, config)
    except KeyError as error:
        raise LanguageModelError(
            f"{gguf_file.name} cannot be read: {error} is missing or unknown."
        ) from error
    config["tie_word_embeddings"] = "lm_head.weight" not in tensors
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    _write_tokenizer(fields, folder, bos_token)
    # one entry only: several are written in random order, and the file's hash is its fingerprint
    save_file(tensors, folder / WEIGHTS_FILE, {FORMATS_KEY: json.dumps(formats)})


def _config(fields: dict[str, Any], bos_token: str) -> dict[str, Any]:
    llama = {
        name.removeprefix("llama."): value
        for name, value in fields.items()
        if name.startswith("llama.")
    }
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": llama["embedding_length"],
        "intermediate_size": llama["feed_forward_length"],
        "max_position_embeddings": llama["context_length"],
        "num_attention_heads": llama["attention.head_count"],
        "num_key_value_heads": llama["attention.head_count_kv"],
        "num_hidden_layers": llama["block_count"],
        "rms_norm_eps": llama["attention.layer_norm_rms_epsilon"],
        "rope_theta": llama["rope.freq_base"],
        "vocab_size": llama["vocab_size"],
        "bos_token_id": fields["tokenizer.ggml.tokens"].index(bos_token),
        "eos_token_id": fields["tokenizer.ggml.eos_token_id"],
    }


def _tensors(reader: Any, config: dict[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    tensors, formats = {}, {}
    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    for tensor in reader.tensors:
        name, kind = _rename(tensor.name)
        rows = np.array(tensor.data)  # a copy: the reader's arrays are views of the file
        if kind in heads:
            rows = _unpermute(rows, heads[kind])
        tensors[name] = rows
        block_format = tensor.tensor_type.name
        if block_format in FORMATS:
            formats[name] = block_format
            tensors[name] = to_planes(rows, block_format)
        elif block_format not in ("F32", "F16"):
            raise LanguageModelError(
                f"The matrix {tensor.name} is stored as {block_format}; only "
                f"{', '.join(FORMATS)}, F16 and F32 can be read."
            )
    return tensors, formats


def _rename(name: str) -> tuple[str, str]:
    """blk.3.attn_q.weight -> (model.layers.3.self_attn.q_proj.weight, attn_q)."""
    parts = name.split(".")
    if parts[0] == "blk":
        return f"model.layers.{parts[1]}.{_NAMES[parts[2]]}.{parts[3]}", parts[2]
    return f"{_NAMES[parts[0]]}.{parts[1]}", parts[0]


def _unpermute(rows: np.ndarray, heads: int) -> np.ndarray:
    """Undo llama.cpp's interleaving of the two rotary halves of each head's rows."""
    return np.ascontiguousarray(
        rows.reshape(heads, -1, 2, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)
    )


def _write_tokenizer(fields: dict[str, Any], folder: Path, bos_token: str) -> None:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    tokens = fields["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    # "smollm" in llama.cpp: each digit is split off, then GPT-2's rule applies
    digits = pre_tokenizers.Digits(individual_digits=True)
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [
            AddedToken(token, special=True, normalized=False)
            for token, kind in zip(tokens, fields["tokenizer.ggml.token_type"], strict=True)
            if kind == _CONTROL_TOKEN
        ]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": bos_token,
        "eos_token": tokens[fields["tokenizer.ggml.eos_token_id"]],
        "model_max_length": fields["llama.context_length"],
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")
