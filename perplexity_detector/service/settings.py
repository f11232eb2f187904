"""What an operator can set: limits, rates, and where things are kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

#: The environment variable with the key that requests must show.
API_KEY = "PERPLEXITY_DETECTOR_API_KEY"
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Settings:
    """Limits of the service; sizes of texts in estimated tokens are `batching.size`.

    Attributes:
        data: the folder with the log.
        api_key: what requests must show; None lets everybody in.
        max_texts: texts in one request.
        max_characters: characters in one text.
        max_body: bytes of a request's body, files apart.
        max_file: bytes of a file.
        head_seconds: in which a request's head must arrive, or some of an answer be taken.
        body_seconds: until a body must begin to arrive at `body_rate`.
        body_rate: bytes a second that a body must have on average after that.
        queue_tokens: estimated tokens that may wait for the language model.
        batch_tokens: estimated tokens that are read together.
        gather_seconds: how long the first request of a batch waits for others.
        at_once_tokens: a file up to this size is answered at once; a larger one becomes a job.
        max_jobs: jobs that are kept, finished ones too.
        job_seconds: how long a finished job is kept.
        grace_seconds: how long running requests may take to finish when the service is stopped.
    """

    data: Path = Path("data")
    api_key: str | None = None
    max_texts: int = 1_000
    max_characters: int = 50_000
    max_body: int = 16 * MEGABYTE
    max_file: int = 100 * MEGABYTE
    head_seconds: float = 10.0
    body_seconds: float = 20.0
    body_rate: float = 50_000.0
    queue_tokens: int = 500_000
    batch_tokens: int = 4_096
    gather_seconds: float = 0.005
    sync_max_tokens: int = 20_000
    max_jobs: int = 20
    job_seconds: float = 3_600.0
    grace_seconds: float = 120.0
