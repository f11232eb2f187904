"""N-gram language models of human and of generated text over one vocabulary.

Interpolated absolute discounting (Ney, Essen and Kneser 1994):

    p(w | h) = max(c(h w) - D, 0) / c(h) + bow(h) p(w | h'),    h' = h without its oldest token

where the backoff weight bow(h) returns the mass that discounting and pruning removed, so that p
sums to 1. Both models keep the same n-grams, so one search serves both. An n-gram is identified
by a hash of its tokens, which works with any vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

ORDER = 4
DISCOUNT = 0.75
#: Added to every count of a single token.
SMOOTHING = 0.5
#: Occurrences of an n-gram that count per source and class, which limits a source's own topics.
MAX_COUNT_PER_SOURCE = 16
#: Texts that must contain an n-gram of two or more tokens for it to be kept.
MIN_TEXTS = 2
#: N-grams kept of each order, those that occur in most texts.
MAX_NGRAMS = 60_000
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_NONE = np.uint64(0)


def fit_ngrams(
    texts: Sequence[np.ndarray], labels: np.ndarray, sources: np.ndarray
) -> dict[str, np.ndarray]:
    """Fit both models to labelled texts.

    Args:
        texts: token ids of each text, integers of shape (tokens,).
        labels: 0 for human and 1 for generated, shape (texts,).
        sources: where each text comes from, integers of shape (texts,).

    Returns:
        Arrays for `log_probabilities`, with the human model in the first row and the generated
        one in the second: `floor` (2,), and for each order n `keys_n` (n-grams,) ascending and
        `values_n` (2, n-grams); for n > 1 also `contexts_n` (contexts,) ascending and
        `backoffs_n` (2, contexts).
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
            totals = np.stack([np.bincount(context_of, row, len(contexts)) for row in counts])
            share = np.maximum(counts - DISCOUNT, 0) / np.maximum(totals[:, context_of], DISCOUNT)
            taken = np.stack(
                [np.bincount(context_of[kept], row[kept], len(contexts)) for row in share]
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
    """ln p of every token by the human and the generated model, float32 of shape (2, tokens).

    Args:
        arrays: what `fit_ngrams` returned.
        texts: token ids of each text; the result concatenates their tokens.
    """
    return _score(arrays, _keys(texts))


def _score(arrays: Mapping[str, np.ndarray], keys: Sequence[np.ndarray]) -> np.ndarray:
    """`log_probabilities` from hashes of n-grams, with as many orders as there are keys."""
    scores = np.repeat(arrays["floor"][:, None], len(keys[0]), axis=1)
    for order, ending in enumerate(keys, start=1):
        if order > 1:
            before = np.roll(keys[order - 2], 1)
            position, known = _find(arrays[f"contexts_{order}"], before, ending != _NONE)
            scores[:, known] += arrays[f"backoffs_{order}"][:, position]
        position, known = _find(arrays[f"keys_{order}"], ending, ending != _NONE)
        scores[:, known] = arrays[f"values_{order}"][:, position]
    return scores


def _find(
    sorted_keys: np.ndarray, wanted: np.ndarray, there: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Positions in `sorted_keys` of the wanted keys that are there, and their indices."""
    indices = np.flatnonzero(there)
    if not len(sorted_keys):
        return indices[:0], indices[:0]
    short = _short(wanted[indices])
    position = np.minimum(np.searchsorted(sorted_keys, short), len(sorted_keys) - 1)
    found = sorted_keys[position] == short
    return position[found], indices[found]


def _capped_counts(gram_of: np.ndarray, cell_of: np.ndarray, grams: int) -> np.ndarray:
    """Counts in human and in generated texts, capped per source, shape (2, n-grams)."""
    cells = int(cell_of.max(initial=0)) + 1
    pairs, counts = np.unique(gram_of.astype(np.int64) * cells + cell_of, return_counts=True)
    gram, label = pairs // cells, pairs % cells % 2
    capped = np.minimum(counts, MAX_COUNT_PER_SOURCE)
    return np.stack([np.bincount(gram, np.where(label == one, capped, 0), grams) for one in (0, 1)])


def _widespread(gram_of: np.ndarray, text_of: np.ndarray, grams: int) -> np.ndarray:
    """Ascending indices of the n-grams that are kept."""
    texts = int(text_of.max(initial=0)) + 1
    # sorting is far quicker here than the hash table of np.unique
    pairs = np.sort(gram_of.astype(np.int64) * texts + text_of)
    is_first = np.diff(pairs, prepend=-1) > 0
    n_texts = np.bincount(pairs[is_first] // texts, minlength=grams)
    kept = np.flatnonzero(n_texts >= MIN_TEXTS)
    return np.sort(kept[np.argsort(-n_texts[kept], kind="stable")[:MAX_NGRAMS]])


def _keys(texts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Hash of the n-gram that ends at each token, n from 1 to ORDER; 0 before the n-th token."""
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
    """Upper half of each hash; with 60,000 keys, one in 70,000 other n-grams collides."""
    return (keys >> np.uint64(32)).astype(np.uint32)
