"""A text that was read once comes from the folder, with the same values."""

import io
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from perplexity_detector.errors import InputError
from perplexity_detector.lm import cache
from perplexity_detector.lm.cache import SHARD_TEXTS, CachedScorer
from perplexity_detector.lm.scorer import LanguageModelScorer

ARRAYS = ["keys", "lengths", "sentences", "rank", "surprisal", "entropy", "variance"]
ARRAYS += ["sentence_tokens", "states_1"]
TEXTS = ["The ferry is late.", "", "Twice a day \U0001f600.", "The ferry is late."]


class Counting(LanguageModelScorer):
    """Remembers which texts it was given to read."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.given = []

    def read(self, texts, layers=(), statistics=True, progress=False):
        self.given.append(list(texts))
        return super().read(texts, layers, statistics, progress)


@pytest.fixture
def scorer(tiny_gpt2):
    return Counting(str(tiny_gpt2))


def assert_equal(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        for name in ("surprisal", "rank", "entropy", "variance", "offsets"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
            assert getattr(one, name).dtype == getattr(other, name).dtype


def test_values_are_the_scorers_in_half_precision(scorer, tmp_path):
    cached = CachedScorer(scorer, tmp_path).score(TEXTS)
    plain = scorer.score(TEXTS)
    for one, other in zip(cached, plain, strict=True):
        np.testing.assert_array_equal(one.rank, other.rank)
        np.testing.assert_array_equal(one.offsets, other.offsets)
        for name in ("surprisal", "entropy", "variance"):
            ours, theirs = getattr(one, name), getattr(other, name)
            assert ours.dtype == np.float32
            np.testing.assert_array_equal(ours, theirs.astype(np.float16))
            np.testing.assert_allclose(ours, theirs, rtol=2**-11)


def test_equal_texts_are_read_once_and_no_text_again(scorer, tmp_path):
    cached = CachedScorer(scorer, tmp_path)
    first = cached.score(TEXTS)
    assert scorer.given == [TEXTS[:3]]
    assert_equal(cached.score(TEXTS[::-1]), first[::-1])
    assert_equal(CachedScorer(scorer, tmp_path).score(TEXTS), first)
    assert len(scorer.given) == 1
    assert_equal(cached.score([*TEXTS, "New."])[:4], first)
    assert scorer.given[1:] == [["New."]]


def test_offsets_are_those_of_the_text(scorer, tmp_path):
    CachedScorer(scorer, tmp_path).score(["one two"])
    statistics = CachedScorer(scorer, tmp_path).score(["one two", "\ud800"])
    assert statistics[0].offsets[0, 0] == 0
    assert statistics[0].offsets[-1, 1] == len("one two")
    assert len(statistics[0].offsets) == len(statistics[0])
    assert statistics[1].offsets.max() == 1


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_one_bar_counts_the_texts_that_are_read(scorer, tmp_path, monkeypatch, capfd):
    cached = CachedScorer(scorer, tmp_path)
    cached.score(["one"], progress=True)
    assert capfd.readouterr() == ("", "")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    cached.score(["two"])
    assert terminal.getvalue() == ""
    cached.score(["one", *map(str, range(100))], progress=True)
    assert "100/100" in terminal.getvalue()
    assert terminal.getvalue().count("\n") == 1


def test_no_texts(scorer, tmp_path):
    assert CachedScorer(scorer, tmp_path).score([]) == []
    assert scorer.given == []


def test_a_long_run_is_written_as_it_goes(scorer, tmp_path):
    texts = [f"Text {number}." for number in range(2 * SHARD_TEXTS + 1)]
    cached = CachedScorer(scorer, tmp_path)
    read = scorer.read

    def stopped(texts, *what):
        if "Text 64." in texts:
            raise KeyboardInterrupt
        return read(texts, *what)

    scorer.read = stopped
    with pytest.raises(KeyboardInterrupt):
        cached.score(texts)
    scorer.read = read
    scorer.given.clear()
    CachedScorer(scorer, tmp_path).score(texts)
    assert [len(given) for given in scorer.given] == [SHARD_TEXTS, 1]


@pytest.mark.parametrize("damage", ["cut", "overwritten", "emptied", "another's"])
def test_a_damaged_file_is_ignored(scorer, tmp_path, damage):
    cached = CachedScorer(scorer, tmp_path)
    first = cached.score(TEXTS)
    (shard,) = cached.folder.glob("*.safetensors")
    whole = shard.read_bytes()
    if damage == "another's":
        save_file({"weights": np.zeros(3)}, shard)
    else:
        kept = {"cut": whole[:-20], "overwritten": b"\xff" * len(whole), "emptied": b""}
        shard.write_bytes(kept[damage])
    again = CachedScorer(scorer, tmp_path)
    assert_equal(again.score(TEXTS), first)
    assert scorer.given == [TEXTS[:3]] * 2


@pytest.mark.parametrize("array", ARRAYS)
@pytest.mark.parametrize("lacks", ["its last row", "all"])
def test_a_file_that_lacks_data_is_ignored(scorer, tmp_path, array, lacks):
    cached = CachedScorer(scorer, tmp_path)
    first = cached.read(TEXTS, (1,))
    (shard,) = cached.folder.glob("*.safetensors")
    arrays = load_file(shard)
    assert set(arrays) == set(ARRAYS)
    values = arrays.pop(array)
    save_file(arrays if lacks == "all" else {**arrays, array: values[:-1]}, shard)
    again = CachedScorer(scorer, tmp_path).read(TEXTS, (1,))
    assert scorer.given == [TEXTS[:3]] * 2
    assert_same_states([one.states for one in first], [one.states for one in again])
    assert_equal([one.statistics for one in again], [one.statistics for one in first])


def test_a_folder_that_was_cleared_meanwhile(scorer, tmp_path):
    cached = CachedScorer(scorer, tmp_path)
    first = cached.score(TEXTS)
    shutil.rmtree(cached.folder)
    assert_equal(cached.score(TEXTS), first)
    shutil.rmtree(cached.folder)
    assert_equal(cached.score([*TEXTS, "New."])[:4], first)


@pytest.mark.parametrize("texts", [[""], ["", ""], ["One two.", ""], ["One two.", "a"]])
def test_texts_without_tokens_at_the_end_of_a_file(scorer, tmp_path, texts):
    first = CachedScorer(scorer, tmp_path).read(texts, (1, 2))
    again = CachedScorer(scorer, tmp_path).read(texts, (1, 2))
    plain = scorer.read(texts, (1, 2))
    assert len(scorer.given) == 2
    assert_same_states([one.states for one in first], [one.states for one in again])
    for one, other in zip(again, plain, strict=True):
        assert one.states.means.shape == other.states.means.shape
        assert one.statistics is not None
        assert other.statistics is not None
        assert len(one.statistics) == len(other.statistics)


def test_instances_and_processes_share_a_folder(scorer, tiny_gpt2, tmp_path):
    ours = CachedScorer(scorer, tmp_path)  # before the others wrote anything
    code = f"""
