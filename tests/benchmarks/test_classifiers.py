"""The encoders that whole predictions are compared with: what they answer, and in which order."""

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks.speed import classifiers
from benchmarks.speed import tables as speed_tables

SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
         "num_attention_heads": 2}  # fmt: skip


@pytest.fixture(params=["roberta_base", "e5_small"])
def small(request, monkeypatch):
    """An encoder of the same kind with one small block."""
    config = classifiers.ENCODERS[request.param].to_dict()
    made = type(classifiers.ENCODERS[request.param])(**{**config, **SMALL})
    monkeypatch.setitem(classifiers.ENCODERS, request.param, made)
    return classifiers.make_encoder(request.param)


def test_shapes_are_those_of_the_published_encoders():
    blocks = {"roberta_base": (12, 768, 12, 3072), "e5_small": (12, 384, 12, 1536)}
    for name, shape in blocks.items():
        config = classifiers.ENCODERS[name]
        assert shape == (
            config.num_hidden_layers, config.hidden_size, config.num_attention_heads,
            config.intermediate_size,
        )  # fmt: skip
    with torch.device("meta"):  # without any numbers
        weights = {
            name: sum(one.numel() for one in classifiers.make_encoder(name).parameters())
            for name in blocks
        }
    # as their model cards state: 125 million and 33 million
    assert weights == pytest.approx({"roberta_base": 125e6, "e5_small": 33.4e6}, rel=0.01)


def test_a_text_is_scored_alone_as_in_its_batch(small, smollm2_folder, tmp_path, essays):
    texts = [*essays[:9], "A hen lays an egg a day.", " ".join(essays[:5]), ""]
    file = tmp_path / "rows.csv"
    pd.DataFrame({"id": range(len(texts)), "text": texts}).to_csv(file, index=False)
    run = classifiers.EncoderRun(classifiers.by_torch(small), small.config.vocab_size, file)
    run.once()
    assert len(run.seconds) == 1
    # a row without text is none
    scored = dict(zip(run.results["id"].astype(int), run.results["generated"], strict=True))
    for number, text in enumerate(texts[:-1]):
        assert scored[number] == pytest.approx(run.score([text])[0], abs=1e-5)
    assert len({round(one, 9) for one in scored.values()}) > len(texts) // 2
    assert np.isfinite(run.results["generated"]).all()


def test_long_texts_are_cut(smollm2_folder, essays):
    (ids,) = classifiers.token_ids([" ".join(essays)], 100)
    assert len(ids) == classifiers.MAX_TOKENS
    assert max(ids) < 100


def test_onnx_runtime_answers_almost_as_transformers(small, tmp_path):
    pytest.importorskip("onnxruntime", reason="needs the extra benchmarks")
    pytest.importorskip("onnxscript", reason="needs the extra benchmarks")
    exported = classifiers.by_onnx(classifiers.export_int8(small, tmp_path / "small.onnx"))
    ids = np.random.default_rng(0).integers(5, 30_000, (3, 70))
    mask = np.ones_like(ids)
    mask[1, 20:] = 0
    ours, theirs = exported(ids, mask), classifiers.by_torch(small)(ids, mask)
    assert ours.shape == (3, 2)
    np.testing.assert_allclose(ours, theirs, atol=0.02)
    assert np.abs(ours - theirs).max() > 0  # in integers


def test_the_table_compares_within_a_precision():
    rates = [
        ("roberta_base", "transformers", "float32", 2.0),
        ("roberta_base", "ONNX Runtime", "int8", 5.0),
        ("auto", "ours", "float32", 3.0),
        ("auto", "ours", "bfloat16", 4.0),
        ("auto", "ours", "int8", 10.0),
    ]
    names = ["name", "by", "precision", "texts_per_second"]
    record = {
        "results": [dict(zip(names, one, strict=True)) for one in rates],
        "precision_auto": {"auto": "bfloat16"},
        "not_measured": {},
    }
    rows = speed_tables.classifiers(record).splitlines()[2:]
    assert rows == [
        "| RoBERTa-base | transformers | float32 | 2.00 | 1.00 |",
        "| RoBERTa-base | ONNX Runtime | int8 | 5.00 | 1.00 |",
        "| **`auto`** | ours | float32 | 3.00 | 1.50 |",
        "| **`auto`** | ours | bfloat16 (`auto`) | 4.00 |  |",
        "| **`auto`** | ours | int8 | 10.00 | 2.00 |",
    ]
