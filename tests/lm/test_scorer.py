"""Statistics of texts against plain transformers logits in float64."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer

from perplexity_detector.lm.bos import PASSAGES
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.lm.token_statistics import CHUNK_ROWS

COLUMNS = ("surprisal", "rank", "entropy", "variance")
LONG = " ".join(PASSAGES)


@pytest.fixture(scope="module", params=["tiny_gpt2", "tiny_llama"])
def folder(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def scorer(folder):
    return LanguageModelScorer(str(folder))


def token_ids(folder, text):
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.encode_special_tokens = True
    return tokenizer.encode(text, add_special_tokens=False).ids


def first_token_seen(t, window):
    """Where the window that keeps token t starts: it and each later one adds half a window."""
    stride = window - (window + 1) // 2
    return 0 if t < window else ((t - window) // stride + 1) * stride


@torch.inference_mode()
def read_plainly(folder, text, window, bos_id=0):
    """The four statistics of each token of a text, in float64."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64).eval()
    ids = token_ids(folder, text)
    first = [first_token_seen(t, window) for t in range(len(ids))]
    predictions = {
        start: model(torch.tensor([[bos_id, *ids[start : start + window - 1]]])).logits[0]
        for start in sorted(set(first))
    }
    rows = []
    for t, target in enumerate(ids):
        log_p = predictions[first[t]][t - first[t]].log_softmax(0)
        p, ours = log_p.exp(), log_p[target]
        entropy = -(p * log_p).sum()
        variance = (p * log_p**2).sum() - entropy**2
        rows.append((-ours, (log_p > ours).sum() + 1, entropy, variance))
    return dict(zip(COLUMNS, np.array(rows, np.float64).reshape(-1, 4).T, strict=True))


def assert_same(ours, theirs, atol=1e-4):
    for name in ("surprisal", "entropy", "variance"):
        np.testing.assert_allclose(getattr(ours, name), theirs[name], rtol=0, atol=atol)
    np.testing.assert_array_equal(ours.rank, theirs["rank"])


# --- numbers --------------------------------------------------------------------------------


def test_each_token_of_a_short_text(folder, scorer):
    theirs = read_plainly(folder, "A river that floods.", scorer.window)
    assert len(theirs["rank"]) > 5
    # a test of peaked predictions: they are neither even nor certain
    assert 0.3 < theirs["entropy"].mean() < 4
    assert_same(scorer.score(["A river that floods."])[0], theirs)


def test_a_text_longer_than_the_context_is_read_in_windows(folder, scorer):
    model_reads = 64 if "GPT2" in folder.name else 48
    assert scorer.window == model_reads
    theirs = read_plainly(folder, LONG, model_reads)
    assert len(theirs["rank"]) > 3 * model_reads
    assert_same(scorer.score([LONG])[0], theirs)


@pytest.mark.parametrize("window", [2, 9, 16])
def test_a_shorter_window_can_be_chosen(tiny_gpt2, window):
    chosen = LanguageModelScorer(str(tiny_gpt2), window=window, precision="float64")
    theirs = read_plainly(tiny_gpt2, PASSAGES[0], window)
    assert_same(chosen.score([PASSAGES[0]])[0], theirs, atol=1e-5)


def test_the_sum_of_surprisal_is_the_models_loss(folder, scorer):
    text = PASSAGES[1][:60]
    ids = torch.tensor([[0, *token_ids(folder, text)]])
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64)
    loss = model(ids, labels=ids).loss.item()
    surprisal = scorer.score([text])[0].surprisal
    assert surprisal.sum() == pytest.approx(loss * (ids.shape[1] - 1), rel=1e-5)


def test_numbers_do_not_depend_on_the_batch(folder, scorer):
    texts = [LONG[start : start + size] for start, size in enumerate([3, 40, 700, 150, 1, 90, 300])]
    alone = [scorer.score([text])[0] for text in texts]
    together = scorer.score(texts)
    one_by_one = LanguageModelScorer(str(folder), batch_tokens=1).score(texts)
    wide = LanguageModelScorer(str(folder), batch_tokens=4096).score(texts[::-1])[::-1]
    for others in (together, one_by_one, wide):
        for one, other in zip(alone, others, strict=True):
            assert_same(other, {name: getattr(one, name) for name in COLUMNS})
            np.testing.assert_array_equal(one.offsets, other.offsets)


@pytest.mark.parametrize(("dtype", "near"), [("float16", 0.01), ("bfloat16", 0.08)])
def test_half_precision_gives_close_numbers(folder, scorer, dtype, near):
    half = LanguageModelScorer(str(folder), precision=dtype).score([LONG])[0]
    single = scorer.score([LONG])[0]
    for name in ("surprisal", "entropy", "variance"):
        ours, theirs = getattr(half, name), getattr(single, name)
        assert ours.dtype == np.float32
        assert 0 < np.abs(ours - theirs).mean() < near * theirs.mean()


def test_another_first_token_gives_other_numbers(folder):
    scorer = LanguageModelScorer(str(folder))
    scorer.bos_id = 2
    assert_same(scorer.score(["It rains."])[0], read_plainly(folder, "It rains.", 48, bos_id=2))


