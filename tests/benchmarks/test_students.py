"""Students learn what their teacher reads, and are written as a language model's folder."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.quality import distillation
from benchmarks.quality.distillation import Example, Whitening, distil, new_student, save_student
from benchmarks.quality.small_readers import Reader
from benchmarks.quality.student_tables import students as table
from benchmarks.quality.students import by_source
from perplexity_detector.lm.llama import LlamaConfig
from perplexity_detector.lm.pooling import PooledStates
from perplexity_detector.lm.scorer import LanguageModelScorer
from tests.benchmarks.test_fold_data import made_up

VOCABULARY, WIDTH = 512, 32
TEACHER = LlamaConfig(VOCABULARY, WIDTH, 64, 4, 2, 2, 128, 1e-5, 1e5, 0)
TEXTS = [
    "The keys to the cabinet are on the table. Nobody had asked for them.",
    "A hen lays an egg a day, and no more than that.",
    "Why? Because it rained, and the road was wet.",
]


@pytest.fixture(scope="module")
def embedding():
    return torch.randn(VOCABULARY, WIDTH, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def student(embedding):
    torch.manual_seed(2)
    counts = torch.ones(VOCABULARY)
    padded = torch.cat([embedding, embedding.roll(1, 0)], dim=1)  # as wide as the student at least
    return new_student(distillation.HEAD_WIDTH, 2, TEACHER, padded, counts)


def example(draw, embedding):
    """A teacher that adds the embedding of the token before to that of each token."""
    ids = draw.integers(1, VOCABULARY, draw.integers(12, 40))
    rows = embedding.numpy()[np.append(0, ids[:-1])]
    deeper = rows[1:] + rows[:-1]
    n = len(ids) - 1
    tokens = np.array([5, n - 5], np.int32)
    means = [[part.mean(0) for part in np.split(layer, [5])] for layer in (rows[1:], deeper)]
    return Example(ids, PooledStates((1, 2), np.array(means, np.float32), tokens))


@pytest.fixture(scope="module")
def examples(embedding):
    draw = np.random.default_rng(0)
    return [example(draw, embedding) for _ in range(200)]


def test_a_student_learns_what_its_teacher_reads(student, examples, monkeypatch):
    monkeypatch.setattr(distillation, "BATCH_TOKENS", 512)
    errors = []
    distil(student, examples, 5, on_step=lambda step, steps, error: errors.append(error))
    # 1 is the error of who says the same of all texts
    assert np.mean(errors[-10:]) < 0.5 < np.mean(errors[:3])


def test_components_are_relative_to_how_much_they_vary(examples):
    whitening = Whitening.fit(examples)
    texts = torch.from_numpy(np.stack([one.states.mean() for one in examples], axis=1))
    found = whitening.components_of(texts) / whitening.text_scale[:, None]
    np.testing.assert_allclose(found.mean(1), 0, atol=1e-4)
    correlations = found.mT @ found / found.shape[1]
    # the floor takes a little from the smallest
    np.testing.assert_allclose(correlations, np.eye(WIDTH)[None].repeat(2, 0), atol=0.1)
    # sentences are shorter than texts, and vary more
    assert (whitening.sentence_scale > whitening.text_scale).float().mean() > 0.9


def test_every_text_is_in_one_batch_of_like_lengths():
    lengths = np.random.default_rng(0).integers(2, 400, 200).tolist()
    order = torch.Generator().manual_seed(0)
    first, second = (list(distillation._batches(lengths, order)) for _ in range(2))
    assert first != second
    for batches in (first, second):
        assert sorted(number for batch in batches for number in batch) == list(range(200))
        for batch in batches:
            of_batch = [lengths[number] for number in batch]
            assert max(of_batch) * len(batch) <= distillation.BATCH_TOKENS


def test_a_written_student_is_a_language_model_that_reads_as_it_learned(
    student, save_model, tmp_path
):
    import transformers

    of_transformers = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=VOCABULARY, hidden_size=WIDTH, intermediate_size=64, num_hidden_layers=1,
            num_attention_heads=2, bos_token_id=0, tie_word_embeddings=True,
        )
    )  # fmt: skip
    size = save_student(student.requires_grad_(False), tmp_path, save_model(of_transformers))
    assert size == (tmp_path / "model.safetensors").stat().st_size
    assert json.loads((tmp_path / "config.json").read_text())["num_hidden_layers"] == 2
    scorer = LanguageModelScorer(str(tmp_path))
    assert scorer.blocks == 2
    states = [one.states for one in scorer.read(TEXTS, [1, 2], statistics=False) if one.states]
    ids = [one.ids for one in scorer.tokens(TEXTS)]
    examples = [Example(of_text, one) for of_text, one in zip(ids, states, strict=True)]
    pooled, tokens, text_of = distillation.pooled_states(student, examples)
    assert text_of.tolist() == [0, 0, 1, 2, 2]
    assert tokens.sum() == sum(map(len, ids)) - len(TEXTS)
    found = np.concatenate([np.hstack(list(one.states.means)) for one in examples])
    # products in bfloat16, weights of 8 bits
    assert np.abs(found - pooled.numpy()).max() < 0.05 * np.abs(found).max()


def test_a_reader_pools_its_blocks_or_its_embedding(tiny_llama):
    scorer = LanguageModelScorer(str(tiny_llama))
    texts = [*TEXTS, ""]
    documents = Reader(scorer, [1, 2]).documents(texts)
    assert [one.states.means.shape[:2] for one in documents[:3]] == [(2, 1)] * 3
    assert all(len(one.tokens.ids) for one in documents[:3])
    embedded = Reader(scorer, []).documents(texts)
    assert embedded[3].states.tokens.size == 0
    weight = scorer.model.get_input_embeddings().weight.detach().numpy()
    for text, one in zip(TEXTS, embedded, strict=False):
        ids = scorer.tokens([text])[0].ids[:-1]
        assert one.states.tokens.tolist() == [len(ids)]
        np.testing.assert_allclose(one.states.mean()[0], weight[ids].mean(0), rtol=1e-5, atol=1e-6)


def test_a_part_of_the_sources_is_tested_and_not_trained_on():
    texts = made_up()
    described = {"split": "train", "domain": "essay", "generator": "a model"}
    rows = texts.rows.assign(origin=texts.rows["source"], **described)
    part = rows["source"].isin(["source 3", "source 6"]).to_numpy()
    # had it learned from these sources, it would err on as many as on the others
    flipped = rows["generated"].where(~part, 1 - rows["generated"])
    found = by_source(replace(texts, rows=rows.assign(generated=flipped)), part * 1, 1, 0.5)
    assert sorted(found) == ["source 3", "source 6"]
    assert {one["half"] for one in found.values()} == {"development", "confirmation"}
    assert max(one["auroc"] for one in found.values()) < 0.1


def test_the_table_compares_each_reader_with_fast():
    def reader(auroc, rate, **described):
        sources = {
            f"{half} {number}": {"half": half, "auroc": auroc + number / 50, "tpr_at_1": 0.5}
            for half in ("development", "confirmation")
            for number in (0, 1)
        }
        return {"sources": sources, "texts_per_processor_second": {"float32": rate}, **described}

    readers = {
        "fast": reader(0.95, 8.0, blocks=15, width=576, bytes=0),
        "first 0": reader(0.9, 80.0, blocks=0, width=576, bytes=0),
        "first 2": reader(0.93, 44.0, blocks=2, width=576, bytes=0),
        "192x4": reader(0.92, 60.0, blocks=4, width=192, bytes=11_900_000, learned_tokens=5.6e6),
    }
    lines = table({"readers": readers}).splitlines()
    assert lines[2:6] == [
        "| `fast` | 15 | 576 | 0.0 MB | 1.0 | 0.960 | 0.960 | 0.500 | 0.500 |",
        "| embedding alone | 0 | 576 | 0.0 MB | 10.0 | 0.910 | 0.910 | 0.500 | 0.500 |",
        "| first 2 blocks | 2 | 576 | 0.0 MB | 5.5 | 0.940 | 0.940 | 0.500 | 0.500 |",
        "| student | 4 | 192 | 11.9 MB | 7.5 | 0.930 | 0.930 | 0.500 | 0.500 |",
    ]
    assert "2 of the development half and 2 of the confirmation half" in lines[-1]
    assert lines[-1].endswith("192 wide, 4 blocks: 5.6 million.")


def test_a_table_without_speed_or_students_lacks_them():
    sources = {"a": {"half": "development", "auroc": 0.9, "tpr_at_1": 0.5}}
    sources["b"] = sources["a"] | {"half": "confirmation"}
    found = table(
        {"readers": {"fast": {"sources": sources, "blocks": 15, "width": 576, "bytes": 0}}}
    )
    assert "| `fast` | 15 | 576 | 0.0 MB | 0.900 | 0.900 | 0.500 | 0.500 |" in found
    assert "times" not in found
    assert "learned" not in found
