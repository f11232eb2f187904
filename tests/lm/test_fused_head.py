"""The kernel for GPUs, run by Triton's interpreter on the CPU, against float64; and compiled."""

import os
import subprocess
import sys

import pytest
import torch

from perplexity_detector.lm.token_statistics import token_statistics

pytest.importorskip("triton", reason="Triton comes with torch's CUDA builds")
from perplexity_detector.lm.kernels import fused_head

# what a kernel is, is decided when Triton is imported: these tests run in a process of their own
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
interpreted = pytest.mark.skipif(not INTERPRETED, reason="runs within the next test")


@pytest.mark.skipif(INTERPRETED, reason="runs the others")
def test_in_tritons_interpreter():
    command = [sys.executable, "-m", "pytest", "-q", "-k", "interpreted", __file__]
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def case(rows, width, vocabulary, dtype):
    generator = torch.Generator().manual_seed(0)
    hidden = (3 * torch.randn(rows, width, generator=generator)).to(dtype)
    weight = torch.randn(vocabulary, width, generator=generator).to(dtype)
    return hidden, torch.randint(0, vocabulary, (rows,), generator=generator), weight


@interpreted
# the interpreter multiplies no bfloat16
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@pytest.mark.parametrize("tiles", [(16, 32, 16), (32, 512, 64)])
def test_interpreted_statistics_are_those_of_float64(dtype, tiles):
    hidden, targets, weight = case(37, 48, 301, dtype)  # no tile divides them
    ours = fused_head.fused_statistics(hidden, targets, weight, fused_head.Tiling(*tiles))
    theirs = token_statistics(hidden.double(), targets, lambda rows: rows @ weight.double().T)
    assert theirs[1].max() > 100
    assert ours[1].dtype == torch.int64
    assert torch.equal(ours[1], theirs[1])
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.double(), other.double(), rtol=1e-5, atol=1e-4)


@interpreted
def test_interpreted_equal_logits_are_equally_likely():
    hidden, _, weight = case(4, 64, 200, torch.float16)
    weight[150] = weight[7]
    targets = torch.tensor([7, 150, 7, 150])
    ranks = fused_head.fused_statistics(hidden, targets, weight, fused_head.Tiling(16, 32, 16))[1]
    twins = token_statistics(hidden.double(), targets, lambda rows: rows @ weight.double().T)[1]
    assert ranks.tolist() == twins.tolist()


@interpreted
def test_interpreted_far_logits_do_not_overflow():
    hidden, targets, weight = case(8, 32, 100, torch.float32)
    hidden *= 1000  # logits of many thousands: one word has all the weight
    ours = fused_head.fused_statistics(hidden, targets, weight, fused_head.Tiling(16, 16, 16))
    theirs = token_statistics(hidden.double(), targets, lambda rows: rows @ weight.double().T)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.double(), other.double(), rtol=1e-5, atol=1e-2)


@interpreted
def test_interpreted_no_tokens():
    hidden, targets, weight = case(0, 32, 100, torch.float32)
    assert [len(one) for one in fused_head.fused_statistics(hidden, targets, weight)] == [0] * 4


@pytest.mark.skipif(INTERPRETED, reason="nothing is compiled")
@pytest.mark.parametrize("capability", [80, 90])
def test_it_compiles_for_cards_without_one(capability):
    from triton import compile as compile_kernel
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    places = dict.fromkeys(("hidden", "weight"), "*bf16") | {"targets": "*i64", "kept": "*fp32"}
    numbers = dict.fromkeys(("n", "vocabulary", "parts", "words_each"), "i32")
    sizes = {"width": 64, "tile_rows": 64, "tile_columns": 64, "tile_depth": 32}
    kernel = fused_head._kernel
    types = places | numbers | dict.fromkeys(sizes, "constexpr")
    source = ASTSource(kernel, {name: types[name] for name in kernel.arg_names}, sizes)
    compiled = compile_kernel(source, target=GPUTarget("cuda", capability, 32))
    assert ("wgmma" if capability == 90 else "mma.sync") in compiled.asm["ptx"]
    assert compiled.asm["cubin"]


def test_a_tiling_that_fits_is_taken():
    taken = [fused_head.fitting(1024 * kib) for kib in (227, 163, 99, 64, 48)]
    assert [fused_head.TILINGS.index(tiling) for tiling in taken] == [0, 0, 1, 2, 2]
