"""A name or a folder -> a causal language model and its tokenizer, from this machine's disk."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perplexity_detector.errors import Call, LanguageModelError, PerplexityDetectorError

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

    from perplexity_detector.lm.llama import Replacement

BUILTIN = "smollm2"
_PULL = "perplexity_detector.lm.pull.pull"
_PACKAGED = Path(__file__).parents[2] / "pretrained"
_FROM_DISK = {"local_files_only": True, "trust_remote_code": False}


@dataclass(frozen=True)
class LanguageModel:
    """A loaded causal language model.

    Attributes:
        name: as the user gave it.
        fingerprints: by which detectors may know it, the present one first; `sha256:...` of a
            folder (see `fingerprint.fingerprints`), or the hub's commit, `name@commit`.
        tokenizer: of the `tokenizers` library; treats special tokens in a text as plain text.
        model: a causal model, `Llama` or one of transformers, in evaluation mode, on the CPU in
            float32.
        bos_id: the token read before every text.
        bos_candidates: tokens that could be read there.
        context: most tokens that the model can read at once.
        blocks: of the whole model, more than `model` has if only some were loaded.
    """

    name: str
    fingerprints: tuple[str, ...]
    tokenizer: Tokenizer
    model: Any
    bos_id: int
    bos_candidates: tuple[int, ...]
    context: int
    blocks: int


def cache_dir() -> Path:
    """Folder of pulled models and of what was measured of this machine.

    $PERPLEXITY_DETECTOR_HOME, or the user's cache folder.
    """
    import platformdirs

    chosen = os.environ.get("PERPLEXITY_DETECTOR_HOME")
    return Path(chosen or platformdirs.user_cache_dir("perplexity-detector")).expanduser()


def packaged_folder() -> Path:
    """Folder of the builtin model in a checkout or an installed wheel."""
    return _PACKAGED / BUILTIN


def builtin_folder() -> Path | None:
    """The builtin model's folder, packaged or pulled; None if there is neither."""
    for folder in (packaged_folder(), cache_dir() / BUILTIN):
        if (folder / "config.json").is_file():
            return folder
    return None


