"""Calls of the C library, in processes of their own."""

import platform
import subprocess
import sys

import pytest

from perplexity_detector.lm.allocator import release_memory

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc alone")
#: Four threads take memory at once; then glibc describes its arenas.
_THREADS = """
import ctypes, threading
from perplexity_detector.lm.allocator import use_one_arena
{first}
libc, together = ctypes.CDLL(None), threading.Barrier(4)
libc.malloc.restype = ctypes.c_void_p
def take():
    together.wait()
    libc.malloc(1000)
    together.wait()
threads = [threading.Thread(target=take) for _ in range(4)]
for one in threads: one.start()
for one in threads: one.join()
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


def arenas(first):
    code = _THREADS.format(first=first)
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout.count("<heap nr=")


@glibc
def test_threads_share_one_arena():
    assert arenas("use_one_arena()") == 1
    assert arenas("") > 1


@glibc
def test_what_was_freed_goes_back():
    code = (
        "import ctypes, re\n"
        "from perplexity_detector.lm.allocator import release_memory\n"
        "libc = ctypes.CDLL(None)\n"
        "libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]\n"
        "def resident():\n"
        "    status = open('/proc/self/status').read()\n"
        "    return int(re.search(r'VmRSS:\\s+(\\d+)', status)[1]) // 1024\n"
        "taken = [libc.malloc(100_000) for _ in range(1000)]\n"
        "for one in taken: ctypes.memset(one, 1, 100_000)\n"
        "for one in taken[:-1]: libc.free(one)\n"
        "before = resident()\n"
        "release_memory()\n"
        "print(before - resident())"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert int(done.stdout) > 80  # of 95 MB


def test_elsewhere_nothing_happens(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    release_memory()
