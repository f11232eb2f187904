"""Where a language model runs, and how numbers come there and back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from perplexity_detector.errors import InputError


def resolve_device(device: str) -> torch.device:
    """The device of that name; `auto` is CUDA where there is one.

    Raises:
        InputError: this machine has none such.
    """
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


def to_device_async(values: np.ndarray, device: torch.device) -> torch.Tensor:
    """An array on a device, or on its way: a GPU need not stop for it."""
    there = torch.from_numpy(values)
    # from memory that is not pinned, CUDA copies only when all else is done
    return (there.pin_memory() if device.type == "cuda" else there).to(device, non_blocking=True)


def completion_event(device: torch.device) -> Callable[[], None]:
    """What waits until the device has done all that it was given so far."""
    if device.type != "cuda":
        return lambda: None
    event = torch.cuda.Event()
    event.record(torch.cuda.current_stream(device))
    return event.synchronize


def multiplies_bfloat16() -> bool:
    """Whether this machine's processor multiplies bfloat16 itself."""
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", bool)
    return bool(supported())
