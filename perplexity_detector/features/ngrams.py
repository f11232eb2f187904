"""Two n-gram models over one vocabulary, of people's prose and of models': learn and score.

Interpolated absolute discounting (Ney, Essen and Kneser 1994):

    p(w | h) = max(c(h w) - D, 0) / c(h) + bow(h) p(w | h'),    h' = h without its oldest token

where bow(h) gives back what discounting and pruning took, so that p sums to 1. Both models keep
the same n-grams, so that one search answers for the two. An n-gram is known by a hash of its
tokens, so any vocabulary will do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

ORDER = 4
DISCOUNT = 0.75
#: Added to every count of a single token.
SMOOTHING = 0.5
#: Occurrences in one source and class that count: a topic that a source dwells on says no more.
MAX_COUNT_PER_SOURCE = 16
#: An n-gram of two tokens or more is kept if so many texts hold it, ...
MIN_TEXTS = 2
#: ... and of each order so many at most, those that most texts hold.
MAX_NGRAMS = 60_000
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_NONE = np.uint64(0)


def fit_ngrams(
    texts: Sequence[np.ndarray], labels: np.ndarray, sources: np.ndarray
) -> dict[str, np.ndarray]:
    """Both models of labelled texts.

    Args:
        texts: token ids of each text, integers of shape (tokens,).
        labels: 0 for a person's text, 1 for a model's, shape (texts,).
        sources: where each text comes from, integers of shape (texts,).

    Returns:
        Arrays for `log_probabilities`, the first row of people and the second of models: `floor`
        (2,), and for each order n `keys_n` (n-grams,) rising and `values_n` (2, n-grams); for
        n > 1 also `contexts_n` (contexts,) rising and `backoffs_n` (2, contexts).
    """
    lengths = np.array([len(text) for text in texts], np.int64)
    text_of = np.repeat(np.arange(len(texts)), lengths)
    cell_of = (labels + 2 * sources)[text_of]
    keys = _keys(texts)
    arrays: dict[str, np.ndarray] = {}
    scores = np.zeros((2, len(text_of)), np.float32)
    for order in range(1, ORDER + 1):
        there = np.flatnonzero(keys[order - 1] != _NONE)
        grams, first, gram_of = np.unique(
            keys[order - 1][there], return_index=True, return_inverse=True
        )
        counts = _capped_counts(gram_of, cell_of[there], len(grams))
        if order == 1:
            total = counts.sum(axis=1, keepdims=True) + SMOOTHING * (len(grams) + 1)
            arrays["floor"] = np.log(SMOOTHING / total[:, 0]).astype(np.float32)
            kept = np.arange(len(grams))
            probabilities = (counts + SMOOTHING) / total
        else:
            kept = _widespread(gram_of, text_of[there], len(grams))
            example = there[first]  # a token that ends each n-gram
            contexts, context_of = np.unique(keys[order - 2][example - 1], return_inverse=True)
            totals = np.stack([np.bincount(context_of, of, len(contexts)) for of in counts])
            share = np.maximum(counts - DISCOUNT, 0) / np.maximum(totals[:, context_of], DISCOUNT)
            taken = np.stack(
                [np.bincount(context_of[kept], of[kept], len(contexts)) for of in share]
            )
            backoff = np.maximum(1 - taken, 1e-6)
            below = np.exp(scores[:, example[kept]])
            probabilities = share[:, kept] + backoff[:, context_of[kept]] * below
            used = np.unique(context_of[kept])
            arrays[f"contexts_{order}"] = _short(contexts[used])
            arrays[f"backoffs_{order}"] = np.log(backoff[:, used]).astype(np.float16)
        arrays[f"keys_{order}"] = _short(grams[kept])
        arrays[f"values_{order}"] = np.log(probabilities).astype(np.float16)
        scores = _score(arrays, keys[:order])
    return arrays


def log_probabilities(arrays: Mapping[str, np.ndarray], texts: Sequence[np.ndarray]) -> np.ndarray:
    """ln p of every token by people's model and by models', float32 of shape (2, tokens).

    Args:
        arrays: what `fit_ngrams` returned.
        texts: token ids of each text; in what is returned, one text follows another.
    """
    return _score(arrays, _keys(texts))


def _score(arrays: Mapping[str, np.ndarray], keys: Sequence[np.ndarray]) -> np.ndarray:
    """The same, from the hashes of n-grams, by the orders that are given."""
    scores = np.repeat(arrays["floor"][:, None], len(keys[0]), axis=1)
    for order, ending in enumerate(keys, start=1):
        if order > 1:
            before = np.roll(keys[order - 2], 1)
            place, known = _find(arrays[f"contexts_{order}"], before, ending != _NONE)
            scores[:, known] += arrays[f"backoffs_{order}"][:, place]
        place, known = _find(arrays[f"keys_{order}"], ending, ending != _NONE)
        scores[:, known] = arrays[f"values_{order}"][:, place]
    return scores


def _find(
    sorted_keys: np.ndarray, wanted: np.ndarray, there: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Places of the keys that are found, and the indices of what was wanted there."""
    indices = np.flatnonzero(there)
    if not len(sorted_keys):
        return indices[:0], indices[:0]
    short = _short(wanted[indices])
    place = np.minimum(np.searchsorted(sorted_keys, short), len(sorted_keys) - 1)
    found = sorted_keys[place] == short
    return place[found], indices[found]


def _capped_counts(gram_of: np.ndarray, cell_of: np.ndarray, grams: int) -> np.ndarray:
    """Counts by people and by models, those of one source capped, shape (2, n-grams)."""
    cells = int(cell_of.max(initial=0)) + 1
    pairs, counts = np.unique(gram_of.astype(np.int64) * cells + cell_of, return_counts=True)
    gram, label = pairs // cells, pairs % cells % 2
    capped = np.minimum(counts, MAX_COUNT_PER_SOURCE)
    return np.stack([np.bincount(gram, capped * (label == one), grams) for one in (0, 1)])


def _widespread(gram_of: np.ndarray, text_of: np.ndarray, grams: int) -> np.ndarray:
    """The n-grams that are kept, as rising indices."""
    texts = int(text_of.max(initial=0)) + 1
    held = np.unique(gram_of.astype(np.int64) * texts + text_of) // texts
    holders = np.bincount(held, minlength=grams)
    kept = np.flatnonzero(holders >= MIN_TEXTS)
    return np.sort(kept[np.argsort(-holders[kept], kind="stable")[:MAX_NGRAMS]])


def _keys(texts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Hash of the n-gram that ends at each token, n from 1 to ORDER; 0 where it would be cut."""
    lengths = np.array([len(text) for text in texts], np.int64)
    ids = np.concatenate([*texts, np.zeros(0, np.int64)]).astype(np.uint64)
    position = np.arange(len(ids)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    keys = [_mixed(ids)]
    for order in range(2, ORDER + 1):
        longer = _mixed(np.roll(keys[-1], 1) * _GOLDEN + ids)
        keys.append(np.where(position >= order - 1, longer, _NONE))
    return keys


def _mixed(values: np.ndarray) -> np.ndarray:
    """Finaliser of splitmix64 (Steele, Lea and Flood 2014)."""
    values = values + _GOLDEN
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(values ^ (values >> np.uint64(31)))


def _short(keys: np.ndarray) -> np.ndarray:
    """Upper half of each hash: among 60,000 keys, one in 70,000 others is mistaken for one."""
    return (keys >> np.uint64(32)).astype(np.uint32)
