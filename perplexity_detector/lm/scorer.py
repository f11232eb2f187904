"""Texts -> TokenStatistics: tokenise, window, bucket by length, run, gather."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from tqdm import tqdm

from perplexity_detector.errors import InputError, LanguageModelError
from perplexity_detector.lm import catalogue
from perplexity_detector.lm.packed_linear import pack_linear_layers
from perplexity_detector.lm.statistics import TokenStatistics, token_statistics

if TYPE_CHECKING:
    from tokenizers import Encoding

#: Longest window: beyond it, more context changes essays' numbers little and costs memory.
MAX_WINDOW = 1024
#: Padded tokens per batch: what keeps the processor busy without filling its memory.
BATCH_TOKENS = {"cpu": 1024, "cuda": 32768}
_DTYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "float64": torch.float64,
}
_SURROGATE = re.compile("[\ud800-\udfff]")


class Window(NamedTuple):
    """A stretch of a text to be read at once.

    The model reads BOS and tokens start..end-2, and predicts start..end-1, of which those from
    `keep` on are kept.
    """

    text: int
    start: int
    keep: int
    end: int


class LanguageModelScorer:
    """Reads texts with a causal language model and keeps four numbers per token.

    Args:
        lm: `smollm2`, a pulled model of the hub, or a folder.
        revision: of a hub model.
        device: `auto` (CUDA where there is one), `cpu`, `cuda`, `cuda:1`, ...
        dtype: `auto` is a fixed rule, so that one machine always gives the same numbers: float32
            on CPUs, bfloat16 on GPUs that have it; or `float32`, `bfloat16`, `float16`,
            `float64`.
        batch_tokens: tokens, padding included, that are read at once.
        window: longest stretch read at once, at most what the model can.

    Raises:
        LanguageModelError: the model is missing or cannot score text.
        InputError: an argument has no such value.
    """

    def __init__(
        self,
        lm: str = catalogue.BUILTIN,
        revision: str | None = None,
        device: str = "auto",
        dtype: str = "auto",
        batch_tokens: int | None = None,
        window: int = MAX_WINDOW,
    ) -> None:
        self.device = _device(device)
        self.dtype = _dtype(dtype, self.device)
        loaded = catalogue.load(lm, revision)
        self.name = loaded.name
        self.fingerprint = loaded.fingerprint
        self.tokenizer = loaded.tokenizer
        self.bos_id = loaded.bos_id
        self.bos_candidates = loaded.bos_candidates
        self.model = loaded.model.to(self.device, self.dtype)
        if self.device.type == "cpu":
            pack_linear_layers(self.model)
        self.window = max(2, min(window, loaded.context))
        self.batch_tokens = batch_tokens or BATCH_TOKENS.get(self.device.type, 1024)
        self._cap = getattr(self.model.config, "final_logit_softcapping", None)
        _check_causal(self)

    @property
    def identity(self) -> str:
        """What the numbers depend on: weights, first token, window and precision."""
        precision = str(self.dtype).removeprefix("torch.")
        return f"{self.fingerprint} bos={self.bos_id} window={self.window} {precision}"

    def score(self, texts: Sequence[str], progress: bool = False) -> list[TokenStatistics]:
        """Statistics of every token of every text.

        The first token is predicted from BOS. A text longer than the window is read in windows
        that overlap by half, so that each token is scored once, with at least half a window
        before it. Special tokens that a text spells out are plain text.

        Args:
            texts: any strings, read as they are; an empty one has no tokens.
            progress: show a bar (on a terminal only), counted in tokens.

        Returns:
            One TokenStatistics per text, in order; `offsets` count characters of the text.
        """
        encodings = self.encode(texts)
        ids = [np.asarray(encoding.ids, np.int64) for encoding in encodings]
        results = [
            TokenStatistics(
                np.zeros(len(tokens), np.float32),
                np.zeros(len(tokens), np.int32),
                np.zeros(len(tokens), np.float32),
                np.zeros(len(tokens), np.float32),
                np.asarray(encoding.offsets, np.int32).reshape(-1, 2),
            )
            for tokens, encoding in zip(ids, encodings, strict=True)
        ]
        del encodings
        windows = [
            w for i, tokens in enumerate(ids) for w in windows_of(i, len(tokens), self.window)
        ]
        total = sum(map(len, ids))
        with tqdm(total=total, unit=" tokens", disable=None if progress else True) as bar:
            for batch in batches_of(windows, self.batch_tokens):
                self._score_batch(batch, ids, results)
                bar.update(sum(window.end - window.keep for window in batch))
        return results

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Token ids and offsets of each text; an unpaired surrogate is read as U+FFFD."""
        # the tokenizers library takes only what UTF-8 can hold
        readable = [_SURROGATE.sub("\ufffd", text) for text in texts]
        return self.tokenizer.encode_batch(readable, add_special_tokens=False)

    @torch.inference_mode()
    def _score_batch(
        self, batch: list[Window], ids: list[np.ndarray], results: list[TokenStatistics]
    ) -> None:
        # Padding stands on the right, where a causal model cannot see it: no mask is needed.
        width = max(window.end - window.start for window in batch)
        inputs = np.full((len(batch), width), self.bos_id, np.int64)
        kept = np.zeros((len(batch), width), bool)
        for row, window in enumerate(batch):
            inputs[row, 1 : window.end - window.start] = ids[window.text][
                window.start : window.end - 1
            ]
            kept[row, window.keep - window.start : window.end - window.start] = True
        targets = np.concatenate([ids[w.text][w.keep : w.end] for w in batch])
        hidden = self.hidden_states(torch.from_numpy(inputs).to(self.device))
        statistics = token_statistics(
            hidden[torch.from_numpy(kept).to(self.device)],
            torch.from_numpy(targets).to(self.device),
            self.head,
        )
        columns = [column.cpu().numpy() for column in statistics]
        first = 0
        for window in batch:
            last = first + window.end - window.keep
            text, place = results[window.text], slice(window.keep, window.end)
            for into, column in zip(
                (text.surprisal, text.rank, text.entropy, text.variance), columns, strict=True
            ):
                into[place] = column[first:last]
            first = last

    def hidden_states(self, inputs: torch.Tensor) -> torch.Tensor:
        """Last hidden states, (batch, length, width), of token ids (batch, length)."""
        states: torch.Tensor = self.model.base_model(inputs, use_cache=False).last_hidden_state
        return states

    def head(self, hidden: torch.Tensor) -> torch.Tensor:
        """Logits (rows, vocabulary) of hidden states (rows, width)."""
        logits: torch.Tensor = self.model.get_output_embeddings()(hidden)
        return logits if self._cap is None else self._cap * torch.tanh(logits / self._cap)


