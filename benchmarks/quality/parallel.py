"""Forked processes: what their parent holds need not be copied."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import threadpoolctl
import torch


def forked_pool(processes: int) -> ProcessPoolExecutor:
    """A pool of forked processes that compute with one thread each."""
    fork = multiprocessing.get_context("fork")
    return ProcessPoolExecutor(processes, fork, initializer=_use_one_thread)


def _use_one_thread() -> None:
    """A forked process lacks the threads of its parent and would wait for them for ever."""
    torch.set_num_threads(1)
    threadpoolctl.threadpool_limits(1)
