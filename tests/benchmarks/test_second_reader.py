"""The second reader: its parts on a small model, its figures on scores made up by hand."""

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from benchmarks.quality import second_reader
from benchmarks.quality.lora import adapt, fit_head, set_share
from benchmarks.quality.second_reader import DETECTORS, Reader, by_source, means, readers
from benchmarks.quality.second_reader_tables import second_reader as table
from perplexity_detector.detectors.baselines.fine_tuning import (
    PooledClassifier,
    TrainingArgs,
    fine_tune,
    log_odds,
)
from perplexity_detector.detectors.baselines.neural import Pretrained

BLOCKS = 3
#: Generated texts hold the tokens 2 and 3, human ones 4 and 5.
LABELS = np.arange(64) % 2
IDS = [
    1 + np.concatenate([[0], np.random.default_rng(i).integers(1, 3, 9) + 2 * (1 - label)])
    for i, label in enumerate(LABELS)
]
WEIGHTS = np.ones(len(LABELS))


@pytest.fixture
def network():
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=8, hidden_size=32, intermediate_size=48, num_hidden_layers=BLOCKS,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=32,
    )  # fmt: skip
    return PooledClassifier(transformers.LlamaModel(config)).eval()


def test_the_frozen_head_is_a_logistic_regression(network):
    fit_head(network, IDS, LABELS, WEIGHTS)
    assert isinstance(network.head, torch.nn.Linear)
    scores = log_odds(network, IDS)
    assert scores[LABELS == 1].min() > 0 > scores[LABELS == 0].max()


@pytest.mark.parametrize("first", [0, 2])
def test_only_the_chosen_blocks_and_the_head_are_adapted(network, first):
    before = {name: one.clone() for name, one in network.named_parameters()}
    plain = log_odds(network, IDS)
    adapt(network, first)
    assert np.allclose(log_odds(network, IDS), plain, atol=1e-6)  # nothing is added yet
    fine_tune(network, IDS, LABELS, WEIGHTS, TrainingArgs(3, 16, 1e-2, 0))
    scores = log_odds(network, IDS)
    assert scores[LABELS == 1].min() > scores[LABELS == 0].max()
    for name, weight in network.named_parameters():
        earlier = name.replace("parametrizations.weight.original", "weight")
        if name.startswith("head"):
            assert not torch.equal(weight, before[earlier])
        elif earlier in before:
            assert torch.allclose(weight, before[earlier], atol=1e-3)  # rounded to half precision
        else:
            assert int(name.split("layers.")[1].split(".")[0]) >= first
            assert float(weight.abs().max()) > 0


def test_a_mixture_lies_between_the_frozen_and_the_adapted_reader(network):
    fit_head(network, IDS, LABELS, WEIGHTS)
    frozen_head = [one.detach().clone() for one in network.head.parameters()]
    frozen = log_odds(network, IDS)
    adapt(network, 0)
    fine_tune(network, IDS, LABELS, WEIGHTS, TrainingArgs(1, 16, 1e-3, 0))
    adapted = log_odds(network, IDS)
    heads = list(zip(frozen_head, map(torch.clone, network.head.parameters()), strict=True))
    reader = Reader(Pretrained(network.body, Tokenizer(WordLevel()), None), network, heads)
    reader.mix(0.0)
    assert np.allclose(log_odds(network, IDS), frozen, atol=0.01)
    reader.mix(0.5)
    half = log_odds(network, IDS)
    assert np.abs(half - frozen).max() > 0.01
    assert np.abs(half - adapted).max() > 0.01
    reader.mix(1.0)
    assert np.allclose(log_odds(network, IDS), adapted, atol=1e-5)
    set_share(network, 0.0)  # the head alone keeps what it learned
    assert not np.allclose(log_odds(network, IDS), adapted, atol=0.01)


def scored():
    labels = np.tile([0, 0, 1, 1], 2)
    columns = {f"p_{name}": np.tile([0.1, 0.4, 0.3, 0.9], 2) for name in DETECTORS}
    return pd.DataFrame({
        "generated": labels, "fold": np.repeat(["a", "b"], 4),
        "half": np.repeat(["development", "confirmation"], 4), **columns,
    })  # fmt: skip


def test_a_mean_weighs_both_by_their_spread():
    adapted = np.tile([-30.0, -10.0, 10.0, 30.0], 2)
    found = readers(scored(), {4: {0.0: adapted, 1.0: adapted}})
    assert set(found) == {
        *DETECTORS, "4-0", "4-1", "4-1 and blocks_8", "4-1 and fast", "4-1 and standard",
    }  # fmt: skip
    about, mean = found["4-1 and fast"]
    assert about == {"frozen": 4, "share": 1.0, "detector": "fast", "blocks": 15 + 4}
    alone = found["fast"][1]
    assert np.allclose(mean, adapted / adapted.std() + alone / alone.std())
    assert found["4-1"][0]["blocks"] == second_reader.BLOCKS


def test_the_table_has_a_row_for_each_reader():
    rows = scored()
    adapted = np.tile([-3.0, -1.0, 1.0, 3.0], 2)
    record = {
        "readers": {
            name: {**about, "sources": by_source(rows, of_reader)}
            for name, (about, of_reader) in readers(
                rows, {0: {0.0: adapted, 0.25: adapted, 1.0: adapted}}
            ).items()
        }
    }
    assert means(record["readers"]["fast"], "development")["auroc"] == 0.75
    shown = table(record)
    lines = shown.splitlines()
    assert "| first 8 blocks | 8 | 0.750 | 0.500 | 0.500 | 0.750 | 0.500 | 0.500 |" in lines
    assert "| blocks 1 to 8 adapted, 25% of it | 8 " in shown
    assert "| blocks 1 to 8 adapted, 100% of it, and `fast` | 23 " in shown
    assert "25% of it, and" not in shown
    assert lines[-1] == (
        "Means over sources left out: 1 of the development half and 1 of the confirmation half."
    )