def windows_of(text: int, length: int, window: int) -> Iterator[Window]:
    """Windows of at most `window` tokens that keep each of `length` tokens exactly once.

    Every window but the first starts half a window before the tokens it keeps.
    """
    keep = 0
    while keep < length:
        start = max(0, keep - (window + 1) // 2)
        end = min(length, start + window)
        yield Window(text, start, keep, end)
        keep = end


def batches_of(windows: list[Window], batch_tokens: int) -> Iterator[list[Window]]:
    """Windows of like length together, `batch_tokens` padded tokens at a time, longest first."""
    batch: list[Window] = []
    width = 0
    for window in sorted(windows, key=lambda w: w.start - w.end):
        width = width or window.end - window.start
        if batch and (len(batch) + 1) * width > batch_tokens:
            yield batch
            batch, width = [], window.end - window.start
        batch.append(window)
    if batch:
        yield batch


def _device(device: str) -> torch.device:
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.zeros(1, device=chosen).item()
    except (RuntimeError, AssertionError, TypeError) as error:
        raise InputError(
            f"This machine has no device {device!r}; use --device=auto, cpu or cuda."
        ) from error
    return chosen


def _dtype(dtype: str, device: torch.device) -> torch.dtype:
    if dtype == "auto":
        bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported()
        return torch.bfloat16 if bf16 else torch.float32
    if dtype not in _DTYPES:
        raise InputError(f"There is no dtype {dtype!r}; use auto, {', '.join(_DTYPES)}.")
    return _DTYPES[dtype]


@torch.inference_mode()
def _check_causal(scorer: LanguageModelScorer) -> None:
    """Refuse a model that sees the token it predicts, or whose logits are not head(hidden)."""
    vocabulary = scorer.model.config.vocab_size
    ids = (torch.arange(1, 9) * 7919 % vocabulary).to(scorer.device)
    other = torch.cat([ids[:-1], (ids[-1:] + 1) % vocabulary])
    inputs = torch.stack([ids, other])
    logits = scorer.model(inputs).logits.float()
    ours = scorer.head(scorer.hidden_states(inputs).flatten(0, 1)).float().view_as(logits)
    if not logits.isfinite().all():
        raise LanguageModelError(
            f"{scorer.name} gives numbers that are not finite in {scorer.dtype}; "
            "use another --dtype, or its weights are damaged."
        )
    atol = 0.05 * float(logits.abs().max())
    if not torch.allclose(logits[0, :-1], logits[1, :-1], rtol=0, atol=atol):
        raise LanguageModelError(
            f"{scorer.name} sees the words it should predict: it is not a causal language model."
        )
    if not torch.allclose(ours, logits, rtol=0, atol=atol):
        raise LanguageModelError(
            f"{scorer.name} changes its logits after the head in a way that is not supported."
        )
