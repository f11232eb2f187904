"""Every baseline, small: tiny random networks stand for the language models and the encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from perplexity_detector.detectors.registry import make_detector
from tests.labelled import LIGHT, two_styles

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from perplexity_detector.classifier.base import CalibratedClassifier


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    """The models made here are so small that threads only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tiny_bert(bpe: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """BERT's architecture with random weights; reads 64 tokens."""
    import transformers

    torch.manual_seed(2)
    config = transformers.BertConfig(
        vocab_size=512,
        max_position_embeddings=64,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        initializer_range=0.2,
    )
    folder = tmp_path_factory.mktemp("bert")
    transformers.BertModel(config).save_pretrained(folder)
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=bpe)
    fast.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def small(
    tiny_gpt2: Path, tiny_llama: Path, tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., CalibratedClassifier]:
    """The name of a model -> one that trains in a second; what was read is read once."""
    cache = str(tmp_path_factory.mktemp("cache"))
    of_networks = {"epochs": 8, "learning_rate": 3e-3, "batch_texts": 8, "max_tokens": 48}
    settings: dict[str, dict[str, Any]] = {
        "detector": {"families": LIGHT, "n_estimators": 20, "n_jobs": 1},
        "rules": {},
        "tfidf": {},
        "encoder": {"encoder": str(tiny_bert), **of_networks},
        "first_layers": {"lm": str(tiny_gpt2), "blocks": 1, **of_networks},
        "binoculars": {"lm": str(tiny_gpt2), "performer": str(tiny_llama), "cache": cache},
    }
    reading = {"lm": str(tiny_gpt2), "cache": cache}

    def make_small(name: str, **changes: Any) -> CalibratedClassifier:
        return make_detector(name, **{"fpr": 0.1, **settings.get(name, reading), **changes})

    return make_small


@pytest.fixture(scope="session")
def fitted(
    small: Callable[..., CalibratedClassifier],
) -> Callable[[str], CalibratedClassifier]:
    """The name of a model -> one that was trained on two made-up styles."""
    known: dict[str, CalibratedClassifier] = {}

    def fit(name: str) -> CalibratedClassifier:
        if name not in known:
            known[name] = small(name).fit(*two_styles(60, mixed=0.1))
        return known[name]

    return fit