def pins() -> dict[str, dict[str, Any]]:
    """The hub's models pulled so far: name -> revision, commit, licence, bytes, bos_id.

    Raises:
        LanguageModelError: the file is damaged.
    """
    try:
        found: dict[str, dict[str, Any]] = json.loads(pins_file().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except json.JSONDecodeError as error:
        raise LanguageModelError(
            f"{pins_file()} is damaged ({error})", hint="delete it and pull your models again"
        ) from error
    return found


def pins_file() -> Path:
    """The file that records which commit of each hub model was pulled."""
    return cache_dir() / "pins.json"


def inventory() -> list[tuple[str, str, int, str]]:
    """Name, place, bytes and licence of each model that can be used without network."""
    found = []
    folder = builtin_folder()
    if folder is not None:
        size = sum(file.stat().st_size for file in folder.iterdir())
        found.append((BUILTIN, str(folder), size, "apache-2.0"))
    for name, pin in sorted(pins().items()):
        found.append((name, f"commit {pin['commit']}", pin["bytes"], pin["licence"]))
    return found


def load(
    lm: str = BUILTIN,
    revision: str | None = None,
    of_transformers: bool = False,
    replacement: Replacement | None = None,
    depth: float = 1.0,
    shared: Any = None,
) -> LanguageModel:
    """Load a language model; nothing is downloaded.

    Args:
        lm: `smollm2`, the name of a causal model of the hub that was pulled before, or a folder
            with config.json, weights and tokenizer.
        revision: branch, tag or commit of a hub model; the pulled one if not given.
        of_transformers: whether the model must be one of transformers, to train or to save it. If
            not, `Llama` may take its place, which loads in a fraction of the time.
        replacement: what takes the place of a linear layer of `Llama`, on the CPU, as soon as it
            has its weights.
        depth: share of the blocks to load, in (0, 1]; below 1 `Llama` comes without a head. One
            of transformers is always whole.
        shared: a `Llama` that was loaded from the same files with the same `replacement`; its
            layers are taken instead of being loaded again.

    Raises:
        LanguageModelError: the model is missing (the hint names the function that pulls it),
            broken, or not a causal language model.
    """
    if lm == BUILTIN:
        folder = builtin_folder()
        if folder is None:
            raise LanguageModelError(
                "The language model smollm2 is not on this machine",
                "lm",
                "run `{pull}` once",
                pull=Call(_PULL, BUILTIN),
            )
        return _from_folder(folder, BUILTIN, of_transformers, replacement, depth, shared)
    folder = Path(lm).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise LanguageModelError(
                f"{folder} has no config.json, so it is not a language model's folder.", "lm"
            )
        return _from_folder(folder, lm, of_transformers, replacement, depth, shared)
    return _from_hub(lm, revision)


def _from_folder(
    folder: Path,
    name: str,
    of_transformers: bool,
    replacement: Replacement | None,
    depth: float,
    shared: Any,
) -> LanguageModel:
    # these need torch, and this module must not
    from perplexity_detector.lm.cpu_threads import one_thread
    from perplexity_detector.lm.kernels.blocks import blocks_at
    from perplexity_detector.lm.llama import EMBEDDING, Llama, LlamaConfig
    from perplexity_detector.lm.weights.fingerprint import fingerprints
    from perplexity_detector.lm.weights.packed import WEIGHTS_FILE, PackedWeights, is_packed
    from perplexity_detector.lm.weights.packed_embedding import packed_embedding

    # hashing releases the GIL, so the weights are read meanwhile
    with _as_language_model_error(name), ThreadPoolExecutor(1) as pool, one_thread():
        settings = check_config(folder)
        hashed = pool.submit(fingerprints, folder)
        if not is_packed(folder):
            return _assemble(name, hashed.result(), folder)
        import tokenizers

        tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        weights = PackedWeights(folder / WEIGHTS_FILE)
        sizes = None if of_transformers else LlamaConfig.from_settings(settings)
        if sizes is None:
            model = _of_transformers(folder, name, dict(weights))
        else:
            # a replaced head has weights of its own, and the embedding need not have them all
            if replacement is None:
                embedding = None
            elif shared is not None:
                embedding = shared.get_input_embeddings()
            else:
                embedding = packed_embedding(weights, EMBEDDING)
            first = blocks_at(depth, sizes.num_hidden_layers)
            model, missing = Llama.from_weights(
                sizes, weights, replacement, embedding, first, shared
            )
            _check_complete(name, missing)
        bos_id = model.config.bos_token_id
        blocks = None if sizes is None else sizes.num_hidden_layers
        return _language_model(name, hashed.result(), tokenizer, model, bos_id, (bos_id,), blocks)


def _of_transformers(folder: Path, name: str, weights: dict[str, torch.Tensor]) -> Any:
    """A model in packed form as one of transformers' own causal models."""
    import transformers

    config = transformers.AutoConfig.from_pretrained(folder, **_FROM_DISK)
    # whatever class config.json names
    architecture: Any = transformers.MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
    with no_progress_bar():
        model, loading = architecture.from_pretrained(
            None, config=config, state_dict=weights, output_loading_info=True
        )
    _check_complete(name, sorted(loading["missing_keys"]))
    return model


def _from_hub(name: str, revision: str | None) -> LanguageModel:
    import huggingface_hub

    pin = pins().get(name, {})
    pull = Call(_PULL, name, revision=revision) if revision else Call(_PULL, name)
    if revision in (None, pin.get("revision"), pin.get("commit")):
        revision = pin.get("commit")
    try:
        config = huggingface_hub.hf_hub_download(
            name, "config.json", revision=revision, local_files_only=True
        )
    except (OSError, ValueError) as error:  # not in the hub's cache, or not a valid name
        raise LanguageModelError(
            f"The language model {name} is neither a folder nor on this machine",
            "lm",
            "run `{pull}` where there is a network",
            pull=pull,
        ) from error
    snapshot = Path(config).parent  # its name is the commit
    with _as_language_model_error(name):
        return _assemble(name, (f"{name}@{snapshot.name}",), snapshot, pin.get("bos_id"))


def _assemble(
    name: str, fingerprints: tuple[str, ...], folder: Path, bos_id: int | None = None
) -> LanguageModel:
    """Load a folder in transformers' own format."""
    import torch
    import transformers

    check_config(folder)
    if transformers.AutoConfig.from_pretrained(folder, **_FROM_DISK).is_encoder_decoder:
        raise LanguageModelError(
            f"{name} is an encoder-decoder, not a causal language model.", "lm"
        )
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **_FROM_DISK)
    if not tokenizer.is_fast:
        raise LanguageModelError(
            f"The tokenizer of {name} has no fast form, which offsets need.", "lm"
        )
    architecture: Any = transformers.AutoModelForCausalLM
    with no_progress_bar():
        model, loading = architecture.from_pretrained(
            folder, dtype=torch.float32, output_loading_info=True, **_FROM_DISK
        )
    _check_complete(name, sorted(loading["missing_keys"]))
    candidates = bos_candidates(tokenizer, model.config)
    if not candidates:
        raise LanguageModelError(
            f"The tokenizer of {name} has no token that begins or ends a text",
            "lm",
            "set bos_token in its tokenizer_config.json",
        )
    bos_id = candidates[0] if bos_id is None else bos_id
    return _language_model(
        name, fingerprints, tokenizer.backend_tokenizer, model, bos_id, candidates
    )


