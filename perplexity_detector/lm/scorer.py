"""Texts -> TokenStatistics: tokenise, window, bucket by length, run, gather."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from tqdm import tqdm

from perplexity_detector.errors import InputError, LanguageModelError
from perplexity_detector.lm import cpu_threads
from perplexity_detector.lm.kernels import cuda
from perplexity_detector.lm.kernels.blocks import blocks_of
from perplexity_detector.lm.kernels.device import completion_event, resolve_device, to_device_async
from perplexity_detector.lm.kernels.precision import DTYPES, optimise_for_cpu, precision_of
from perplexity_detector.lm.outputs import ModelOutput, TokenIds
from perplexity_detector.lm.pooling import accumulate_states, capture_hidden_states
from perplexity_detector.lm.read_jobs import ReadJob, delayed
from perplexity_detector.lm.token_statistics import CHUNK_ROWS, TokenStatistics, token_statistics
from perplexity_detector.lm.weights import catalogue
from perplexity_detector.lm.windows import Window
from perplexity_detector.text import replace_surrogates

if TYPE_CHECKING:
    from tokenizers import Encoding

#: Longest window: beyond it, more context changes essays' numbers little and costs memory.
MAX_WINDOW = 1024
#: Padded tokens per batch: what keeps the processor busy without filling its memory.
BATCH_TOKENS = {"cpu": 1024, "cuda": 32768}
#: On a CPU, where little is read: so many batches for each thread, of so many tokens at least.
BATCHES_A_THREAD, LEAST_TOKENS = 4, 256


class LanguageModelScorer:
    """Reads texts with a causal language model: numbers per token, hidden states per sentence.

    Args:
        lm: `smollm2`, a pulled model of the hub, or a folder.
        revision: of a hub model.
        device: `auto` (CUDA where there is one), `cpu`, `cuda`, `cuda:1`, ...
        precision: `auto` is a fixed rule, so that one machine always gives the same numbers:
            float32 on CPUs, bfloat16 on GPUs that have it; or `float32`, `bfloat16`, `float16`,
            `float64`, or on x86 CPUs `int8`, whose products are quicker and less exact.
        batch_tokens: tokens, padding included, that are read at once.
        window: longest stretch read at once, at most what the model can.
        depth: leave every pass after this share of the model's blocks, in (0, 1]; under 1 it is
            quicker, there are hidden states up to there, and no statistics.

    Raises:
        LanguageModelError: the model is missing or cannot score text.
        InputError: an argument has no such value.
    """

    def __init__(
        self,
        lm: str = catalogue.BUILTIN,
        revision: str | None = None,
        device: str = "auto",
        precision: str = "auto",
        batch_tokens: int | None = None,
        window: int = MAX_WINDOW,
        depth: float = 1.0,
    ) -> None:
        self.device = resolve_device(device)
        self.precision = precision_of(precision, self.device)
        self.dtype = DTYPES[self.precision]
        loaded = catalogue.load(lm, revision)
        self.name = loaded.name
        self.fingerprint = loaded.fingerprint
        self.tokenizer = loaded.tokenizer
        self.bos_id = loaded.bos_id
        self.bos_candidates = loaded.bos_candidates
        self.model = loaded.model.to(self.device, self.dtype)
        if self.device.type == "cpu":
            optimise_for_cpu(self.model, self.precision)
        #: steps that are under way while earlier ones are gathered
        self._lag = 2 if self.device.type == "cuda" else cpu_threads.n_threads()
        self._fused_head = cuda.fused_head(self.model) if self.device.type == "cuda" else None
        self.window = max(2, min(window, loaded.context))
        self.batch_tokens = batch_tokens or BATCH_TOKENS.get(self.device.type, 1024)
        self._cap = getattr(self.model.config, "final_logit_softcapping", None)
        _check_causal(self)
        self.blocks: int = self.model.config.num_hidden_layers
        self.depth = self.layer_at(depth)
        if self.depth < self.blocks:
            del blocks_of(self.model)[self.depth :]
            self.model.config.num_hidden_layers = self.depth

    @property
    def identity(self) -> str:
        """What the numbers depend on: weights, first token, window and precision."""
        return f"{self.fingerprint} bos={self.bos_id} window={self.window} {self.precision}"

    def layer_at(self, share: float) -> int:
        """The block that ends this share of the whole model, from 1 on.

        Raises:
            InputError: it is not a share in (0, 1].
        """
        if not 0 < share <= 1:
            raise InputError(f"A depth is a share of the model's blocks, in (0, 1], not {share}.")
        return max(1, round(share * self.blocks))

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
        read = self.read(texts, progress=progress)
        return [reading.statistics for reading in read if reading.statistics is not None]

    def read(
        self,
        texts: Sequence[str],
        layers: Sequence[int] = (),
        statistics: bool = True,
        progress: bool = False,
    ) -> list[ModelOutput]:
        """What one pass over each text leaves: statistics, pooled hidden states, or both.

        Args:
            texts: any strings, read as they are.
            layers: after how many blocks hidden states are taken, rising; none, no states.
            statistics: whether to compute the statistics, for which the pass runs to its end.
            progress: show a bar (on a terminal only), counted in tokens.

        Returns:
            One Reading per text, in order.

        Raises:
            InputError: layers that the pass does not reach or that fall, or statistics of a pass
                that is left.
        """
        task = self.read_job(texts, layers, statistics)
        total = sum(len(one.ids) for one in task.tokens)
        with tqdm(total=total, unit=" tokens", disable=None if progress else True) as bar:
            (readings,) = self.stream([task], bar.update)
        return readings

    def read_job(
        self, texts: Sequence[str], layers: Sequence[int] = (), statistics: bool = True
    ) -> ReadJob:
        """Texts made ready for `stream`; arguments and errors as for `read`."""
        layers = tuple(layers)
        if beyond := [layer for layer in layers if not 1 <= layer <= self.depth]:
            raise InputError(
                f"{self.name} is read to block {self.depth}: it has no state after {beyond[0]}."
            )
        if list(layers) != sorted(layers):
            raise InputError(f"Layers are given from the first to the last, not {layers}.")
        if statistics and self.depth < self.blocks:
            raise InputError(
                f"A pass that is left after block {self.depth} gives no statistics; choose "
                "families that need none, or read with the whole model."
            )
        width = self.model.config.hidden_size
        return ReadJob.of(texts, self.tokens(texts), layers, width, statistics)

    def stream(
        self, tasks: Iterable[ReadJob], count: Callable[[int], object] = int
    ) -> Iterator[list[ModelOutput]]:
        """What is left of each task, in order; `count` is told of tokens read.

        A GPU, or the cores of a CPU, read on while this, and the tasks after, are seen to.
        """
        for step in delayed(self._steps(tasks), self._lag):
            if isinstance(step, ReadJob):
                yield step.readings()
            else:
                count(step())

    def _steps(self, tasks: Iterable[ReadJob]) -> Iterator[ReadJob | Callable[[], int]]:
        """What gathers each batch, once the device is at it; each task after its batches."""
        for task in tasks:
            batches = task.batches(self.window, self._batch_tokens(task))
            reads = [partial(self._read_batch, batch, task) for batch in batches]
            on_cpu = self.device.type == "cpu"
            yield from cpu_threads.run_in_parallel(reads) if on_cpu else (read() for read in reads)
            yield task

    def _batch_tokens(self, task: ReadJob) -> int:
        """How much is read at once: of little, less, so that the threads end together."""
        if self.device.type != "cpu" or (threads := cpu_threads.n_threads()) == 1:
            return self.batch_tokens
        share = sum(len(one.ids) for one in task.tokens) // (BATCHES_A_THREAD * threads)
        return min(self.batch_tokens, max(LEAST_TOKENS, share))

    def tokens(self, texts: Sequence[str]) -> list[TokenIds]:
        """Tokens of each text, which the model does not read."""
        return [
            TokenIds(
                np.asarray(one.ids, np.int64), np.asarray(one.offsets, np.int32).reshape(-1, 2)
            )
            for one in self.encode(texts)
        ]

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Token ids and offsets of each text; an unpaired surrogate is read as U+FFFD."""
        # the tokenizers library takes only what UTF-8 can hold
        readable = [replace_surrogates(text) for text in texts]
        return self.tokenizer.encode_batch(readable, add_special_tokens=False)

    @torch.inference_mode()
    def _read_batch(self, batch: list[Window], task: ReadJob) -> Callable[[], int]:
        """Have a batch read; what it gives gathers what was told, and counts its tokens."""
        ids, results, pools = [one.ids for one in task.tokens], task.results, task.pools
        # Padding stands on the right, where a causal model cannot see it: no mask is needed.
        width = max(window.end - window.start for window in batch)
        inputs = np.full((len(batch), width), self.bos_id, np.int64)
        kept = np.zeros((len(batch), width), bool)
        for row, window in enumerate(batch):
            inputs[row, 1 : window.end - window.start] = ids[window.text][
                window.start : window.end - 1
            ]
            kept[row, window.first_scored - window.start : window.end - window.start] = True
        layers = pools[0].layers if pools else ()
        with capture_hidden_states(self.model, layers) as taken:
            hidden = self.hidden_states(to_device_async(inputs, self.device))
        add: Callable[[], None] | None = None
        if pools:
            # the first position has read BOS alone: its huge, constant state would tell lengths
            kept_states = kept.copy()
            kept_states[:, 0] = False
            rows, columns = np.nonzero(kept_states)
            read = [np.arange(max(w.first_scored, 1) - 1, w.end - 1) for w in batch]
            add = accumulate_states([pools[w.text] for w in batch], read, rows, columns, taken)
        told: list[torch.Tensor] = []
        if results:
            targets = np.concatenate([ids[w.text][w.first_scored : w.end] for w in batch])
            # places, not a mask, whose size a GPU would be asked for
            places = tuple(to_device_async(index, self.device) for index in np.nonzero(kept))
            statistics = self.statistics(hidden[places], to_device_async(targets, self.device))
            told = [one.to("cpu", non_blocking=True) for one in statistics]
        done = completion_event(self.device)

        def gather() -> int:
            done()
            if add is not None:
                add()
            sizes = [window.end - window.first_scored for window in batch]
            if told:
                parts = zip(*(one.split(sizes) for one in told), strict=True)
                for window, part in zip(batch, parts, strict=True):
                    results[window.text].fill(window.first_scored, part)
            return sum(sizes)

        return gather

    def statistics(self, hidden: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Surprisal, rank, entropy, variance of targets (n,) from hidden states (n, width)."""
        if self._fused_head is not None:
            return self._fused_head(hidden, targets)
        rows = cuda.CHUNK_ROWS if self.device.type == "cuda" else CHUNK_ROWS
        return token_statistics(hidden, targets, self.head, rows)

    def hidden_states(self, inputs: torch.Tensor) -> torch.Tensor:
        """Last hidden states, (batch, length, width), of token ids (batch, length)."""
        states: torch.Tensor = self.model.base_model(inputs, use_cache=False).last_hidden_state
        return states

    def head(self, hidden: torch.Tensor) -> torch.Tensor:
        """Logits (rows, vocabulary) of hidden states (rows, width)."""
        logits: torch.Tensor = self.model.get_output_embeddings()(hidden)
        return logits if self._cap is None else self._cap * torch.tanh(logits / self._cap)


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
            f"{scorer.name} gives numbers that are not finite in {scorer.precision}; "
            "use another --precision, or its weights are damaged."
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
