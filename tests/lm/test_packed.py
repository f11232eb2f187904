"""Packed weights are bit for bit what the gguf package makes of them."""

import json

import gguf
import numpy as np
import pytest
import torch
from gguf.quants import dequantize, quantize
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors import safe_open
from safetensors.numpy import save_file

from perplexity_detector.lm.weights.packed import (
    FORMATS,
    FORMATS_KEY,
    WEIGHTS_FILE,
    PackedWeights,
    dequantise,
    is_packed,
    to_planes,
)
from perplexity_detector.lm.weights.packed_embedding import packed_embedding

BLOCK_BYTES = {"Q4_1": 20, "Q8_0": 34}


def bits(array):
    return np.ascontiguousarray(array, np.float32).view(np.uint32)


def reference(blocks, block_format):
    with np.errstate(all="ignore"):  # any two bytes are a scale, infinity among them
        return dequantize(blocks, gguf.GGMLQuantizationType[block_format])


def in_both_orders(blocks, block_format):
    """The weights, which do not depend on the order of their bytes."""
    as_gguf = dequantise(torch.from_numpy(blocks), block_format, in_planes=False).numpy()
    planes = to_planes(blocks, block_format)
    assert planes.shape == blocks.shape
    sorted_bytes = dequantise(torch.from_numpy(planes), block_format).numpy()
    np.testing.assert_array_equal(bits(as_gguf), bits(sorted_bytes))
    return as_gguf


@pytest.mark.parametrize("block_format", FORMATS)
@settings(deadline=None)
@given(st.data())
def test_any_bytes(block_format, data):
    shape = (data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4)) * BLOCK_BYTES[block_format])
    blocks = data.draw(arrays(np.uint8, shape, elements=st.integers(0, 255)))
    ours = in_both_orders(blocks, block_format)
    theirs = reference(blocks, block_format)
    assert ours.shape == theirs.shape == (shape[0], 32 * shape[1] // BLOCK_BYTES[block_format])
    # one NaN is like another
    known = ~np.isnan(theirs)
    np.testing.assert_array_equal(np.isnan(ours), ~known)
    np.testing.assert_array_equal(bits(ours)[known], bits(theirs)[known])


@pytest.mark.parametrize("block_format", FORMATS)
def test_weights_like_a_models(block_format):
    weights = np.random.default_rng(0).normal(0, 0.05, (64, 256)).astype(np.float32)
    blocks = quantize(weights, gguf.GGMLQuantizationType[block_format])
    ours = in_both_orders(blocks, block_format)
    np.testing.assert_array_equal(bits(ours), bits(reference(blocks, block_format)))
    assert 0 < np.abs(ours - weights).max() < 0.02


def test_blocks_worked_by_hand():
    half = np.array([0.5, -3], np.float16).tobytes()
    q4_1 = np.frombuffer(half + bytes([0x21] * 15 + [0xF0]), np.uint8).copy()[None]
    expected = [-2.5] * 15 + [-3.0] + [-2.0] * 15 + [4.5]  # 0.5 q - 3 of 1, 0 and of 2, 15
    assert in_both_orders(q4_1, "Q4_1").tolist() == [expected]
    q8_0 = np.frombuffer(half[:2] + bytes([2, 0xFF] * 16), np.uint8).copy()[None]
    assert in_both_orders(q8_0, "Q8_0").tolist() == [[1.0, -0.5] * 16]


def test_planes_worked_by_hand():
    blocks = np.arange(40, dtype=np.uint8).reshape(1, 40)
    expected = [0, 20, 1, 21, 2, 22, 3, 23, *range(4, 20), *range(24, 40)]
    assert to_planes(blocks, "Q4_1").tolist() == [expected]


@pytest.mark.parametrize("key", [FORMATS_KEY, "block_formats"])
def test_a_packed_file_is_read_whole(tmp_path, key):
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(4, 64)).astype(np.float32)
    tensors = {
        "q4": quantize(matrix, gguf.GGMLQuantizationType.Q4_1),
        "q8": quantize(matrix, gguf.GGMLQuantizationType.Q8_0),
        "half": matrix.astype(np.float16),
        "plain": matrix,
    }
    formats = {"q4": "Q4_1", "q8": "Q8_0"}
    stored = dict(tensors)
    if key == FORMATS_KEY:  # earlier files have blocks as GGUF does
        stored |= {name: to_planes(tensors[name], formats[name]) for name in formats}
    save_file(stored, tmp_path / WEIGHTS_FILE, {key: json.dumps(formats)})
    assert is_packed(tmp_path)
    read = PackedWeights(tmp_path / WEIGHTS_FILE)
    assert len(read) == 4
    assert "q5" not in read
    with pytest.raises(KeyError):
        read["q5"]
    assert {name: tensor.dtype for name, tensor in read.items()} == dict.fromkeys(
        tensors, torch.float32
    )
    np.testing.assert_array_equal(read["q4"].numpy(), reference(tensors["q4"], "Q4_1"))
    np.testing.assert_array_equal(read["q8"].numpy(), reference(tensors["q8"], "Q8_0"))
    np.testing.assert_array_equal(read["half"].numpy(), tensors["half"].astype(np.float32))
    np.testing.assert_array_equal(read["plain"].numpy(), matrix)


@pytest.mark.parametrize("block_format", FORMATS)
def test_rows_of_an_embedding_are_those_of_the_matrix(tmp_path, block_format):
    matrix = np.random.default_rng(0).normal(size=(5, 64)).astype(np.float32)
    stored = to_planes(quantize(matrix, gguf.GGMLQuantizationType[block_format]), block_format)
    tensors = {"words": stored, "plain": matrix}
    metadata = {FORMATS_KEY: json.dumps({"words": block_format})}
    save_file(tensors, tmp_path / WEIGHTS_FILE, metadata)
    weights = PackedWeights(tmp_path / WEIGHTS_FILE)
    embedding = packed_embedding(weights, "words")
    assert embedding is not None
    ids = torch.tensor([[4, 0, 4], [1, 3, 2]])
    assert torch.equal(embedding(ids), weights["words"][ids])
    assert embedding(ids[:, :0]).shape == (2, 0, 64)
    assert torch.equal(embedding.bfloat16()(ids), weights["words"][ids].bfloat16())
    assert packed_embedding(weights, "plain") is None


def test_other_folders_are_not_packed(tmp_path):
    assert not is_packed(tmp_path)
    save_file({"plain": np.zeros(3)}, tmp_path / WEIGHTS_FILE)
    assert not is_packed(tmp_path)


def test_smollm2_as_gguf_reads_it(smollm2_folder):
    with safe_open(smollm2_folder / WEIGHTS_FILE, framework="np") as file:
        formats = json.loads(file.metadata()[FORMATS_KEY])
        assert set(formats.values()) == set(FORMATS)
        for name in ("model.layers.0.self_attn.q_proj.weight", "model.embed_tokens.weight"):
            planes, block_format = file.get_tensor(name), formats[name]
            scale_bytes, quant_bytes, _ = FORMATS[block_format]
            n_blocks = planes.size // (scale_bytes + quant_bytes)
            scales, quants = np.split(planes.ravel(), [scale_bytes * n_blocks])
            scales = scales.reshape(scale_bytes, n_blocks).T
            blocks = np.hstack([scales, quants.reshape(n_blocks, quant_bytes)])
            ours = dequantise(torch.from_numpy(planes), block_format).numpy()
            theirs = reference(blocks.reshape(planes.shape), block_format)
            np.testing.assert_array_equal(bits(ours), bits(theirs))
