"""The app manifest, by Slack's own schema, and that it asks for no more than the bot uses."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]  # ships no types

from api.slack.manifest import BOT_EVENTS, BOT_SCOPES, EVENTS_PATH, REDIRECT_PATH, manifest
from rag.errors import InputError
from rag.settings import Settings

PAGE = Path("api/slack/README.md")
SCHEMA = Path(__file__).parent / "manifest_schema" / "manifest.schema.1.0.0.json"
# By Slack's reference of events; the others need no scope.
NEEDED = {
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
}


def wrong(found: dict[str, Any]) -> list[str]:
    return [
        error.message
        for error in Draft7Validator(json.loads(SCHEMA.read_text())).iter_errors(found)
    ]


@pytest.mark.parametrize("url", [None, "https://desk.example"])
def test_slacks_own_schema_accepts_it(url: str | None) -> None:
    assert wrong(manifest(url)) == []


def test_the_schema_refuses_what_is_no_manifest() -> None:
    broken = manifest() | {"display_information": {"name": "a" * 36}, "other": 1}
    assert sorted(wrong(broken)) == [
        f"'{'a' * 36}' is too long",
        "Additional properties are not allowed ('other' was unexpected)",
    ]


def test_over_http_everything_comes_to_one_address() -> None:
    made = manifest("https://desk.example/app/")
    settings = made["settings"]
    assert settings["socket_mode_enabled"] is False
    assert settings["event_subscriptions"]["request_url"] == "https://desk.example/app/slack/events"
    assert settings["interactivity"] == {
        "is_enabled": True,
        "request_url": "https://desk.example/app/slack/events",
    }
    [command] = made["features"]["slash_commands"]
    assert command["url"] == "https://desk.example/app/slack/events"
    assert made["oauth_config"]["redirect_urls"] == [
        "https://desk.example/app/slack/oauth_redirect"
    ]


def test_socket_mode_needs_no_address() -> None:
    made = manifest()
    assert made["settings"]["socket_mode_enabled"] is True
    assert "https" not in json.dumps(made)


def test_people_can_write_to_the_bot_directly() -> None:
    home = manifest()["features"]["app_home"]
    assert (home["messages_tab_enabled"], home["messages_tab_read_only_enabled"]) == (True, False)


def test_each_event_has_its_scope_and_no_scope_is_asked_for_in_vain() -> None:
    needed = {NEEDED[event] for event in BOT_EVENTS if event in NEEDED}
    assert set(BOT_SCOPES) == needed | {"chat:write", "commands"}


@pytest.mark.parametrize(
    "url",
    [
        "http://desk.example",
        "desk.example",
        "https://",
        "https://desk.example?a=1",
        "https://[",
        "",
    ],
)
def test_an_address_that_slack_would_not_send_to_is_refused(url: str) -> None:
    with pytest.raises(InputError, match=r"write https://desk\.example"):
        manifest(url)


def test_the_setup_page_names_the_scopes_that_are_asked_for() -> None:
    scopes = re.findall(r"`([a-z_]+:(?:read|history|write))`|`(commands)`", PAGE.read_text())
    named = {name for found in scopes for name in found if name}
    assert named - {"connections:write"} == set(BOT_SCOPES)


def test_the_setup_page_names_settings_pictures_and_addresses_that_exist() -> None:
    page = PAGE.read_text()
    settings = {name.lower() for name in re.findall(r"DATELINE_([A-Z_]+)", page)}
    assert settings <= Settings.model_fields.keys()
    assert {name for name in Settings.model_fields if name.startswith("slack_")} <= settings
    pictures = re.findall(r"\(screenshots/([^)]+)\)", page)
    assert sorted(pictures) == sorted(path.name for path in (PAGE.parent / "screenshots").iterdir())
    assert {EVENTS_PATH, REDIRECT_PATH} <= set(re.findall(r"/slack/[a-z_]+", page))
