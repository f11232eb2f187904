"""Distillation: a narrow Llama learns to predict a teacher's pooled hidden states."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from gguf import GGMLQuantizationType
from gguf.quants import quantize
from safetensors.numpy import save_file
from torch import nn

from perplexity_detector.lm.llama import EMBEDDING, Llama, LlamaConfig
from perplexity_detector.lm.pooling import PooledStates
from perplexity_detector.lm.weights import packed

#: Tokens of a training step, padding included.
BATCH_TOKENS = 4096
LEARNING_RATE, WEIGHT_DECAY = 2e-3, 0.01
#: Share of the steps in which the learning rate rises, before it falls to 0.
WARM_UP = 0.05
#: Added to the variance of each principal component, as a share of their median: what is smaller
#: is noise of half precision.
VARIANCE_FLOOR = 0.01
HEAD_WIDTH = 64
_FORMAT = GGMLQuantizationType.Q8_0


class Example(NamedTuple):
    """A text as the teacher read it.

    Attributes:
        ids: of its tokens, int64 of shape (n,).
        states: the teacher's, by sentence.
    """

    ids: np.ndarray
    states: PooledStates


class Whitening(NamedTuple):
    """Principal components of each layer's states, and how much they vary.

    Attributes:
        centre: shape (layers, width).
        components: orthonormal columns, shape (layers, width, width).
        text_scale: standard deviation of the components over texts, shape (layers, width).
        sentence_scale: the same over sentences.
    """

    centre: torch.Tensor
    components: torch.Tensor
    text_scale: torch.Tensor
    sentence_scale: torch.Tensor

    @classmethod
    def fit(cls, examples: Sequence[Example]) -> Whitening:
        """Of the states of texts."""
        texts = torch.from_numpy(np.stack([one.states.mean() for one in examples], axis=1))
        few = examples[:: max(1, len(examples) // 2000)]
        sentences = torch.from_numpy(
            np.concatenate([one.states.means for one in few], axis=1, dtype=np.float32)
        )
        centre = texts.mean(1)
        centred = texts - centre[:, None]
        variances, components = torch.linalg.eigh(centred.mT @ centred / centred.shape[1])
        of_sentences = ((sentences - centre[:, None]) @ components).square().mean(1)
        return cls(centre, components, _scale(variances), _scale(of_sentences))

    def components_of(self, states: torch.Tensor) -> torch.Tensor:
        """Components, not scaled, of states (layers, n, width)."""
        return (states - self.centre[:, None]) @ self.components


def _scale(variances: torch.Tensor) -> torch.Tensor:
    floor = VARIANCE_FLOOR * variances.median(dim=1, keepdim=True).values
    return (variances.clamp_min(0) + floor).sqrt()


def new_student(
    width: int, blocks: int, teacher: LlamaConfig, embedding: torch.Tensor, counts: torch.Tensor
) -> Llama:
    """A student with random blocks; its embedding holds principal components of the teacher's.

    Args:
        width: of its states, a multiple of `HEAD_WIDTH`.
        blocks: number of them.
        teacher: whose vocabulary and norms it has.
        embedding: the teacher's, shape (vocabulary, its width).
        counts: how often each token occurs, shape (vocabulary,).
    """
    config = LlamaConfig(
        **asdict(teacher)
        | {
            "hidden_size": width,
            "intermediate_size": 32 * round(width * 8 / 3 / 32),
            "num_hidden_layers": blocks,
            "num_attention_heads": width // HEAD_WIDTH,
            "num_key_value_heads": width // HEAD_WIDTH,
        }
    )
    weights = {}
    for name, unset in Llama(config).state_dict().items():
        if unset.ndim == 1:
            weights[name] = torch.ones(unset.shape)
        elif "layers" in name:
            weights[name] = torch.randn(unset.shape) / unset.shape[1] ** 0.5
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                weights[name] /= (2 * blocks) ** 0.5  # the sum of all blocks stays in proportion
    centred = embedding - (counts @ embedding) / counts.sum()
    _, components = torch.linalg.eigh((centred.T * counts) @ centred)
    start = centred @ components[:, -width:]
    weights[EMBEDDING] = start / start.std()
    student, _ = Llama.from_weights(config, weights)
    student.set_attention(causal_attention)
    return student.train().requires_grad_(True)


def causal_attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scaling: float
) -> torch.Tensor:
    """Attention by plain products, see `llama.Attention`: trained in half the time of torch's."""
    length = query.shape[2]
    later = torch.full((length, length), -torch.inf, dtype=value.dtype).triu(1)
    products = scaling * query.to(value.dtype) @ key.to(value.dtype).mT
    attended = (products + later).softmax(dim=-1).to(value.dtype) @ value
    return attended.transpose(1, 2)


