"""The benchmark of GPUs, run on the processor with a small model: all of it works."""

import json

import numpy as np
import pytest
import torch

from benchmarks.docs import generate
from benchmarks.gpu import measures as gpu_measures
from benchmarks.gpu import run as gpu
from perplexity_detector.lm.scorer import LanguageModelScorer


def test_all_of_it_runs_without_a_card_and_writes_nothing(smollm2_folder, tmp_path, capsys):
    output = tmp_path / "gpu.json"
    gpu.main(device="cpu", quick=True, output=str(output))
    output_text = capsys.readouterr().out
    for stage in ("matrix_rate", "correctness", "reading", "overlap", "trees", "targets"):
        assert stage in output_text
    assert '"holds": true' in output_text
    assert "the figures of a GPU are missing" in output_text
    assert not output.exists()


def test_essays_are_of_mixed_length():
    words = [len(essay.split()) for essay in gpu.essays_of(50, 100, 300)]
    assert min(words) >= 100
    assert max(words) < 350
    assert np.std(words) > 30
    assert gpu.essays_of(3, 20, 40) == gpu.essays_of(3, 20, 40)


def test_targets_show_what_is_reached():
    best = {"times_naive": 12.0, "share_of_matrix_rate": 0.4}
    record = {
        "reading_gpt2_shape": {"best": best},
        "overlap": {"busy": 0.95},
        "correctness_smollm2": {"holds": False},
    }
    found = {name: one["reached"] for name, one in gpu.reached(record).items()}
    assert found == {
        "times_naive": True, "share_of_matrix_rate": False, "busy": True,
        "correctness_smollm2": False,
    }  # fmt: skip


@pytest.mark.parametrize("folder", ["tiny_gpt2", "tiny_llama"])
def test_the_naive_loop_agrees_with_the_scorer(folder, request, essays):
    scorer = LanguageModelScorer(str(request.getfixturevalue(folder)), device="cpu")
    text = essays[0][:60]
    ids = [scorer.tokens([text])[0].ids]
    (naive,) = gpu_measures.read_naively(scorer.model, ids, scorer.bos_id, torch.device("cpu"))
    ours = scorer.score([text])[0]
    for name, values in zip(gpu_measures.COLUMNS, naive, strict=True):
        np.testing.assert_allclose(getattr(ours, name), values, rtol=1e-4, atol=1e-4)


def test_products_are_counted(tiny_gpt2):
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(tiny_gpt2)
    width, vocabulary, blocks = 32, 512, 2
    assert gpu_measures.flops_per_token(model) == 2 * (blocks * 12 * width**2 + vocabulary * width)


def test_the_table_needs_the_json(tmp_path):
    assert "Not measured" in generate.written("gpu", tmp_path)
    way = {"tokens_per_second": 1.2e6, "naive_tokens_per_second": 4e4, "times_naive": 30.0}
    reading = {"eager": way | {"share_of_matrix_rate": 0.456}}
    record = {
        "machine": {"card": "A card", "torch": "2"},
        "matrix_rate": 7e14,
        "reading_gpt2_shape": reading,
        "reading_smollm2": reading,
        "overlap": {"texts": 10_000, "texts_per_second": 2000.0, "busy": 0.93},
    }
    (tmp_path / "gpu.json").write_text(json.dumps(record))
    table = generate.written("gpu", tmp_path)
    assert "A card, torch 2; 700 TFLOP/s" in table
    assert "| GPT-2's shape, eager | 1,200,000 | 40,000 | 30.0 | 45.6% |" in table
    assert "10,000 essays, all features: 2,000 a second; the card is busy 93.0%" in table
