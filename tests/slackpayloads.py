"""What Slack sends to an app, field by field as it does, and how it signs that.

>>> event_payload("app_mention", text="<@U0DATELINE> who was blamed?")["event"]["channel"]
'C0DESK'
"""

import itertools
import json
import time
from typing import Any
from urllib.parse import urlencode

from slack_sdk.signature import SignatureVerifier

# Any below: JSON as Slack sends it.
APP = "A0DATELINE"
TEAM = "T0DESK"
BOT_USER = "U0DATELINE"
BOT_ID = "B0DATELINE"
CHANNEL = "C0DESK"
ANNA = "U0ANNA"
_MOMENTS = itertools.count(1)


def new_ts() -> str:
    """Return a time of a message that no other has."""
    return f"{int(time.time())}.{next(_MOMENTS):06d}"


def trigger_id() -> str:
    """Return what `views.open` takes for three seconds from now on."""
    return f"{time.monotonic():.3f}.1337.trigger"


def event_payload(
    kind: str,
    *,
    text: str = "",
    channel: str = CHANNEL,
    user: str = ANNA,
    team: str = TEAM,
    ts: str | None = None,
    thread_ts: str | None = None,
    subtype: str | None = None,
    event_id: str | None = None,
    enterprise: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return the payload of an event: app_mention, message, app_uninstalled, tokens_revoked.

    `subtype` of a message is message_changed, message_deleted or bot_message; `more` goes into the
    event itself, as bot_id=BOT_ID does for what the bot said.
    """
    if kind in ("app_uninstalled", "tokens_revoked"):
        event: dict[str, Any] = {"type": kind, "event_ts": new_ts()}
        if kind == "tokens_revoked":
            event["tokens"] = {"oauth": [], "bot": [BOT_USER]}
    else:
        said = _said(text, user, team, ts or new_ts(), thread_ts)
        event = _about(said, channel, subtype) | {"type": kind}
        if kind == "app_mention":
            del event["channel_type"]
    return _callback(event | more, team, event_id, enterprise)


def _said(text: str, user: str, team: str, ts: str, thread_ts: str | None) -> dict[str, Any]:
    words = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    said = {
        "type": "message",
        "user": user,
        "text": text,
        "ts": ts,
        "client_msg_id": f"00000000-0000-4000-8000-{ts[-6:]:>012}",
        "team": team,
        "blocks": [{"type": "rich_text", "block_id": "b1", "elements": [words]}],
    }
    return said | ({"thread_ts": thread_ts} if thread_ts else {})


def _about(said: dict[str, Any], channel: str, subtype: str | None) -> dict[str, Any]:
    """Return the event that tells of the message `said`."""
    kind = {"C": "channel", "G": "group", "D": "im"}[channel[0]]
    where = {"channel": channel, "channel_type": kind}
    if subtype == "bot_message":
        said = {k: v for k, v in said.items() if k not in ("user", "client_msg_id")}
        said |= {"subtype": subtype, "bot_id": "B0OTHER", "username": "another bot"}
    if subtype not in ("message_changed", "message_deleted"):
        return said | where | {"event_ts": said["ts"]}
    now = new_ts()
    changed = {"subtype": subtype, "hidden": True, "ts": now, "event_ts": now}
    if subtype == "message_deleted":
        return where | changed | {"deleted_ts": said["ts"], "previous_message": said}
    edited = said | {"edited": {"user": said["user"], "ts": now}}
    return where | changed | {"message": edited, "previous_message": said | {"text": "before"}}


def _callback(
    event: dict[str, Any], team: str, event_id: str | None, enterprise: str | None
) -> dict[str, Any]:
    authorized = {
        "enterprise_id": enterprise,
        "team_id": team,
        "user_id": BOT_USER,
        "is_bot": True,
        "is_enterprise_install": False,
    }
    return {
        "token": "verification-token",
        "team_id": team,
        "context_team_id": team,
        "context_enterprise_id": enterprise,
        "api_app_id": APP,
        "event": event,
        "type": "event_callback",
        "event_id": event_id or f"Ev{next(_MOMENTS):09d}",
        "event_time": int(time.time()),
        "authorizations": [authorized],
        "is_ext_shared_channel": False,
        "event_context": "4-eyJldCI6Im1lc3NhZ2UifQ",
    }


def slash_command(
    text: str,
    *,
    response_url: str,
    command: str = "/dateline",
    channel: str = CHANNEL,
    user: str = ANNA,
    team: str = TEAM,
) -> dict[str, Any]:
    """Return the fields of a slash command; `response_url` is one of the server's."""
    return {
        "token": "verification-token",
        "team_id": team,
        "team_domain": "desk",
        "channel_id": channel,
        "channel_name": "directmessage" if channel.startswith("D") else "desk",
        "user_id": user,
        "user_name": "anna",
        "command": command,
        "text": text,
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": trigger_id(),
    }


def block_action(
    action: dict[str, Any],
    *,
    message: dict[str, Any],
    response_url: str,
    channel: str = CHANNEL,
    user: str = ANNA,
    team: str = TEAM,
) -> dict[str, Any]:
    """Return the payload of a click on `action`, an element of `message` with its `value`."""
    container = {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": channel,
        "is_ephemeral": False,
    }
    if message.get("thread_ts"):
        container["thread_ts"] = message["thread_ts"]
    clicked = {"block_id": "b9", "action_ts": new_ts()} | action
    return {
        "type": "block_actions",
        "user": {"id": user, "username": "anna", "name": "anna", "team_id": team},
        "api_app_id": APP,
        "token": "verification-token",
        "container": container,
        "trigger_id": trigger_id(),
        "team": {"id": team, "domain": "desk"},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": channel, "name": "desk"},
        "message": message,
        "state": {"values": {}},
        "response_url": response_url,
        "actions": [clicked],
    }


def url_verification(challenge: str) -> dict[str, Any]:
    """Return what Slack sends once when a request URL is saved."""
    return {"token": "verification-token", "challenge": challenge, "type": "url_verification"}


def app_rate_limited(minute: int, *, team: str = TEAM) -> dict[str, Any]:
    """Return what Slack sends when it holds events back; it has no event inside."""
    return {
        "token": "verification-token",
        "type": "app_rate_limited",
        "team_id": team,
        "minute_rate_limited": minute,
        "api_app_id": APP,
    }


def body(payload: dict[str, Any]) -> tuple[bytes, str]:
    """Return the raw body in which Slack delivers `payload` over HTTP, and its content type."""
    form = "application/x-www-form-urlencoded"
    if "command" in payload:
        return urlencode(payload).encode(), form
    if payload["type"] == "block_actions":
        return urlencode({"payload": json.dumps(payload)}).encode(), form
    return json.dumps(payload).encode(), "application/json"


def sign(raw: bytes, secret: str, timestamp: int | None = None) -> dict[str, str]:
    """Return the headers that prove that Slack sent `raw` at `timestamp`, by default now."""
    when = str(int(time.time()) if timestamp is None else timestamp)
    signature = SignatureVerifier(secret).generate_signature(timestamp=when, body=raw)
    return {"X-Slack-Request-Timestamp": when, "X-Slack-Signature": signature or ""}
