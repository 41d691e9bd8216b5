"""Settings, read from `DATELINE_*` and `.env`; the only reader of the environment.

>>> Settings(data_dir="/tmp/archive").data_dir
PosixPath('/tmp/archive')
"""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

# Raise it when passages of the same text come out differently, so that old indexes are refused.
SPLITTER_VERSION = "sentence-1"


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

    @property
    def catalog_url(self) -> str:
        """The catalog's SQLAlchemy URL."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'catalog.sqlite3'}"

    @property
    def splitter(self) -> str:
        """What decides where passages begin and end; part of the index fingerprint."""
        return f"{SPLITTER_VERSION}/{self.passage_tokens}"