def check_config(folder: Path) -> dict[str, Any]:
    """What a model's config.json holds, which asks for no code but transformers' own.

    Raises:
        ValueError: it does, or is damaged.
        OSError: it cannot be read.
    """
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    check_settings(settings)
    return dict(settings)


def check_settings(config: object) -> None:
    """As `check_config`, of what config.json holds."""
    if not isinstance(config, dict):
        raise ValueError("config.json describes no model")  # noqa: TRY004
    if "auto_map" in config:
        from transformers import CONFIG_MAPPING

        kind = config.get("model_type")
        if not (isinstance(kind, str) and kind in CONFIG_MAPPING):
            raise ValueError("it brings code of its own, which is never run")
    # transformers would fetch any other kernel from the hub, and run it
    nested = [config, *(part for part in config.values() if isinstance(part, dict))]
    for setting in ("attn_implementation", "_attn_implementation", "experts_implementation"):
        if any(part.get(setting) not in (None, "eager", "sdpa") for part in nested):
            raise ValueError(f"its {setting} is a kernel of its own, which is never run")


def _check_complete(name: str, missing: list[str]) -> None:
    """Refuse a model without some of its weights, which would be random ones."""
    if missing:
        raise LanguageModelError(
            f"The weights of {name} lack {missing[0]}, so it is not a whole causal language model.",
            "lm",
        )


def bos_candidates(tokenizer: Any, config: Any) -> tuple[int, ...]:
    """Tokens that could be read before a text, the likeliest first: BOS, EOS, <|endoftext|>."""
    named = (
        tokenizer.bos_token_id,
        getattr(config, "bos_token_id", None),
        tokenizer.eos_token_id,
        tokenizer.convert_tokens_to_ids("<|endoftext|>")
        if "<|endoftext|>" in tokenizer.get_vocab()
        else None,
    )
    return tuple(dict.fromkeys(token for token in named if isinstance(token, int)))


def _language_model(
    name: str,
    fingerprints: tuple[str, ...],
    tokenizer: Tokenizer,
    model: Any,
    bos_id: int,
    candidates: tuple[int, ...],
    blocks: int | None = None,
) -> LanguageModel:
    tokenizer.encode_special_tokens = True  # "<|endoftext|>" typed by a user is plain text
    if not tokenizer.encode("a", add_special_tokens=False).ids:
        # transformers makes an empty one if the files are missing
        raise LanguageModelError(
            f"{name} comes without a tokenizer", "lm", "add its tokenizer.json"
        )
    tokenizer.no_truncation()
    tokenizer.no_padding()
    context = min(
        getattr(model.config, "max_position_embeddings", None) or 2**31,
        getattr(model.config, "sliding_window", None) or 2**31,
    )
    blocks = blocks or model.config.num_hidden_layers
    return LanguageModel(
        name, fingerprints, tokenizer, model.eval(), bos_id, candidates, context, blocks
    )


@contextmanager
def _as_language_model_error(name: str) -> Iterator[None]:
    """Any error of transformers over a missing or broken model, as one sentence."""
    try:
        yield
    except PerplexityDetectorError:
        raise
    except Exception as error:
        first_line = (str(error).strip() or repr(error)).splitlines()[0].rstrip(".")
        if name == BUILTIN:
            raise LanguageModelError(
                f"The language model smollm2 in {builtin_folder()} is damaged ({first_line})",
                "lm",
                "delete that folder and run `{pull}`",
                pull=Call(_PULL, BUILTIN),
            ) from error
        raise LanguageModelError(
            f"The language model {name} cannot be loaded as a causal model: {first_line}.", "lm"
        ) from error


@contextmanager
def no_progress_bar() -> Iterator[None]:
    """Hide transformers' own progress bar for weights."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
