"""ReadingOptions: which language model reads texts, and how."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReadingOptions:
    """Which language model reads texts, and how.

    Attributes:
        lm: `smollm2`, a pulled model of the hub, or a folder.
        revision: of a hub model.
        depth: share of the model's blocks to run, in (0, 1]; below 1 there are no statistics.
        device: `auto`, `cpu` or `cuda`.
        precision: as `LanguageModelScorer` takes it.
        batch_tokens: tokens per batch; the device's default if None.
        cache: a folder in which results are cached, if any.
    """

    lm: str = "smollm2"
    revision: str | None = None
    depth: float = 1.0
    device: str = "auto"
    precision: str | None = None
    batch_tokens: int | None = None
    cache: str | None = None
