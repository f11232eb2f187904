"""The precision that reads fastest on this machine and changes no verdict, measured once.

What was found is kept in the user's cache folder, a file for each processor and detector, and read
there from then on, so that one machine always gives the same numbers.
"""

from __future__ import annotations

import hashlib
import json
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch
from filelock import FileLock
from tqdm import tqdm

from perplexity_detector.classifier.assessment import Assessment
from perplexity_detector.classifier.detector_hash import Trained, detector_sha256
from perplexity_detector.errors import LanguageModelError
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.io.atomic import replace_file
from perplexity_detector.io.working_files import open_no_link
from perplexity_detector.lm.allocator import release_memory
from perplexity_detector.lm.kernels.device import multiplies_bfloat16, resolve_device
from perplexity_detector.lm.kernels.precision import precision_of
from perplexity_detector.lm.scorer_cache import load_scorer
from perplexity_detector.lm.weights import catalogue
from perplexity_detector.logs import get_logger
from perplexity_detector.version import __version__

if TYPE_CHECKING:
    from typing import Self

#: With which the others are compared, and which is used where nothing can be kept.
EXACT = "float32"
#: How often the texts are read for time; the shortest counts, as chance only adds to it.
ROUNDS = 2
#: A less exact precision must be faster by this factor, so that chance does not decide.
ADVANTAGE = 1.1
#: Essays by people and by models, of the sample; what a user reads is never used.
_TEXTS = Path(__file__).with_name("precision_texts.json")
#: Seconds to wait for another process that measures.
_LOCK_SECONDS = 600


class Detector(Trained, Protocol):
    """A trained detector, as far as it is measured."""

    extractor_: FeatureExtractor
    language_model_: str | None
    fpr: float

    def assess_texts(self, texts: Sequence[str]) -> list[Assessment]:
        """Verdicts of texts."""

    def with_reading(self, **settings: Any) -> Self:
        """The same detector with other settings of its extractor."""


@dataclass(frozen=True)
class Trial:
    """What a precision does with the texts.

    Attributes:
        changed: verdicts that are not those of float32; None where the model cannot read so.
        seconds: of a core, to read them all; None where a verdict changes.
    """

    changed: int | None
    seconds: float | None = None


def fastest_precision(detector: Detector) -> str | None:
    """The precision in which a detector reads fastest here without changing a verdict.

    The texts are twelve essays of the package. Verdicts on other texts can change where a
    probability lies close to a threshold. On a GPU nothing is measured: see `precision_of`.
    If the cache folder cannot be written, it is float32, with a warning, since another measurement
    could find another.

    Args:
        detector: trained.

    Returns:
        Its name; None for a detector without a language model.

    Raises:
        LanguageModelError: the language model is missing or cannot be used.
    """
    if detector.language_model_ is None:
        return None
    device = resolve_device(detector.extractor_.device)
    if device.type != "cpu" or candidates() == [EXACT]:
        return precision_of(None, device)
    identity = identify(detector)
    file = kept_in(identity)
    found = read(file, identity)
    if found is not None:
        return found
    try:
        with _locked(file):
            # another process may have measured meanwhile
            found = read(file, identity)
            if found is None:
                trials = measure(detector)
                found = choose(trials)
                _write(file, identity, found, trials)
    except OSError as error:
        get_logger().warning(
            "The precision auto is %s here, because what would be measured cannot be kept in %s "
            "(%s); PERPLEXITY_DETECTOR_HOME names another folder.",
            EXACT, file.parent, error.strerror or error,
        )  # fmt: skip
        return EXACT
    return found


def candidates() -> list[str]:
    """The precisions that this processor multiplies quickly, the most exact first.

    int8 is none of them: on hundreds of texts it changes verdicts several times as often as
    bfloat16 (benchmarks/results/precision.json), more than twelve texts can show.
    """
    return [EXACT, *(["bfloat16"] if multiplies_bfloat16() else [])]


