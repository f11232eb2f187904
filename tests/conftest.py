"""Language models that tests of several rooms share: the real one, and tiny random ones."""

from __future__ import annotations

import csv
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from perplexity_detector.lm.weights import catalogue
from tests.paths import ROOT

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SPECIAL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]  # 0, 1 and 2, as smollm2's


@pytest.fixture(scope="session")
def essays() -> list[str]:
    """The texts of the sample."""
    sample = ROOT / "data" / "sample" / "essays.csv"
    with sample.open(encoding="utf-8", newline="") as file:
        return [row["text"] for row in csv.DictReader(file)]


@pytest.fixture(scope="session")
def smollm2_folder() -> Path:
    """The builtin model, in packed form."""
    folder = catalogue.packaged_folder()
    if not (folder / "config.json").is_file():
        pytest.fail(f"{folder} holds no language model: run make pull")
    return folder


@pytest.fixture(scope="session")
def bpe(essays: list[str]) -> Tokenizer:
    """A byte-level BPE of 512 tokens that splits as smollm2's does, learned from the sample."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    digits = pre_tokenizers.Digits(individual_digits=True)
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = byte_level  # so it learns " 1", which it must not use afterwards
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([*essays, "1984 1999 " * 200], trainer)
    assert tokenizer.token_to_id("Ġ1") is not None
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, byte_level])
    return tokenizer


@pytest.fixture(scope="session")
def save_model(bpe: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any], Path]:
    """A model -> a folder of it in transformers' own form, with the small tokenizer."""
    import transformers

    def save(model: Any, **special_tokens: str) -> Path:
        folder = tmp_path_factory.mktemp(type(model).__name__)
        model.save_pretrained(folder)
        special_tokens = special_tokens or {"bos_token": SPECIAL_TOKENS[0]}
        fast = transformers.PreTrainedTokenizerFast(tokenizer_object=bpe, **special_tokens)
        fast.save_pretrained(folder)
        return folder

    return save


@pytest.fixture(scope="session")
def tiny_gpt2(save_model: Callable[[Any], Path]) -> Path:
    """GPT-2's architecture with random weights that make peaked predictions; reads 64 tokens."""
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=512,
        n_positions=64,
        n_embd=32,
        n_layer=2,
        n_head=4,
        initializer_range=0.5,
        bos_token_id=0,
        eos_token_id=0,
    )
    return save_model(transformers.GPT2LMHeadModel(config))


@pytest.fixture(scope="session")
def tiny_llama(save_model: Callable[[Any], Path]) -> Path:
    """Llama's architecture, likewise: grouped queries, an untied head; reads 48 tokens."""
    import torch
    import transformers

    torch.manual_seed(1)
    config = transformers.LlamaConfig(
        vocab_size=512,
        max_position_embeddings=48,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.5,
        bos_token_id=0,
        eos_token_id=0,
    )
    return save_model(transformers.LlamaForCausalLM(config))


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """Run a command in this process, in an empty folder: its exit code and what it printed."""
    from perplexity_detector import logs
    from perplexity_detector.command_line import main

    monkeypatch.chdir(tmp_path)

    def run_here(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["model.py", *map(str, arguments)])
        code: int = 0
        try:
            main()
        except SystemExit as left:
            assert isinstance(left.code, int)
            code = left.code
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    yield run_here
    logs._detach()
    logs.get_logger().propagate = True
    logs.get_logger().setLevel(logging.NOTSET)
    logging.getLogger("py.warnings").propagate = True
    logging.captureWarnings(False)
