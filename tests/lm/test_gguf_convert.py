"""A GGUF file that was written here comes out as the model it was written from."""

import json

import pytest
import torch

from perplexity_detector.errors import LanguageModelError
from perplexity_detector.lm.weights import catalogue
from perplexity_detector.lm.weights.gguf_convert import convert

BOS = "<|endoftext|>"


@pytest.fixture(scope="module")
def folder(tiny_gguf, tmp_path_factory):
    folder = tmp_path_factory.mktemp("packed")
    convert(tiny_gguf.file, folder, BOS)
    return folder


@torch.inference_mode()
def assert_same_logits(ours, theirs):
    ids = torch.randint(512, (3, 50), generator=torch.Generator().manual_seed(0))
    expected = theirs(ids).logits
    assert expected.std() > 1
    torch.testing.assert_close(ours(ids).logits, expected, rtol=0, atol=1e-4)


def test_the_folder_is_the_model_it_came_from(tiny_gguf, folder):
    loaded = catalogue.load(str(folder))
    theirs = dict(tiny_gguf.model.named_parameters())
    ours = dict(loaded.model.named_parameters())
    assert ours.keys() == theirs.keys()
    for name, weight in theirs.items():
        torch.testing.assert_close(ours[name], weight, rtol=0, atol=0)
    assert_same_logits(loaded.model, tiny_gguf.model)
    assert (loaded.bos_id, loaded.bos_candidates, loaded.context) == (0, (0,), 64)


def test_a_file_always_becomes_the_same_bytes(tiny_gguf, folder, tmp_path):
    # the fingerprint of a model is a hash of its files
    for _ in range(8):
        convert(tiny_gguf.file, tmp_path, BOS)
        for file in folder.iterdir():
            assert (tmp_path / file.name).read_bytes() == file.read_bytes()


def test_rows_of_queries_and_keys_change_places(tiny_gguf, tmp_path, monkeypatch):
    # the comparison of logits would notice if they did not
    monkeypatch.setattr(
        "perplexity_detector.lm.weights.gguf_convert._unpermute", lambda rows, heads: rows
    )
    convert(tiny_gguf.file, tmp_path, BOS)
    with pytest.raises(AssertionError):
        assert_same_logits(catalogue.load(str(tmp_path)).model, tiny_gguf.model)


@pytest.mark.parametrize(
    "options",
    [
        {"tied": False},
        {"matrices": "F16", "embedding": "F32"},
        {"matrices": "Q8_0", "embedding": "Q4_1"},
    ],
    ids=lambda options: "-".join(map(str, options)),
)
def test_other_formats(write_gguf, tmp_path, options):
    written = write_gguf(**options)
    convert(written.file, tmp_path, BOS)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["tie_word_embeddings"] == options.get("tied", True)
    assert_same_logits(catalogue.load(str(tmp_path)).model, written.model)


def test_transformers_reads_the_configuration(tiny_gguf, folder):
    config = json.loads((folder / "config.json").read_text())
    theirs = tiny_gguf.model.config
    for name in ("hidden_size", "intermediate_size", "num_key_value_heads", "vocab_size"):
        assert config[name] == getattr(theirs, name)
    assert config["rope_theta"] == 500
    assert config["rms_norm_eps"] == pytest.approx(1e-3)
    assert (config["bos_token_id"], config["eos_token_id"]) == (0, 2)


def test_the_tokenizer_is_the_one_it_came_from(bpe, folder, essays):
    ours = catalogue.load(str(folder)).tokenizer
    odd = ["", " ", "  two\n\nlines\t", "1984, 3.14", "can't I'LL née 北京 \U0001f600", "a\0b"]
    for text in [*essays, *odd]:
        assert ours.encode(text).ids == bpe.encode(text).ids
        assert ours.encode(text).offsets == bpe.encode(text).offsets
        assert ours.decode(ours.encode(text).ids) == text
    # as text in the catalogue's tokenizer, as tokens in the one on disk
    assert not {0, 1, 2} & set(ours.encode("<|im_end|>").ids)
    ours.encode_special_tokens = False
    assert ours.encode("<|endoftext|>a<|im_end|>").ids == bpe.encode("<|endoftext|>a<|im_end|>").ids


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"architecture": "qwen2"}, "its general.architecture is qwen2, not llama"),
        ({"pre": "llama-bpe"}, "its tokenizer.ggml.pre is llama-bpe, not smollm"),
        ({"matrices": "Q5_0"}, "is stored as Q5_0; only Q4_1, Q8_0, F16 and F32 can be read"),
    ],
)
def test_models_of_another_kind(write_gguf, tmp_path, options, message):
    with pytest.raises(LanguageModelError, match=message):
        convert(write_gguf(**options).file, tmp_path, BOS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"GGUF", b"PK\x03\x04" * 100])
def test_files_that_are_no_gguf_file(tmp_path, content):
    file = tmp_path / "model.gguf"
    file.write_bytes(content)
    with pytest.raises(LanguageModelError, match=r"model\.gguf is not a GGUF file"):
        convert(file, tmp_path, BOS)


def test_a_file_that_was_cut_off(tiny_gguf, tmp_path):
    file = tmp_path / "model.gguf"
    file.write_bytes(tiny_gguf.file.read_bytes()[:-1000])
    with pytest.raises(LanguageModelError, match=r"model\.gguf is not a GGUF file"):
        convert(file, tmp_path, BOS)