import sys
from perplexity_detector.lm.cache import CachedScorer
from perplexity_detector.lm.scorer import LanguageModelScorer
cached = CachedScorer(LanguageModelScorer({str(tiny_gpt2)!r}), {str(tmp_path)!r})
for number in range(20):
    cached.read([f"Shared {{number}}.", sys.argv[1]], (2,))
"""
    others = [
        subprocess.Popen(
            [sys.executable, "-c", code, name], env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
        for name in ("first", "second")
    ]
    assert [other.wait(timeout=300) for other in others] == [0, 0]
    shared = [f"Shared {number}." for number in range(20)]
    again = CachedScorer(scorer, tmp_path)
    theirs = again.score([*shared, "first", "second"])
    again.read([*shared, "first", "second"], (2,))
    assert scorer.given == []
    assert_equal(ours.score([*shared, "first", "second"]), theirs)
    assert sum(map(len, scorer.given)) == 22
    assert not list(ours.folder.glob("*.part"))


def test_each_model_and_setting_has_its_own_entries(scorer, tiny_gpt2, tmp_path):
    CachedScorer(scorer, tmp_path).score(["one"])
    shorter = Counting(str(tiny_gpt2), window=8)
    CachedScorer(shorter, tmp_path).score(["one"])
    other_bos = Counting(str(tiny_gpt2))
    other_bos.bos_id = 1
    CachedScorer(other_bos, tmp_path).score(["one"])
    assert shorter.given == other_bos.given == [["one"]]
    assert len(list(tmp_path.iterdir())) == 3


def test_files_of_another_version_are_not_read(scorer, tmp_path, monkeypatch):
    CachedScorer(scorer, tmp_path).score(["one"])
    monkeypatch.setattr(cache, "CACHE_VERSION", cache.CACHE_VERSION + 1)
    newer = CachedScorer(scorer, tmp_path)
    assert newer.contains(["one"]) == [False]
    newer.score(["one"])
    assert scorer.given == [["one"], ["one"]]
    assert len(list(tmp_path.iterdir())) == 2


def test_ten_bytes_a_token(scorer, tmp_path):
    cached = CachedScorer(scorer, tmp_path)
    tokens = sum(map(len, cached.score(["word " * 2000])))
    (shard,) = cached.folder.glob("*.safetensors")
    assert sum(array.nbytes for array in load_file(shard).values()) == 10 * tokens + 32 + 16
    assert shard.stat().st_size < 10 * tokens + 1000


def test_a_folder_that_cannot_be_made(scorer, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cache cannot be kept in .*file.*choose another"):
        CachedScorer(scorer, tmp_path / "file")


# --- hidden states --------------------------------------------------------------------------


def assert_same_states(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        assert one.layers == other.layers
        for name in ("means", "tokens"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_states_are_kept_in_half_precision(scorer, tmp_path):
    plain = [one.states for one in scorer.read(TEXTS, (1, 2))]
    first = [one.states for one in CachedScorer(scorer, tmp_path).read(TEXTS, (1, 2))]
    scorer.given.clear()
    again = [one.states for one in CachedScorer(scorer, tmp_path).read(TEXTS, (1, 2))]
    assert scorer.given == []
    assert_same_states(first, again)
    for one, other in zip(first, plain, strict=True):
        np.testing.assert_array_equal(one.means, other.means.astype(np.float16))
        np.testing.assert_array_equal(one.tokens, other.tokens)


def test_only_what_is_not_known_is_read(scorer, tmp_path):
    cached = CachedScorer(scorer, tmp_path)
    cached.score(TEXTS[:1])
    cached.read(TEXTS, (1,))  # the first has no states yet
    assert scorer.given == [TEXTS[:1], TEXTS[:3]]
    cached.read(TEXTS, (1,), statistics=False)
    cached.score(TEXTS)
    assert len(scorer.given) == 2
    cached.read([*TEXTS, "New."], (1,))
    assert scorer.given[2:] == [["New."]]


def test_more_layers_than_are_asked_for_do_as_well(scorer, tmp_path):
    cached = CachedScorer(scorer, tmp_path)
    cached.read(TEXTS[:2], (1,))
    both = cached.read(TEXTS, (1, 2))  # the first two lack a layer
    assert scorer.given == [TEXTS[:2], TEXTS[:3]]
    for place, layer in enumerate((1, 2)):
        read = CachedScorer(scorer, tmp_path).read(TEXTS, (layer,), statistics=False)
        for one, other in zip(read, both, strict=True):
            assert one.states.layers == (layer,)
            np.testing.assert_array_equal(one.states.means[0], other.states.means[place])
    assert len(scorer.given) == 2


def test_a_pass_that_is_left_early_shares_the_folder(scorer, tiny_gpt2, tmp_path):
    whole = CachedScorer(scorer, tmp_path).read(TEXTS, (1, 2))
    shallow = Counting(str(tiny_gpt2), depth=0.5)
    read = CachedScorer(shallow, tmp_path).read(TEXTS, (1,), statistics=False)
    assert shallow.given == []
    for one, other in zip(read, whole, strict=True):
        np.testing.assert_array_equal(one.states.means, other.states.means[:1])


def test_states_too_large_for_half_precision_are_cut(scorer, tmp_path):
    with scorer_of_huge_states(scorer):
        (read,) = CachedScorer(scorer, tmp_path).read(["One two three."], (1,))
    assert np.isfinite(read.states.means).all()
    assert read.states.means.max() == np.finfo(np.float16).max


@contextmanager
def scorer_of_huge_states(scorer):
    block = scorer.model.base_model.h[0]
    handle = block.register_forward_hook(lambda _, __, output: output * 1e9)
    yield
    handle.remove()