def distil(
    student: Llama,
    examples: Sequence[Example],
    epochs: float,
    seed: int = 0,
    on_step: Callable[[int, int, float], object] = lambda *_: None,
) -> float:
    """Train a student to predict the teacher's states, and return the error of the last steps.

    All its blocks' states are averaged over each sentence; one linear map makes of them those of
    all the teacher's layers, in principal components. The error is squared, each component's
    relative to its variance, so that small directions count: over sentences, by their length, and
    over texts.

    Args:
        student: changed in place.
        examples: texts as the teacher read them.
        epochs: times each is read.
        seed: of the order.
        on_step: called with step, number of steps and error over texts.
    """
    whitening = Whitening.fit(examples)
    layers, width = whitening.centre.shape
    blocks, narrow = student.config.num_hidden_layers, student.config.hidden_size
    to_teacher = nn.Linear(blocks * narrow, layers * width)
    order = torch.Generator().manual_seed(seed)
    batches = [
        batch
        for _ in range(max(1, round(epochs)))
        for batch in _batches([len(one.ids) for one in examples], order)
    ]
    used = [weight for name, weight in student.model.named_parameters() if name != "norm.weight"]
    optimiser = torch.optim.AdamW(
        [*used, *to_teacher.parameters()], weight_decay=WEIGHT_DECAY, betas=(0.9, 0.98), fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, LEARNING_RATE, total_steps=len(batches) + 1, pct_start=WARM_UP
    )
    errors: list[float] = []
    for step, batch in enumerate(batches):
        chosen = [examples[i] for i in batch]
        pooled, sentence_tokens, text_of = pooled_states(student, chosen)
        found = to_teacher(pooled).unflatten(1, (layers, width)).swapaxes(0, 1)
        target = torch.from_numpy(
            np.concatenate([one.states.means for one in chosen], axis=1, dtype=np.float32)
        )
        difference = found - whitening.components_of(target)
        share = sentence_tokens / sentence_tokens.sum()
        by_sentence = (difference / whitening.sentence_scale[:, None]).square().mean((0, 2)) @ share
        of_text = sentence_tokens.new_zeros(len(chosen)).index_add(0, text_of, sentence_tokens)
        weights = (sentence_tokens / of_text[text_of])[None, :, None]
        over_text = difference.new_zeros(layers, len(chosen), width).index_add(
            1, text_of, difference * weights
        )
        by_text = (over_text / whitening.text_scale[:, None]).square().mean()
        optimiser.zero_grad()
        (by_sentence + by_text).backward()
        nn.utils.clip_grad_norm_(used, 1.0)
        optimiser.step()
        schedule.step()
        errors.append(float(by_text.detach()))
        on_step(step, len(batches), errors[-1])
    student.eval().requires_grad_(False)
    return float(np.mean(errors[-100:]))


def pooled_states(
    student: Llama, examples: Sequence[Example]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """States of all blocks side by side, averaged over sentences.

    Returns:
        Means (sentences of all texts, blocks * width), the tokens of each sentence, and the number
        of its text.
    """
    length = max(len(one.ids) for one in examples)
    inputs = torch.full((len(examples), length), student.config.bos_token_id)
    for row, one in enumerate(examples):
        inputs[row, 1 : len(one.ids)] = torch.from_numpy(one.ids[:-1])
    counts = torch.from_numpy(np.concatenate([one.states.tokens for one in examples])).long()
    sentences = torch.tensor([len(one.states.tokens) for one in examples])
    text_of = torch.repeat_interleave(torch.arange(len(examples)), sentences)
    read = torch.tensor([len(one.ids) - 1 for one in examples])
    rows = torch.repeat_interleave(torch.arange(len(examples)), read)
    # the state of a token is that of the place that has read it, after BOS
    columns = 1 + torch.cat([torch.arange(n) for n in read.tolist()])
    sentence_of = torch.repeat_interleave(torch.arange(len(counts)), counts)
    body = student.model
    with torch.autocast("cpu", torch.bfloat16):
        hidden = body.embed_tokens(inputs)
        sums = []
        for block in range(student.config.num_hidden_layers):
            hidden = body.run_blocks(hidden, block, block + 1)
            states = hidden[rows, columns].float()
            sums.append(
                states.new_zeros(len(counts), states.shape[1]).index_add(0, sentence_of, states)
            )
    return torch.cat(sums, dim=1) / counts[:, None], counts.float(), text_of


def _batches(lengths: Sequence[int], order: torch.Generator) -> Iterator[list[int]]:
    """Numbers of texts of like length, of `BATCH_TOKENS` tokens with padding, in random order."""
    noise = torch.rand(len(lengths), generator=order).numpy()
    batches: list[list[int]] = [[]]
    for i in np.argsort(np.asarray(lengths) * (1 + 0.1 * noise)).tolist():
        longest = max(lengths[j] for j in [*batches[-1], i])
        if batches[-1] and longest * (len(batches[-1]) + 1) > BATCH_TOKENS:
            batches.append([])
        batches[-1].append(i)
    for place in torch.randperm(len(batches), generator=order).tolist():
        yield batches[place]


def save_student(student: Llama, folder: Path, tokenizer_folder: Path) -> int:
    """Write a student in packed form, 8 bits a weight, and return the bytes of its weights.

    Args:
        student: to write.
        folder: made if missing.
        tokenizer_folder: of the teacher, whose tokenizer it has.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kind = {"model_type": "llama", "hidden_act": "silu", "tie_word_embeddings": True}
    settings = {"architectures": ["LlamaForCausalLM"], **kind, **asdict(student.config)}
    (folder / "config.json").write_text(json.dumps(settings, indent=2))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer_folder / name, folder / name)
    tensors, formats = {}, {}
    for name, weight in student.state_dict().items():
        if weight.ndim == 2 and name != "lm_head.weight":
            formats[name] = _FORMAT.name
            tensors[name] = packed.to_planes(quantize(weight.numpy(), _FORMAT), _FORMAT.name)
        elif weight.ndim == 1:
            tensors[name] = weight.numpy()
    file = folder / packed.WEIGHTS_FILE
    save_file(tensors, file, {packed.FORMATS_KEY: json.dumps(formats)})
    return file.stat().st_size
