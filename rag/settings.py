"""Settings, read from `DATELINE_*` and `.env`; the only reader of the environment.

>>> Settings(data_dir="/tmp/archive").data_dir
PosixPath('/tmp/archive')
"""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from rag.errors import ConfigurationError

# Raise it when passages of the same text come out differently, so that old indexes are refused.
SPLITTER_VERSION = "sentence-1"
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:.]+\](:\d{1,5})?")


def _listed(given: object) -> object:
    """Return the parts of a text between its commas, which is how a list is written."""
    if not isinstance(given, str):
        return given
    return tuple(part.strip() for part in given.split(",") if part.strip())


# NoDecode, because pydantic-settings would read a list as JSON.
Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]


class Settings(BaseSettings):
    """What an operator may choose; every field is `DATELINE_` plus its name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix="DATELINE_", env_file=".env", extra="ignore", frozen=True
    )

    data_dir: Path = Field(default=Path("dateline-data"), description="catalog, vectors and BM25")
    database_url: str | None = Field(
        default=None, description="SQLAlchemy URL of the catalog; default: SQLite in data_dir"
    )
    passage_tokens: int = Field(
        default=200, ge=32, le=256, description="longest passage, in tokens"
    )
    threads: int = Field(
        default=0, ge=0, description="texts encoded or read at once; 0: one a core"
    )
    host: str = "127.0.0.1"
    port: int = Field(default=8321, ge=1, le=65_535)
    max_body_bytes: int = Field(default=20_000_000, ge=1_000, description="largest HTTP request")
    concurrency: int = Field(default=4, ge=1, le=256, description="questions answered at once")
    queue: int = Field(default=64, ge=0, le=10_000, description="requests that wait; more get 503")
    queue_wait_s: float = Field(default=10, gt=0, le=600, description="how long one waits")
    keep_days: int = Field(
        default=30, ge=0, le=3_650, description="sessions and answers, after the last word; 0: none"
    )
    body_timeout_s: float = Field(
        default=30, gt=0, le=3_600, description="between two pieces of a request's body"
    )
    auth: Literal["auto", "on", "off"] = Field(
        default="auto", description="auto: keys are asked for as soon as one was ever made"
    )
    allowed_hosts: Listed = Field(
        default=(), description="names that the server goes by; default without keys: loopback"
    )
    cors_origins: Listed = Field(
        default=(), description="origins whose pages may ask, such as https://desk.example"
    )
    rate_limit: str = Field(
        default="600/minute", description="of each key, else each address; several by `;`; off"
    )
    url: str | None = Field(
        default=None, description="a running server that commands ask; default: the data directory"
    )
    api_key: SecretStr | None = Field(default=None, description="what commands send to that server")
    mcp: bool = Field(default=False, description="serve tools for other agents at /mcp")
    slack_bot_token: SecretStr | None = Field(default=None, description="xoxb-…: one workspace")
    slack_app_token: SecretStr | None = Field(default=None, description="xapp-…: Socket Mode")
    slack_signing_secret: SecretStr | None = Field(
        default=None, description="of events over HTTP: what Slack signs them with"
    )
    slack_client_id: str | None = Field(default=None, description="several workspaces: OAuth")
    slack_client_secret: SecretStr | None = Field(default=None, description="its secret")
    slack_api_url: str = Field(
        default="https://slack.com/api/", description="GovSlack: https://slack-gov.com/api/"
    )
    otlp_endpoint: str | None = Field(
        default=None, description="base URL of an OpenTelemetry collector; default: no traces"
    )
    llm_url: str | None = Field(
        default=None, description="base URL of an OpenAI-compatible server; default: no LLM"
    )
    llm_model: str | None = Field(default=None, description="the model's name on that server")
    llm_api_key: SecretStr | None = Field(default=None, description="sent as a bearer token")
    llm_connect_timeout_s: float = Field(default=3, gt=0, le=60, description="to reach the server")
    llm_read_timeout_s: float = Field(default=15, gt=0, le=600, description="between two tokens")
    llm_total_timeout_s: float = Field(default=20, gt=0, le=600, description="for a whole answer")
    llm_wait_s: float = Field(default=2, ge=0, le=60, description="for a turn, when all are taken")
    llm_concurrency: int = Field(default=4, ge=1, le=256, description="calls at once")
    llm_retries: int = Field(default=2, ge=0, le=5, description="after 429, 5xx and no connection")
    llm_max_tokens: int = Field(default=300, ge=32, le=4_096, description="longest answer")
    llm_context_tokens: int = Field(
        default=4_096, ge=1_024, le=1_000_000, description="what prompt and answer may fill"
    )

    @field_validator("cors_origins")
    @classmethod
    def _exact_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"{origin!r} is no origin: scheme, host and port, such as https://desk.example"
                )
        return origins

    @field_validator("otlp_endpoint")
    @classmethod
    def _http_collector(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("http://", "https://")):
            raise ValueError("it must begin with http:// or https://: http://127.0.0.1:4318")
        return url

    @model_validator(mode="after")
    def _whole_llm(self) -> Self:
        if bool(self.llm_url) != bool(self.llm_model):
            given, missing = ("URL", "MODEL") if self.llm_url else ("MODEL", "URL")
            raise ConfigurationError(
                f"DATELINE_LLM_{given} is set without DATELINE_LLM_{missing}: set both for answers "
                "written by a language model, or none for extractive ones"
            )
        if self.llm_url and not self.llm_url.startswith(("http://", "https://")):
            raise ConfigurationError(
                "DATELINE_LLM_URL must begin with http:// or https://, such as http://127.0.0.1:8080/v1"
            )
        if self.llm_max_tokens > self.llm_context_tokens // 2:
            raise ConfigurationError(
                f"DATELINE_LLM_MAX_TOKENS={self.llm_max_tokens} leaves too little of "
                f"DATELINE_LLM_CONTEXT_TOKENS={self.llm_context_tokens} for passages: at most half"
            )
        return self

    @property
    def catalog_url(self) -> str:
        """The catalog's SQLAlchemy URL."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'catalog.sqlite3'}"

    @property
    def splitter(self) -> str:
        """What decides where passages begin and end; part of the index fingerprint."""
        return f"{SPLITTER_VERSION}/{self.passage_tokens}"
