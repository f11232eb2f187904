"""Batches read in parallel give the same results, and torch's number of threads is kept."""

import multiprocessing
import sys
import threading

import numpy as np
import pytest
import torch

from perplexity_detector.lm import cpu_threads
from perplexity_detector.lm.bos import PASSAGES
from perplexity_detector.lm.cpu_threads import run_in_order, run_in_parallel
from perplexity_detector.lm.scorer import LanguageModelScorer

TEXTS = [*PASSAGES, "", "a", "One two three.", PASSAGES[0][:90]] * 3


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def scorer(tiny_llama):
    return LanguageModelScorer(str(tiny_llama), device="cpu", batch_tokens=64)


def close(some, others):
    for one, other in zip(some, others, strict=True):
        for name in ("surprisal", "rank", "entropy", "variance"):
            ours, theirs = (getattr(each.statistics, name) for each in (one, other))
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(one.states.means, other.states.means, rtol=1e-4, atol=1e-4)


def test_parallel_and_one_by_one_give_the_same(two_threads, scorer):
    parallel = scorer.read(TEXTS, layers=[1, 2])
    torch.set_num_threads(1)
    close(parallel, scorer.read(TEXTS, layers=[1, 2]))


def test_each_call_has_a_thread_with_one_core_and_others_keep_theirs(two_threads):
    together = threading.Barrier(2, timeout=30)

    def call():
        together.wait()  # two are under way at once
        return threading.current_thread(), torch.get_num_threads()

    results = [future.result() for future in [*run_in_parallel([call] * 4)]]
    assert {cores for _, cores in results} == {1}
    assert len({thread for thread, _ in results}) == 2
    later = []
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert [torch.get_num_threads(), *later] == [2, 2]


def test_many_cores_are_shared_among_few_threads(two_threads, monkeypatch):
    torch.set_num_threads(6)
    monkeypatch.setattr(cpu_threads, "MAX_THREADS", 3)
    cores = [future.result() for future in [*run_in_parallel([torch.get_num_threads] * 4)]]
    assert cores == [2, 2, 2, 6]  # the last call has all cores
    assert torch.get_num_threads() == 6


def test_fewer_calls_than_threads_run_in_this_thread(two_threads):
    (future,) = run_in_parallel([threading.get_ident])
    assert future.result() == threading.get_ident()


def test_an_error_is_raised_by_the_future_of_its_call(two_threads):
    def broken():
        raise ValueError("no more")

    first, second = run_in_parallel([lambda: 1, broken])
    assert first.result() == 1
    with pytest.raises(ValueError, match="no more"):
        second.result()


def test_calls_in_order_start_when_they_are_asked_for():
    started = []
    futures = run_in_order([lambda: started.append(1), lambda: started.append(2)])
    assert next(futures).done()
    assert started == [1]


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux")
def test_a_forked_process_has_threads_of_its_own(two_threads, scorer):
    expected = scorer.score(TEXTS)
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    child = context.Process(
        target=lambda: results.put([one.surprisal for one in scorer.score(TEXTS)])
    )
    child.start()
    for ours, theirs in zip(results.get(timeout=60), expected, strict=True):
        np.testing.assert_allclose(ours, theirs.surprisal, rtol=1e-4, atol=1e-4)
    child.join()
