"""Windows keep each token once; batches hold each window once, within their room."""

from hypothesis import given
from hypothesis import strategies as st

from perplexity_detector.lm.windows import Window, batches_of, windows_of


def test_windows_of_a_known_text():
    assert list(windows_of(7, 10, 4)) == [
        Window(text=7, start=0, first_scored=0, end=4),
        Window(text=7, start=2, first_scored=4, end=6),
        Window(text=7, start=4, first_scored=6, end=8),
        Window(text=7, start=6, first_scored=8, end=10),
    ]
    assert list(windows_of(0, 0, 4)) == []
    assert list(windows_of(0, 4, 4)) == [Window(0, 0, 0, 4)]
    assert list(windows_of(0, 6, 5)) == [Window(0, 0, 0, 5), Window(0, 2, 5, 6)]


@given(st.integers(0, 500), st.integers(2, 70))
def test_each_token_is_kept_once_with_half_a_window_before_it(length, window):
    windows = list(windows_of(0, length, window))
    assert [t for w in windows for t in range(w.first_scored, w.end)] == list(range(length))
    for w in windows:
        assert w.end - w.start <= window
        assert w.start == 0 or w.first_scored - w.start >= window / 2


@given(st.lists(st.integers(1, 50), max_size=40), st.integers(1, 200))
def test_batches(lengths, batch_tokens):
    windows = [Window(text, 0, 0, length) for text, length in enumerate(lengths)]
    batches = list(batches_of(windows, batch_tokens))
    assert sorted(window for batch in batches for window in batch) == windows
    for batch in batches:
        padded = len(batch) * max(window.end for window in batch)
        assert padded <= batch_tokens or len(batch) == 1