def choose(trials: Mapping[str, Trial]) -> str:
    """The fastest of those that change no verdict.

    Args:
        trials: by precision, the most exact first; that one changes nothing.

    Example:
        >>> choose({"float32": Trial(0, 3.0), "bfloat16": Trial(0, 2.0), "int8": Trial(1)})
        'bfloat16'
    """
    (chosen, best), *others = [
        (name, trial.seconds) for name, trial in trials.items() if trial.seconds is not None
    ]
    for name, seconds in others:
        if seconds * ADVANTAGE < best:
            chosen, best = name, seconds
    return chosen


# --- measuring ------------------------------------------------------------------------------


def measure(detector: Detector) -> dict[str, Trial]:
    """Read the texts in each precision, the most exact first."""
    texts = json.loads(_TEXTS.read_text(encoding="utf-8"))
    names = candidates()
    expected: list[str] | None = None
    trials: dict[str, Trial] = {}
    total = len(names) * (1 + ROUNDS)
    with tqdm(total=total, desc="measuring precisions", unit=" rounds", disable=None) as bar:
        for name in names:
            # a cache would save the reading that is to be measured
            tried = detector.with_reading(precision=name, cache=None, progress=False)
            try:
                verdicts = [one.verdict for one in tried.assess_texts(texts)]
            except LanguageModelError:
                if expected is None:
                    raise
                trials[name] = Trial(None)
                continue
            expected = expected or verdicts
            changed = sum(one != other for one, other in zip(verdicts, expected, strict=True))
            seconds = None
            bar.update(1)
            if not changed:
                taken = []
                for _ in range(ROUNDS):
                    # of all threads; other programs hardly change it, unlike the time that passes
                    start = time.process_time()
                    tried.assess_texts(texts)
                    taken.append(time.process_time() - start)
                    bar.update(1)
                seconds = min(taken)
            trials[name] = Trial(changed, seconds)
    # models in precisions that were tried take memory that nobody will use
    load_scorer.cache_clear()
    release_memory()
    return trials


# --- what is kept ---------------------------------------------------------------------------


def identify(detector: Detector) -> dict[str, Any]:
    """What the choice depends on, as plain values.

    The number of threads is left out: each reads batches of its own, so that it changes the speed
    of all precisions alike; and workers with fewer of them must choose what the others do.
    """
    return {
        "processor": processor(),
        "torch": torch.__version__,
        "package": __version__,
        "language_model": detector.language_model_,
        "detector": detector_sha256(detector),
        "fpr": detector.fpr,
    }


def processor() -> dict[str, Any]:
    """Name, architecture and instructions of this machine's processor."""
    # of torch 2.9 and later
    known: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return {
        "name": known.get("cpu_name") or platform.processor() or platform.machine(),
        "architecture": platform.machine(),
        "instructions": sorted(name for name, has in known.items() if has is True),
        "bfloat16": multiplies_bfloat16(),
    }


def kept_in(identity: Mapping[str, Any]) -> Path:
    """The file of a choice."""
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return catalogue.cache_dir() / "precision" / f"{digest[:16]}.json"


def read(file: Path, identity: Mapping[str, Any]) -> str | None:
    """The choice that a file holds; None if there is none, or it is damaged or another's."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(kept, dict) or kept.get("identity") != identity:
        return None
    found = kept.get("precision")
    return str(found) if found in candidates() else None


def _write(file: Path, identity: Mapping[str, Any], chosen: str, trials: dict[str, Trial]) -> None:
    figures = {name: asdict(trial) for name, trial in trials.items()}
    values = {"precision": chosen, "trials": figures, "identity": identity}
    partial = file.with_suffix(".part")  # of one process: the lock is held
    with open_no_link(partial, "w") as opened:
        opened.write(json.dumps(values, indent=1) + "\n")
    replace_file(partial, file)
    get_logger().info("precision auto is %s: %s", chosen, json.dumps(figures))


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Let one process measure at a time; others wait for it.

    Raises:
        OSError: the folder cannot be written, or another process takes too long.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = file.with_suffix(".lock")
    with FileLock(lock, timeout=_LOCK_SECONDS, fallback_to_soft=False):
        yield
