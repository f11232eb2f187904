from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers

from benchmarks.speed import peers, product_rates
from benchmarks.speed import tables as speed_tables
from benchmarks.speed.precision import compare, mean_change, verdicts_changed
from benchmarks.speed.run import agreement, mixed
from perplexity_detector.text import words
from tests.labelled import light_detector, two_styles

TEXTS = [
    "The keys to the cabinet are on the table.",
    "A hen lays an egg a day, and no more than that.",
    "Why?",
]


@pytest.fixture(scope="module")
def folder(save_model):
    torch.manual_seed(3)
    config = transformers.LlamaConfig(
        vocab_size=512, max_position_embeddings=128, hidden_size=32, intermediate_size=64,
        num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, initializer_range=0.5,
        bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    end = "<|endoftext|>"
    return str(save_model(transformers.LlamaForCausalLM(config), bos_token=end, eos_token=end))


@pytest.mark.parametrize("peer", sorted(set(peers.PEERS) - set(peers.REGISTRY)))
def test_peers_agree_with_us(peer, folder):
    ours = peers.ours(folder, "float32")(TEXTS)
    theirs = peers.PEERS[peer](folder)(TEXTS)
    assert len(theirs) == len(TEXTS)
    found = agreement(ours, theirs)
    assert found
    assert all(difference < 1e-3 for difference in found.values()), found


def test_agreement_is_counted_figure_by_figure():
    ours: list[dict[str, list[float]]] = [
        {"surprisal": [1.0, 2.0], "rank": [1, 5]},
        {"surprisal": [3.0], "rank": [2]},
    ]
    theirs: list[dict[str, list[float]]] = [
        {"surprisal": [1.5, 2.0], "rank": [1, 6]},
        {"surprisal": [4.0], "rank": [2]},
    ]
    assert agreement(ours, theirs) == pytest.approx(
        {
            "surprisal_mean_difference": 0.5,
            "surprisal_largest_difference": 1.0,
            "rank_differs": 1 / 3,
        }
    )
    assert agreement(ours, [{"rank": [1]}, {"rank": [2]}]) == {"rank_texts_of_other_length": 1}


def test_texts_are_of_mixed_length(essays):
    lengths = [len(words(text)) for text in mixed(essays, 7)]
    assert max(lengths[0::3]) <= 100 < min(lengths[1::3])
    assert min(lengths[2::3]) > 1.5 * max(lengths[1::3])


def test_the_ceiling_counts_every_product():
    config = transformers.GPT2Config(vocab_size=512, n_embd=32, n_layer=2, n_head=4)
    shapes = product_rates.shapes_of(transformers.GPT2LMHeadModel(config))
    assert shapes == {(32, 96): 2, (32, 32): 2, (32, 128): 2, (128, 32): 2, (32, 512): 1}
    available, missing = product_rates.available_precisions()
    assert {*available, *missing} == {"float32", "bfloat16", "int8"}
    for precision in available:
        measured = product_rates.measure(shapes, precision)
        assert set(measured["gflops"]) == {f"{width} x {outputs}" for width, outputs in shapes}
        assert measured["tokens_per_second"] > 0


def test_what_a_precision_costs():
    labels = np.array([0, 0, 0, 1, 1, 1])
    exact = np.array([0.1, 0.2, 0.3, 0.7, 0.8, 0.9])
    other = np.array([0.1, 0.2, 0.8, 0.7, 0.9, 0.9])
    found = compare(labels, exact, other)
    assert found["auroc_exact"] == 1
    assert found["auroc"] == pytest.approx(8 / 9)
    assert found["change_low"] <= found["change"] <= found["change_high"] <= 0
    assert found["probability_change"] == pytest.approx(0.1)
    assert mean_change([np.array([1.0, 2.0])], [np.array([1.5, 2.5])]) == 0.5
    assert mean_change([], []) is None


def test_tables_have_a_row_for_each_scorer():
    scorer = {
        "tokens_per_second": 1234.5, "texts_per_second": 3.2, "times_fastest_peer": 2.5,
        "peak_mb": 900.0, "ready_seconds": 4.0,
        "agreement": {"surprisal_mean_difference": 1e-6, "rank_differs": 0.0},
    }  # fmt: skip
    ours = scorer | {
        "ceiling_tokens_per_second": 1500.0, "of_ceiling": 0.823,
        "gflops": {"8 x 8": {"torch": 100.0, "oneDNN, packed": 120.0}},
    }  # fmt: skip
    record = {
        "models": {"smollm2": {"scorers": {"float32": ours, "gltr": scorer}}},
        "not_measured": {"bfloat16": "no instructions"},
    }
    lines = speed_tables.peers(record).splitlines()
    assert len(lines) == 4
    assert (
        "| GLTR | 1,234 | 3.20 | 2.50 | 900 MB | 4.0 s | surprisal 1e-06, 0.0% of ranks |"
        in lines[3]
    )
    assert "| 82.3% |" in speed_tables.ceilings(record)
    assert speed_tables.ceilings(record).endswith("bfloat16: no instructions.")


def test_verdicts_that_change_are_counted():
    texts, labels = two_styles(60)
    assessed = light_detector().fit(texts, labels).assess_texts(texts[:6])
    others = [
        replace(one, verdict="another" if number in (1, 4) else one.verdict, probability=0.5)
        for number, one in enumerate(assessed)
    ]
    assert verdicts_changed(assessed, assessed) == 0
    assert verdicts_changed(assessed, others) == 2
