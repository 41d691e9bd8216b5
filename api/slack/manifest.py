"""The app manifest that Slack makes our app from: its scopes, events and addresses. Pure.

>>> manifest()["settings"]["socket_mode_enabled"]
True
>>> manifest("https://desk.example")["oauth_config"]["redirect_urls"]
['https://desk.example/slack/oauth_redirect']
"""

from typing import Any
from urllib.parse import urlsplit

from rag.errors import InputError

EVENTS_PATH = "/slack/events"
REDIRECT_PATH = "/slack/oauth_redirect"
COMMAND = "/dateline"
# What the bot is told of, and what it may do: each scope is asked for by what stands beside it.
BOT_EVENTS = (
    "app_mention",
    "app_uninstalled",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "tokens_revoked",
)
BOT_SCOPES = (
    "app_mentions:read",  # app_mention
    "channels:history",  # message.channels, and the thread in which the bot is first mentioned
    "chat:write",  # answers
    "commands",  # /dateline
    "groups:history",  # the same in private channels
    "im:history",  # the same in direct messages
    "mpim:history",  # the same in direct messages of several people
)
_ABOUT = (
    "Answers questions about your news archive, each with quotations checked letter for letter."
)
_LONG = (
    "Ask Dateline about the articles in your archive: mention it in a channel, write to it "
    "directly, or use /dateline. It answers in the thread with the sentences that prove the "
    "answer, each with headline, outlet, day and who said it. When accounts differ it shows them "
    "beside each other, and when the archive holds no answer it says so."
)


def manifest(url: str | None = None) -> dict[str, Any]:  # Any: JSON
    """Return the manifest for events over HTTP at the public address `url`, or for Socket Mode.

    Raises: InputError when Slack would not send anything to `url`.
    """
    base = _base(url) if url is not None else None
    to_events = {"request_url": f"{base}{EVENTS_PATH}"} if base else {}
    command = {
        "command": COMMAND,
        "description": "Ask the archive, choose which articles may answer, or get help",
        "usage_hint": "ask QUESTION | filters after:2020-03-01 source:NAME | help",
    }
    redirect = {"redirect_urls": [f"{base}{REDIRECT_PATH}"]} if base else {}
    return {
        "display_information": {
            "name": "Dateline",
            "description": _ABOUT,
            "long_description": _LONG,
            "background_color": "#22304f",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": False,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "Dateline", "always_online": True},
            "slash_commands": [command | ({"url": f"{base}{EVENTS_PATH}"} if base else {})],
        },
        "oauth_config": {"scopes": {"bot": list(BOT_SCOPES)}, **redirect},
        "settings": {
            "event_subscriptions": {"bot_events": list(BOT_EVENTS), **to_events},
            "interactivity": {"is_enabled": True, **to_events},
            "org_deploy_enabled": False,
            "socket_mode_enabled": base is None,
            "token_rotation_enabled": False,
        },
    }


def _base(url: str) -> str:
    try:
        parts = urlsplit(url.strip())
        known = (parts.scheme, bool(parts.hostname), parts.query + parts.fragment)
    except ValueError:
        known = ("", False, "")
    if known != ("https", True, ""):
        raise InputError(f"{url!r} is no address that Slack sends to; write https://desk.example")
    return url.strip().rstrip("/")
