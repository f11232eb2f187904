"""Four statistics per token against their formulas in float64."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from perplexity_detector.lm import token_statistics as module
from perplexity_detector.lm.token_statistics import CHUNK_ROWS, TokenStatistics, token_statistics


def by_the_formulas(logits, targets):
    """Surprisal, rank, entropy and variance, one row at a time, term by term."""
    rows = []
    for row, target in zip(np.asarray(logits, np.float64), targets, strict=True):
        top = max(row)
        log_total = top + math.log(math.fsum(math.exp(value - top) for value in row))
        log_p = [value - log_total for value in row]
        p = [math.exp(value) for value in log_p]
        entropy = -math.fsum(a * b for a, b in zip(p, log_p, strict=True))
        variance = math.fsum(a * (b + entropy) ** 2 for a, b in zip(p, log_p, strict=True))
        rank = 1 + sum(value > row[target] for value in row)
        rows.append((-log_p[target], rank, entropy, variance))
    return np.array(rows).reshape(-1, 4).T


def computed(logits, targets, **options):
    columns = token_statistics(
        torch.from_numpy(logits), torch.as_tensor(targets), torch.clone, **options
    )
    return [column.numpy() for column in columns]


@st.composite
def logits_and_targets(draw, dtype):
    shape = (draw(st.integers(1, 5)), draw(st.integers(1, 40)))
    values = st.one_of(
        st.floats(-30, 30, width=32),
        st.sampled_from([-1e4, -1.0, 0.0, 1.0, 1e4]),  # ties, and exponentials that vanish
    )
    logits = draw(arrays(dtype, shape, elements=values))
    targets = draw(arrays(np.int64, shape[0], elements=st.integers(0, shape[1] - 1)))
    return logits, targets


@settings(deadline=None)
@given(logits_and_targets(np.float32))
def test_single_precision_is_near_the_formulas(case):
    for ours, theirs in zip(computed(*case), by_the_formulas(*case), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-4)


@settings(deadline=None)
@given(logits_and_targets(np.float64))
def test_double_precision_stays_double(case):
    for ours, theirs in zip(computed(*case), by_the_formulas(*case), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-8)


def test_a_case_worked_by_hand():
    # p = 1/2, 1/4, 1/8, 1/8: H = 7/4 ln 2, E (ln p)^2 = 15/4 (ln 2)^2
    logits = np.log(np.array([[4, 2, 1, 1]] * 4, np.float32))
    surprisal, rank, entropy, variance = computed(logits, [0, 1, 2, 3])
    np.testing.assert_allclose(surprisal / math.log(2), [1, 2, 3, 3], rtol=1e-6)
    assert rank.tolist() == [1, 2, 3, 3]  # ties are equally likely
    np.testing.assert_allclose(entropy, 1.75 * math.log(2), rtol=1e-6)
    np.testing.assert_allclose(variance, (3.75 - 1.75**2) * math.log(2) ** 2, rtol=1e-5)


def test_even_and_certain_predictions():
    even, certain = np.zeros((1, 8), np.float32), np.zeros((1, 8), np.float32)
    certain[0, 3] = 1e4
    surprisal, rank, entropy, variance = computed(np.concatenate([even, certain]), [5, 3])
    np.testing.assert_allclose(surprisal, [math.log(8), 0], atol=1e-6)
    assert rank.tolist() == [1, 1]
    np.testing.assert_allclose(entropy, [math.log(8), 0], atol=1e-6)
    np.testing.assert_allclose(variance, [0, 0], atol=1e-6)


def test_words_a_model_rules_out_leave_finite_numbers():
    lowest = np.finfo(np.float32).min
    logits = np.array([[1.0, lowest, 2.0, lowest]], np.float32)
    surprisal, rank, entropy, variance = (column[0] for column in computed(logits, [2]))
    p = 1 / (1 + math.exp(-1))
    assert surprisal == pytest.approx(-math.log(p), rel=1e-6)
    assert rank == 1
    assert entropy == pytest.approx(-p * math.log(p) - (1 - p) * math.log(1 - p), rel=1e-6)
    assert variance == pytest.approx(p * (1 - p), rel=1e-5)  # (ln p - ln q)^2 = 1


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_widened_first(dtype):
    generator = torch.Generator().manual_seed(0)
    logits = (4 * torch.randn(6, 5000, generator=generator)).to(dtype)
    targets = torch.arange(6)
    surprisal, rank, entropy, variance = token_statistics(logits, targets, torch.clone)
    assert surprisal.dtype == entropy.dtype == variance.dtype == torch.float32
    expected = by_the_formulas(logits.double().numpy(), targets.tolist())
    for ours, theirs in zip((surprisal, rank, entropy, variance), expected, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-4, atol=1e-4)


def test_the_head_sees_a_chunk_at_a_time_and_the_numbers_do_not_show_it():
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(150, 8, generator=generator)
    weight = torch.randn(8, 100, generator=generator)
    targets = torch.arange(150) % 100
    rows = []

    def head(states):
        rows.append(len(states))
        return states @ weight

    before = hidden.clone()
    whole = token_statistics(hidden, targets, head, chunk_rows=1000)
    chunked = token_statistics(hidden, targets, head)
    assert rows == [150, CHUNK_ROWS, CHUNK_ROWS, 150 - 2 * CHUNK_ROWS]
    for one, other in zip(whole, chunked, strict=True):
        torch.testing.assert_close(one, other)
    assert torch.equal(hidden, before)


@pytest.mark.parametrize("rows", [1, 3, CHUNK_ROWS])
def test_rows_computed_at_once_change_no_bit(rows, monkeypatch):
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 5, (CHUNK_ROWS + 9, 1000)).astype(np.float32)
    targets = generator.integers(1000, size=len(logits))
    expected = computed(logits, targets)
    monkeypatch.setattr(module, "STATISTICS_ROWS", rows)
    for found, column in zip(computed(logits, targets), expected, strict=True):
        np.testing.assert_array_equal(found, column)


def test_no_tokens():
    columns = token_statistics(torch.zeros(0, 8), torch.zeros(0, dtype=torch.int64), torch.clone)
    assert [len(column) for column in columns] == [0, 0, 0, 0]
    assert len(TokenStatistics.empty()) == 0
    assert TokenStatistics.empty().offsets.shape == (0, 2)
