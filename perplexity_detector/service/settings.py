"""Settings of the service: limits, rates and the API key, from options and the environment."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from perplexity_detector.errors import InputError
from perplexity_detector.io.limits import DEFAULT_LIMITS, Limits

#: The environment variable of a setting is its name in capitals after this.
PREFIX = "PERPLEXITY_DETECTOR_"
API_KEY = PREFIX + "API_KEY"
TRUSTED_HOSTS = PREFIX + "TRUSTED_HOSTS"
ALLOWED_ORIGINS = PREFIX + "ALLOWED_ORIGINS"
MEGABYTE = 1_000_000
_ORIGIN = re.compile(r"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.ASCII)

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Settings(BaseSettings):
    """What an operator can set; an argument takes precedence over the environment variable.

    Sizes in tokens are estimates, see `micro_batching.estimate_tokens`.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, hide_input_in_errors=True)

    api_key: SecretStr | None = Field(
        None, description="Key that requests must show; without one, anybody may use the service."
    )
    trusted_hosts: str = Field(
        "",
        description="Names and addresses, separated by commas, by which the service may be "
        "asked for, besides this machine's own (`localhost`) and `--host`; `*` for any.",
    )
    allowed_origins: str = Field(
        "",
        description="Origins, such as `https://school.example`, separated by commas, whose pages "
        "may call the API and embed the form `/embed`; without any, there is no `/embed`.",
    )
    max_texts: Count = Field(1_000, description="Texts in one request.")
    max_characters: Count = Field(50_000, description="Characters in one text.")
    max_body_bytes: Count = Field(
        16 * MEGABYTE, description="Bytes of a request's body; files have a limit of their own."
    )
    max_file_bytes: Count = Field(
        100 * MEGABYTE, description="Bytes of a file, packed and unpacked."
    )
    max_file_rows: Count = Field(1_000_000, description="Rows of a table.")
    max_file_memory: Count = Field(
        1_000 * MEGABYTE,
        description="Bytes of memory of the process that parses documents or parquet (Linux only).",
    )
    file_seconds: Positive = Field(120.0, description="Seconds that reading a file may take.")
    head_seconds: Positive = Field(
        10.0,
        description="Seconds within which a request's head must arrive, or the client must take "
        "more of its answer.",
    )
    body_seconds: Positive = Field(
        20.0, description="Seconds that a body may take on top of what `body_rate` allows."
    )
    body_rate: Positive = Field(
        50_000.0, description="Bytes a second at which a body must arrive on average."
    )
    queue_tokens: Count = Field(
        500_000, description="Tokens that may wait for the language model; beyond that, 503."
    )
    batch_tokens: Count = Field(
        4_096, description="Tokens that are read together; a GPU reads more if that is faster."
    )
    gather_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        0.005, description="Seconds that the first request of a batch waits for others."
    )
    sync_max_tokens: Count = Field(
        20_000, description="Tokens up to which a file is answered at once; a larger one is a job."
    )
    max_jobs: Count = Field(
        20,
        description="Jobs that are kept; the oldest finished one makes room for another. Files "
        "that are still received have as many places of their own.",
    )
    client_share: Annotated[float, Field(gt=0, le=1)] = Field(
        0.5, description="Share of these places that the unfinished files of one address may take."
    )
    job_seconds: Positive = Field(3_600.0, description="Seconds that a finished job is kept.")
    max_recalibrated_detectors: Annotated[int, Field(ge=0)] = Field(
        0,
        description="Detectors that `POST /v1/detectors/recalibrate` may make; 0 turns it off, and "
        "more needs an API key.",
    )
    grace_seconds: Annotated[int, Field(ge=1)] = Field(
        120, description="Seconds that running requests may take to finish after SIGTERM."
    )

    @field_validator("max_recalibrated_detectors")
    @classmethod
    def _require_key(cls, limit: int, others: ValidationInfo) -> int:
        if limit and others.data.get("api_key") is None:
            raise ValueError(f"needs an API key: set {API_KEY}, too")
        return limit

    def limits(self) -> Limits:
        """The limits within which uploaded files are read."""
        most = self.max_file_bytes
        return Limits(
            bytes=most,
            rows=self.max_file_rows,
            seconds=self.file_seconds,
            memory=self.max_file_memory,
            document_bytes=min(most, DEFAULT_LIMITS.document_bytes),
            docx_bytes=min(most, DEFAULT_LIMITS.docx_bytes),
        )

    @field_validator("allowed_origins")
    @classmethod
    def _check_origins(cls, origins: str) -> str:
        given = [origin.strip().lower() for origin in origins.split(",") if origin.strip()]
        for origin in given:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    "is a list of origins such as https://school.example, without a path, "
                    f"separated by commas; {origin} is none"
                )
        return ",".join(map(_without_default_port, given))

    @property
    def origins(self) -> list[str]:
        """The allowed origins, as browsers write them."""
        return self.allowed_origins.split(",") if self.allowed_origins else []

    def trusting(self, host: str) -> Settings:
        """The same, with one more trusted host."""
        return self.model_copy(update={"trusted_hosts": f"{self.trusted_hosts},{host}"})

    @field_validator("api_key")
    @classmethod
    def _strip_key(cls, key: SecretStr | None) -> SecretStr | None:
        if key is None:
            return None
        stripped = key.get_secret_value().strip()
        if not stripped:
            raise ValueError("is empty: give it a long random value, or unset it")
        return SecretStr(stripped)


def _without_default_port(origin: str) -> str:
    """An origin as browsers write it.

    Example:
        >>> _without_default_port("https://a.example:443"), _without_default_port("http://a:8000")
        ('https://a.example', 'http://a:8000')
    """
    scheme = origin.partition(":")[0]
    return origin.removesuffix(":443" if scheme == "https" else ":80")


def environment_variable(setting: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + setting.upper()


def load_settings(**options: Any) -> Settings:
    """Settings from options and the environment; an option that is None is not given.

    Raises:
        InputError: a value cannot be used.
    """
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        problem = error.errors(include_input=False)[0]
        setting = str(problem["loc"][0])
        named = setting if setting in given else environment_variable(setting)
        # pydantic's own messages begin with "Input should be"
        reason = problem["msg"].removeprefix("Value error, ").replace("Input should", "should", 1)
        raise InputError(f"{named} {reason}.", setting) from None
