"""Texts -> TokenStatistics: tokenise, cut into windows, batch by length, run, collect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from tqdm import tqdm

from perplexity_detector.errors import InputError, LanguageModelError
from perplexity_detector.lm import cpu_threads
from perplexity_detector.lm.kernels import cuda
from perplexity_detector.lm.kernels.blocks import blocks_at, blocks_of
from perplexity_detector.lm.kernels.device import completion_event, resolve_device, to_device_async
from perplexity_detector.lm.kernels.precision import (
    DTYPES,
    faster_linear,
    optimise_for_cpu,
    precision_of,
)
from perplexity_detector.lm.llama import Llama
from perplexity_detector.lm.outputs import ModelOutput, TokenIds
from perplexity_detector.lm.pooling import (
    SentenceSums,
    accumulate_states,
    capture_hidden_states,
)
from perplexity_detector.lm.read_jobs import BatchInFlight, ReadJob, delayed
from perplexity_detector.lm.reading_options import ReadingOptions
from perplexity_detector.lm.shared_weights import remove_layer
from perplexity_detector.lm.token_statistics import CHUNK_ROWS, TokenStatistics, token_statistics
from perplexity_detector.lm.weights import catalogue
from perplexity_detector.lm.weights.fingerprint import is_known
from perplexity_detector.lm.windows import Window
from perplexity_detector.text import replace_surrogates

if TYPE_CHECKING:
    from typing import Self

    from tokenizers import Encoding

#: Longest window; more context changes the statistics of essays little and costs memory.
MAX_WINDOW = 1024
#: Padded tokens per batch: enough to keep the device busy without filling its memory.
BATCH_TOKENS = {"cpu": 1024, "cuda": 32768}
#: Precisions whose results are others than they were, and what an identity calls them: raised when
#: they change again, so that what earlier versions have cached is not read.
REVISIONS = {"int8": "int8-2"}
#: A small job on a CPU is cut into this many batches per thread, ...
BATCHES_PER_THREAD = 4
#: ... each of at least this many tokens.
MIN_BATCH_TOKENS = 256


class LanguageModelScorer:
    """Reads texts with a causal language model: statistics per token, states per sentence.

    Args:
        lm: `smollm2`, a pulled model of the hub, or a folder.
        revision: of a hub model.
        device: `auto` (CUDA where there is one), `cpu`, `cuda`, `cuda:1`, ...
        precision: `float32`, `bfloat16`, `float16`, `float64`, or on x86 CPUs `int8`, which is
            faster and less exact. If not given, float32 on CPUs and bfloat16 on GPUs that support
            it; `auto` is the same here, where there are no verdicts to compare.
        batch_tokens: tokens per batch, padding included.
        window: most tokens read at once, limited by the model's context.
        depth: stop every pass after this share of the model's blocks, in (0, 1]. Below 1 a pass
            is faster, gives hidden states of these blocks only, and no statistics.
        shared: one that differs in `depth` alone; its layers are taken instead of being loaded
            again, where the model is a `Llama` and its files have not changed meanwhile.

    Raises:
        LanguageModelError: the model is missing or cannot score text.
        InputError: an argument has a value that cannot be used.
    """

    def __init__(
        self,
        lm: str = catalogue.BUILTIN,
        revision: str | None = None,
        device: str = "auto",
        precision: str | None = None,
        batch_tokens: int | None = None,
        window: int = MAX_WINDOW,
        depth: float = 1.0,
        shared: LanguageModelScorer | None = None,
    ) -> None:
        self.device = resolve_device(device)
        self.precision = precision_of(precision, self.device)
        self.dtype = DTYPES[self.precision]
        on_cpu = self.device.type == "cpu"
        faster = partial(faster_linear, precision=self.precision) if on_cpu else None
        load = partial(catalogue.load, lm, revision, replacement=faster, depth=depth)
        ready = getattr(shared, "model", None)
        loaded = load(shared=ready if isinstance(ready, Llama) else None)
        if shared is not None and loaded.fingerprints[0] != shared.fingerprint:
            loaded = load()  # the files have changed
        self.name = loaded.name
        self.fingerprints = loaded.fingerprints
        self.tokenizer = loaded.tokenizer
        self.bos_id = loaded.bos_id
        self.bos_candidates = loaded.bos_candidates
        self.model = loaded.model.to(self.device, self.dtype)
        if on_cpu:
            optimise_for_cpu(self.model, self.precision)
        #: batches in flight while an earlier one is collected
        self._lag = 2 if self.device.type == "cuda" else cpu_threads.n_threads()
        self._fused_head = cuda.fused_head(self.model) if self.device.type == "cuda" else None
        self.window = max(2, min(window, loaded.context))
        self.batch_tokens = batch_tokens or BATCH_TOKENS.get(self.device.type, 1024)
        self._logit_cap = getattr(self.model.config, "final_logit_softcapping", None)
        _check_causal(self)
        self.blocks = loaded.blocks
        self.depth = self.layer_at(depth)
        if self.depth < self.model.config.num_hidden_layers:
            del blocks_of(self.model)[self.depth :]
            self.model.config.num_hidden_layers = self.depth
            remove_layer(self.model, self.model.get_output_embeddings())

    @classmethod
    def from_options(cls, options: ReadingOptions, **further: Any) -> Self:
        """A scorer with these options, and further arguments of the class; it does not cache."""
        chosen = asdict(options)
        del chosen["cache"]  # is for CachedScorer, around this one
        return cls(**chosen, **further)

    @property
    def fingerprint(self) -> str:
        """The present fingerprint of the language model."""
        return self.fingerprints[0]

    @property
    def identity(self) -> str:
        """Everything the statistics depend on: model, BOS token, window and precision."""
        # so that what earlier versions have cached of the builtin model stays in use
        known = self.fingerprints[-1] if is_known(self.fingerprints) else self.fingerprint
        products = REVISIONS.get(self.precision, self.precision)
        return f"{known} bos={self.bos_id} window={self.window} {products}"

    def layer_at(self, share: float) -> int:
        """Number of blocks, at least 1, that make up this share of the whole model.

        Raises:
            InputError: `share` is not in (0, 1].
        """
        return blocks_at(share, self.blocks)

    def score(self, texts: Sequence[str], progress: bool = False) -> list[TokenStatistics]:
        """Statistics of every token of every text.

        The first token is predicted from BOS. A text longer than the window is read in windows
        that overlap by half, so that each token is scored once, with at least half a window
        of context. Special tokens that are spelled out in a text are plain text.

        Args:
            texts: any strings, read as they are; an empty one has no tokens.
            progress: show a bar (on a terminal only) that counts tokens.

        Returns:
            One TokenStatistics per text, in order; `offsets` count characters of the text.
        """
        outputs = self.read(texts, progress=progress)
        return [one.statistics for one in outputs if one.statistics is not None]

    def read(
        self,
        texts: Sequence[str],
        layers: Sequence[int] = (),
        statistics: bool = True,
        progress: bool = False,
    ) -> list[ModelOutput]:
        """Statistics, pooled hidden states, or both, from one pass over each text.

        Args:
            texts: any strings, read as they are.
            layers: numbers of blocks after which hidden states are taken, increasing; no states
                if empty.
            statistics: whether to compute the statistics, which need all blocks.
            progress: show a bar (on a terminal only) that counts tokens.

        Returns:
            One ModelOutput per text, in order.

        Raises:
            InputError: layers decrease or lie beyond `depth`, or statistics are requested of a
                pass that stops early.
        """
        job = self.read_job(texts, layers, statistics)
        total = sum(len(one.ids) for one in job.tokens)
        with tqdm(total=total, unit=" tokens", disable=None if progress else True) as bar:
            (outputs,) = self.stream([job], bar.update)
        return outputs

    def read_job(
        self, texts: Sequence[str], layers: Sequence[int] = (), statistics: bool = True
    ) -> ReadJob:
        """Prepare texts for `stream`; arguments and errors as for `read`."""
        layers = tuple(layers)
        if beyond := [layer for layer in layers if not 1 <= layer <= self.depth]:
            raise InputError(
                f"{self.name} is read to block {self.depth}: it has no state after {beyond[0]}.",
                "layers",
            )
        if list(layers) != sorted(layers):
            raise InputError(f"Layers must increase, and {layers} do not.", "layers")
        if statistics and self.depth < self.blocks:
            raise InputError(
                f"A pass that stops after block {self.depth} gives no statistics",
                "depth",
                "choose families that need none, or read the whole model with {depth}=1",
            )
        width = self.model.config.hidden_size
        return ReadJob.from_texts(texts, self.tokens(texts), layers, width, statistics)

    def stream(
        self, jobs: Iterable[ReadJob], on_tokens: Callable[[int], object] | None = None
    ) -> Iterator[list[ModelOutput]]:
        """Read jobs one after another.

        Later batches and jobs are read, by a GPU or by the threads of a CPU, while the results
        of an earlier batch are collected.

        Args:
            jobs: as `read_job` makes them.
            on_tokens: called with the number of tokens of each batch that was collected.

        Yields:
            The outputs of each job, in order.
        """
        for job, batch in delayed(self._start_batches(jobs), self._lag):
            if batch is None:
                yield job.outputs()
                continue
            tokens = batch.result().collect()
            if on_tokens is not None:
                on_tokens(tokens)

    def _start_batches(
        self, jobs: Iterable[ReadJob]
    ) -> Iterator[tuple[ReadJob, Future[BatchInFlight] | None]]:
        """Start each batch when it is asked for; None follows the last batch of a job."""
        on_cpu = self.device.type == "cpu"
        run = cpu_threads.run_in_parallel if on_cpu else cpu_threads.run_in_order
        for job in jobs:
            batches = job.batches(self.window, self._batch_tokens(job))
            for batch in run([partial(self._read_batch, windows, job) for windows in batches]):
                yield job, batch
            yield job, None

    def _batch_tokens(self, job: ReadJob) -> int:
        """Tokens per batch: fewer if the job is small, so that CPU threads finish together."""
        if self.device.type != "cpu" or (threads := cpu_threads.n_threads()) == 1:
            return self.batch_tokens
        tokens = sum(len(one.ids) for one in job.tokens) // (BATCHES_PER_THREAD * threads)
        return min(self.batch_tokens, max(MIN_BATCH_TOKENS, tokens))

    def tokens(self, texts: Sequence[str]) -> list[TokenIds]:
        """Tokens of each text, without reading them with the model."""
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
    def _read_batch(self, windows: list[Window], job: ReadJob) -> BatchInFlight:
        """Run the model over a batch; a GPU may still be at work when this returns."""
        ids = [one.ids for one in job.tokens]
        # padding is on the right, where a causal model cannot see it, so no mask is needed
        width = max(window.end - window.start for window in windows)
        inputs = np.full((len(windows), width), self.bos_id, np.int64)
        scored = np.zeros((len(windows), width), bool)
        for row, window in enumerate(windows):
            inputs[row, 1 : window.end - window.start] = ids[window.text][
                window.start : window.end - 1
            ]
            scored[row, window.first_scored - window.start : window.end - window.start] = True
        layers = job.poolers[0].layers if job.poolers else ()
        with capture_hidden_states(self.model, layers) as captured:
            hidden = self._run(to_device_async(inputs, self.device), windows, job)
        sums: SentenceSums | None = None
        if job.poolers:
            # the first position has read only BOS: its huge, constant state would encode lengths
            pooled = scored.copy()
            pooled[:, 0] = False
            rows, columns = np.nonzero(pooled)
            tokens = [np.arange(max(w.first_scored, 1) - 1, w.end - 1) for w in windows]
            poolers = [job.poolers[w.text] for w in windows]
            sums = accumulate_states(poolers, tokens, rows, columns, captured)
        statistics: list[torch.Tensor] = []
        if job.statistics:
            targets = np.concatenate([ids[w.text][w.first_scored : w.end] for w in windows])
            # indices: for a mask, the CPU would wait for the GPU to count its entries
            places = tuple(to_device_async(index, self.device) for index in np.nonzero(scored))
            on_device = self.statistics(hidden[places], to_device_async(targets, self.device))
            statistics = [one.to("cpu", non_blocking=True) for one in on_device]
        return BatchInFlight(job, windows, statistics, sums, completion_event(self.device))

    def _run(self, inputs: torch.Tensor, windows: list[Window], job: ReadJob) -> torch.Tensor:
        """Hidden states of a batch of windows, from where the job starts to where it stops."""
        if job.start is None and job.stop is None:
            return self.hidden_states(inputs)
        body: Any = self.model.base_model
        if job.start is None:
            hidden, done = body.embed_tokens(inputs), 0
        else:
            hidden, done = job.start.batch(windows), job.start.blocks
        if job.stop is None:
            states: torch.Tensor = body.norm(body.run_blocks(hidden, done, self.blocks))
            return states
        states = body.run_blocks(hidden, done, job.stop.blocks)
        job.stop.states.update(zip(windows, states, strict=True))
        return states

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
        cap = self._logit_cap
        return logits if cap is None else cap * torch.tanh(logits / cap)


@torch.inference_mode()
def _check_causal(scorer: LanguageModelScorer) -> None:
    """Refuse a model that sees the token it predicts, or whose logits are not head(hidden)."""
    vocabulary = scorer.model.config.vocab_size
    ids = (torch.arange(1, 9) * 7919 % vocabulary).to(scorer.device)
    other = torch.cat([ids[:-1], (ids[-1:] + 1) % vocabulary])
    inputs = torch.stack([ids, other])
    ours = scorer.head(scorer.hidden_states(inputs).flatten(0, 1)).float().view(*inputs.shape, -1)
    # Llama's logits are head(hidden), and without a head its hidden states
    logits = ours if isinstance(scorer.model, Llama) else scorer.model(inputs).logits.float()
    if not logits.isfinite().all():
        raise LanguageModelError(
            f"{scorer.name} gives numbers that are not finite in {scorer.precision}",
            "precision",
            "use another {precision}; if that does not help, its weights are damaged",
        )
    atol = 0.05 * float(logits.abs().max())
    if not torch.allclose(logits[0, :-1], logits[1, :-1], rtol=0, atol=atol):
        raise LanguageModelError(
            f"{scorer.name} sees the words it should predict: it is not a causal language model.",
            "lm",
        )
    if not torch.allclose(ours, logits, rtol=0, atol=atol):
        raise LanguageModelError(
            f"{scorer.name} changes its logits after the head in a way that is not supported.",
            "lm",
        )
