"""Settings come from DATELINE_* and .env, and mistakes in them are refused at the start."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from api.commands import options
from rag.errors import ConfigurationError
from rag.settings import Settings


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_any_setting_everything_lies_in_one_folder_here(tmp_path: Path) -> None:
    settings = Settings()
    assert settings.data_dir == Path("dateline-data")
    assert settings.catalog_url == f"sqlite:///{tmp_path / 'dateline-data' / 'catalog.sqlite3'}"
    assert settings.host == "127.0.0.1"
    assert settings.splitter == "sentence-1/200"


def test_the_environment_is_read_and_goes_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("DATELINE_PASSAGE_TOKENS=64\nDATELINE_PORT=9000\n")
    monkeypatch.setenv("DATELINE_PORT", "9001")
    assert (Settings().passage_tokens, Settings().port) == (64, 9001)


def test_a_file_that_is_no_utf_8_is_named(tmp_path: Path) -> None:
    # As `echo DATELINE_PORT=9000 > .env` writes it in PowerShell 5.
    (tmp_path / ".env").write_text("DATELINE_PORT=9000\n", encoding="utf-16")
    with pytest.raises(ConfigurationError, match=r"^\.env cannot be read, which must be UTF-8"):
        options.settings(None)


def test_variables_without_the_prefix_are_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9001")
    monkeypatch.setenv("DATA_DIR", "/elsewhere")
    assert (Settings().port, Settings().data_dir) == (8321, Path("dateline-data"))


def test_a_database_elsewhere_replaces_the_file() -> None:
    url = "postgresql://db.example/dateline"
    assert Settings(database_url=url).catalog_url == url


def test_the_length_of_passages_is_part_of_what_makes_an_index() -> None:
    assert Settings(passage_tokens=100).splitter != Settings(passage_tokens=101).splitter


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATELINE_PASSAGE_TOKENS", "257"),
        ("DATELINE_PASSAGE_TOKENS", "many"),
        ("DATELINE_PORT", "0"),
        ("DATELINE_PORT", "65536"),
        ("DATELINE_THREADS", "-1"),
        ("DATELINE_MAX_BODY_BYTES", "10"),
        ("DATELINE_LLM_RETRIES", "6"),
        ("DATELINE_LLM_CONCURRENCY", "0"),
        ("DATELINE_LLM_TOTAL_TIMEOUT_S", "0"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name.removeprefix("DATELINE_").lower()):
        Settings()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"llm_url": "http://127.0.0.1:1/v1"}, "LLM_URL is set without DATELINE_LLM_MODEL"),
        ({"llm_model": "m"}, "LLM_MODEL is set without DATELINE_LLM_URL"),
        ({"llm_url": "127.0.0.1:1", "llm_model": "m"}, "must begin with http"),
        ({"llm_max_tokens": 2_100}, "LLM_MAX_TOKENS=2100 leaves too little"),
    ],
)
def test_settings_of_the_language_model_that_contradict_each_other_say_what_to_do(
    fields: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigurationError, match=told):
        Settings(**fields)


def test_the_key_of_the_language_model_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATELINE_LLM_API_KEY", "sk-very-secret")
    settings = Settings()
    assert settings.llm_api_key is not None
    assert settings.llm_api_key.get_secret_value() == "sk-very-secret"
    assert "very-secret" not in f"{settings!r} {settings.model_dump()} {settings.model_dump_json()}"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1  # type: ignore[misc]
