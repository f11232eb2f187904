"""The device that a language model runs on, and copies to it."""

from __future__ import annotations

import numpy as np
import torch

from perplexity_detector.errors import InputError


def resolve_device(device: str) -> torch.device:
    """The device of that name; `auto` is CUDA if there is a GPU.

    Raises:
        InputError: this machine has no such device.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.zeros(1, device=chosen).item()
    except (RuntimeError, AssertionError, TypeError) as error:
        raise InputError(
            f"This machine has no device {device!r}", "device", "use {device}=auto, cpu or cuda"
        ) from error
    return chosen


def to_device_async(values: np.ndarray, device: torch.device) -> torch.Tensor:
    """Copy an array to a device; a GPU works on while it is copied."""
    tensor = torch.from_numpy(values)
    # from memory that is not pinned, CUDA copies only when it has finished everything else
    return (tensor.pin_memory() if device.type == "cuda" else tensor).to(device, non_blocking=True)


def completion_event(device: torch.device) -> torch.cuda.Event | None:
    """An event that marks the end of the work given to a GPU so far; None on a CPU."""
    if device.type != "cuda":
        return None
    event = torch.cuda.Event()
    event.record(torch.cuda.current_stream(device))
    return event


def multiplies_bfloat16() -> bool:
    """Whether this machine's processor has instructions for bfloat16 products."""
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return supported is not None and bool(supported())