# --- texts ----------------------------------------------------------------------------------


def test_special_tokens_in_a_text_are_plain_text(folder, scorer):
    text = "one<|endoftext|>two <|im_start|>"
    ids = token_ids(folder, text)
    assert not {0, 1, 2} & set(ids)
    statistics = scorer.score([text])[0]
    assert len(statistics) == len(ids) > 10
    assert_same(statistics, read_plainly(folder, text, scorer.window))


def test_texts_of_no_and_of_one_character(folder, scorer):
    empty, one, also_empty = scorer.score(["", "a", ""])
    assert len(empty) == len(also_empty) == 0
    assert empty.offsets.shape == (0, 2)
    assert_same(one, read_plainly(folder, "a", scorer.window))
    assert one.offsets.tolist() == [[0, 1]]
    assert scorer.score([]) == []


def test_unpaired_surrogates_are_read_as_replacement_characters(scorer):
    surrogate, replacement = scorer.score(["a\ud800b\udfff", "a\ufffdb\ufffd"])
    np.testing.assert_array_equal(surrogate.surprisal, replacement.surprisal)
    np.testing.assert_array_equal(surrogate.offsets, replacement.offsets)
    assert surrogate.offsets[-1, 1] == 4


@pytest.mark.parametrize("text", ["Hi \U0001f600!", "\U0001f469‍\U0001f467 née 北京\n\tx", "a\0b"])
def test_offsets_count_characters(scorer, text):
    offsets = scorer.score([text])[0].offsets
    assert offsets.dtype == np.int32
    assert (np.diff(offsets, axis=0) >= 0).all()
    covered = set().union(*(range(start, end) for start, end in offsets))
    assert covered == set(range(len(text)))


def test_what_the_columns_are_made_of(scorer):
    statistics = scorer.score(["Plain."])[0]
    types = {name: getattr(statistics, name).dtype for name in (*COLUMNS, "offsets")}
    assert types == {
        "surprisal": np.float32,
        "rank": np.int32,
        "entropy": np.float32,
        "variance": np.float32,
        "offsets": np.int32,
    }


# --- memory ---------------------------------------------------------------------------------


def test_logits_are_never_larger_than_a_chunk(save_model, monkeypatch):
    config = transformers.GPT2Config(
        vocab_size=50_000, n_positions=512, n_embd=8, n_layer=1, n_head=1
    )
    scorer = LanguageModelScorer(str(save_model(transformers.GPT2LMHeadModel(config))))
    head, shapes = scorer.head, []

    def spy(hidden):
        logits = head(hidden)
        shapes.append(tuple(logits.shape))
        return logits

    monkeypatch.setattr(scorer, "head", spy)
    tokens = sum(map(len, scorer.score([LONG, LONG])))
    assert {width for _, width in shapes} == {50_000}
    assert max(rows for rows, _ in shapes) == CHUNK_ROWS
    assert sum(rows for rows, _ in shapes) == tokens


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_a_long_text_takes_bounded_memory(save_model):
    # 90,000 tokens by 2,000 words would be 700 MB of logits
    config = transformers.GPT2Config(
        vocab_size=2_000,
        n_positions=512,
        n_embd=8,
        n_layer=1,
        n_head=1,
        bos_token_id=0,
        eos_token_id=0,
    )
    folder = save_model(transformers.GPT2LMHeadModel(config))
    code = f"""
import re
from pathlib import Path
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.lm.bos import PASSAGES

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

scorer = LanguageModelScorer({str(folder)!r})
long = (" ".join(PASSAGES) * 400)[:200_000]
scorer.score([long[:5_000]])
before = peak()
statistics = scorer.score([long])[0]
assert statistics.offsets[-1, 1] == 200_000
print(len(statistics), peak() - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    tokens, kilobytes = map(int, done.stdout.split())
    assert tokens > 50_000
    assert kilobytes < 150_000


# --- terminal -------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_bar_is_shown_on_a_terminal_only(scorer, monkeypatch, capfd):
    scorer.score([LONG], progress=True)
    assert capfd.readouterr() == ("", "")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    scorer.score([LONG])
    assert terminal.getvalue() == ""
    scorer.score([LONG], progress=True)
    tokens = len(scorer.encode([LONG])[0])
    assert f"{tokens}/{tokens}" in terminal.getvalue()
    assert capfd.readouterr().out == ""


# --- identity -------------------------------------------------------------------------------


def test_identity_names_what_the_numbers_depend_on(tiny_gpt2, tiny_llama):
    plain = LanguageModelScorer(str(tiny_gpt2))
    assert plain.identity == f"{plain.fingerprints[0]} bos=0 window=64 float32"
    others = [
        LanguageModelScorer(str(tiny_llama)),
        LanguageModelScorer(str(tiny_gpt2), window=32),
        LanguageModelScorer(str(tiny_gpt2), precision="float64"),
    ]
    assert len({scorer.identity for scorer in (plain, *others)}) == 4
    assert LanguageModelScorer(str(tiny_gpt2), batch_tokens=7).identity == plain.identity
