"""A workspace as Slack keeps it: who may do what, and what a person would see at the end.

>>> Workspace().call("chat.postMessage", {"channel": "C0DESK", "text": "hello"}, "xoxb-desk")["ok"]
True

The refusals are those of Slack's reference; those that it does not document were seen by others:
streams of one kind (`streaming_mode_mismatch`), no edit of an open one (`streaming_state_conflict`)
and 12,000 characters in all (`msg_too_long`).
"""

import re
import time
from dataclasses import dataclass
from typing import Any, NamedTuple

from tests import slacklimits
from tests.slackmessages import Message, Refused, checked, required, stream, text_of
from tests.slackpayloads import APP, BOT_ID, BOT_USER, TEAM, new_ts

# Any below: JSON that came over HTTP, or goes there.
BOT_TOKEN = "xoxb-desk"  # noqa: S105
APP_TOKEN = "xapp-desk"  # noqa: S105
CLIENT_ID = "111.222"
CLIENT_SECRET = "secret-of-the-client"  # noqa: S105
SCOPES = "app_mentions:read,channels:history,chat:write,commands,groups:history,im:history"


class Team(NamedTuple):
    """A workspace that the app is installed in."""

    team_id: str
    bot_user: str = BOT_USER
    bot_id: str = BOT_ID


@dataclass
class ResponseUrl:
    """Where an interaction is answered: five times, without a token."""

    channel: str
    user: str
    ts: str | None
    used: int = 0


class Workspace:
    """Channels, messages, views and tokens, and the methods of the Web API that change them."""

    def __init__(self) -> None:
        self.teams = {BOT_TOKEN: Team(TEAM)}
        self.revoked: set[str] = set()
        self.not_in: set[str] = set()
        self.codes: dict[str, str] = {}
        self.shown: list[Message] = []
        self.views: list[dict[str, Any]] = []
        self.responses: dict[str, ResponseUrl] = {}

    def call(self, method: str, args: dict[str, Any], token: str | None) -> dict[str, Any]:
        """Return what the method answers; raise Refused with the error where it would refuse."""
        do = getattr(self, f"_{method.replace('.', '_')}", None)
        if do is None:
            raise Refused("unknown_method")
        if method == "oauth.v2.access":
            return {"ok": True, **do(args)}
        answered: dict[str, Any] = do(args, self._team(token))
        return {"ok": True, **answered}

    def said(self, channel: str, ts: str) -> Message:
        """Return a message."""
        for message in self.shown:
            if (message.channel, message.ts) == (channel, ts):
                return message
        raise Refused("message_not_found")

    def show(self, message: Message) -> Message:
        """Put a message into its channel."""
        self.shown.append(message)
        return message

    def respond(self, place: str, said: dict[str, Any]) -> None:
        """Do what a post to a response URL asks for."""
        url = self.responses.get(place)
        if url is None or url.used >= 5:
            raise Refused("used_url")
        url.used += 1
        if url.ts and (said.get("delete_original") or said.get("replace_original")):
            original = self.said(url.channel, url.ts)
            if said.get("delete_original"):
                self.shown.remove(original)
                return
            original.text, original.blocks = text_of(said), checked(said.get("blocks"))
            original.edits += 1
            return
        message = self._written(said | {"channel": url.channel}, Team(TEAM))
        if said.get("response_type", "ephemeral") == "ephemeral":
            message.only_for = url.user
        self.show(message)

    def _team(self, token: str | None) -> Team:
        if token is None:
            raise Refused("not_authed")
        if token in self.revoked:
            raise Refused("token_revoked")
        if token not in self.teams:
            raise Refused("invalid_auth")
        return self.teams[token]

    def _channel(self, args: dict[str, Any]) -> str:
        channel = str(required(args, "channel")["channel"])
        if not re.fullmatch(r"[CGD][A-Z0-9]+", channel):
            raise Refused("channel_not_found")
        if channel in self.not_in:
            raise Refused("not_in_channel")
        return channel

    def _auth_test(self, _: dict[str, Any], team: Team) -> dict[str, Any]:
        return {
            "url": "https://desk.slack.com/",
            "team": "Desk",
            "user": "dateline",
            "team_id": team.team_id,
            "user_id": team.bot_user,
            "bot_id": team.bot_id,
            "is_enterprise_install": False,
        }

    def _oauth_v2_access(self, args: dict[str, Any]) -> dict[str, Any]:
        if args.get("client_id") != CLIENT_ID:
            raise Refused("invalid_client_id")
        if args.get("client_secret") != CLIENT_SECRET:
            raise Refused("bad_client_secret")
        token = self.codes.pop(args.get("code", ""), None)
        if token is None:
            raise Refused("invalid_code")
        team = self.teams[token]
        return {
            "access_token": token,
            "token_type": "bot",
            "scope": SCOPES,
            "bot_user_id": team.bot_user,
            "app_id": APP,
            "team": {"id": team.team_id, "name": team.team_id.lower()},
            "enterprise": None,
            "authed_user": {"id": "U0ADMIN"},
            "is_enterprise_install": False,
        }

    def _users_info(self, args: dict[str, Any], _: Team) -> dict[str, Any]:
        user = str(required(args, "user")["user"])
        if not re.fullmatch(r"[UW][A-Z0-9]+", user):
            raise Refused("user_not_found")
        name = user[2:].lower()
        person = {"id": user, "name": name, "real_name": name.title(), "tz": "Europe/London"}
        return {"user": person | {"is_bot": False, "profile": {"display_name": name}}}

    def _chat_postMessage(self, args: dict[str, Any], team: Team) -> dict[str, Any]:  # noqa: N802
        message = self.show(self._written(args, team))
        return {"channel": message.channel, "ts": message.ts, "message": message.json()}

    def _chat_postEphemeral(self, args: dict[str, Any], team: Team) -> dict[str, Any]:  # noqa: N802
        message = self.show(self._written(required(args, "user"), team))
        message.only_for = args["user"]
        return {"message_ts": message.ts}

    def _written(self, args: dict[str, Any], team: Team) -> Message:
        text, blocks = text_of(args), checked(args.get("blocks"))
        message = Message(self._channel(args), new_ts(), team.bot_user, text, args.get("thread_ts"))
        message.blocks, message.bot_id = blocks, team.bot_id
        return message

    def _chat_update(self, args: dict[str, Any], team: Team) -> dict[str, Any]:
        message = self.said(self._channel(args), required(args, "ts")["ts"])
        if message.bot_id != team.bot_id:
            raise Refused("cant_update_message")
        if message.stream == "open":
            raise Refused("streaming_state_conflict")
        message.text = text_of(args)
        if "blocks" in args:
            message.blocks = checked(args["blocks"])
        message.edits += 1
        told = {"channel": message.channel, "ts": message.ts, "text": message.text}
        return told | {"message": message.json()}

    def _chat_delete(self, args: dict[str, Any], team: Team) -> dict[str, Any]:
        message = self.said(self._channel(args), required(args, "ts")["ts"])
        if message.bot_id != team.bot_id:
            raise Refused("cant_delete_message")
        self.shown.remove(message)
        return {"channel": message.channel, "ts": message.ts}

    def _chat_startStream(self, args: dict[str, Any], team: Team) -> dict[str, Any]:  # noqa: N802
        channel = self._channel(args)
        required(args, "thread_ts")
        for name in ("recipient_team_id", "recipient_user_id"):
            if not args.get(name) and not channel.startswith("D"):
                raise Refused(f"missing_{name}")
        message = Message(channel, new_ts(), team.bot_user, bot_id=team.bot_id, stream="open")
        message.thread_ts = args["thread_ts"]
        stream(message, args)
        self.show(message)
        return {"channel": channel, "ts": message.ts}

    def _chat_appendStream(self, args: dict[str, Any], team: Team) -> dict[str, Any]:  # noqa: N802
        message = self._streaming(args, team)
        if not (args.get("markdown_text") or args.get("chunks")):
            raise Refused("no_text")
        stream(message, args)
        return {"channel": message.channel, "ts": message.ts}

    def _chat_stopStream(self, args: dict[str, Any], team: Team) -> dict[str, Any]:  # noqa: N802
        message = self._streaming(args, team)
        blocks = checked(args.get("blocks"))
        stream(message, args)
        message.blocks, message.stream = blocks, "stopped"
        told = {"channel": message.channel, "ts": message.ts}
        return told | {"message": message.json()}

    def _streaming(self, args: dict[str, Any], team: Team) -> Message:
        message = self.said(self._channel(args), required(args, "ts")["ts"])
        if message.bot_id != team.bot_id:
            raise Refused("message_not_owned_by_app")
        if message.stream == "stopped_by_user":
            raise Refused("stopped_by_user")
        if message.stream != "open":
            raise Refused("message_not_in_streaming_state")
        return message

    def _conversations_replies(self, args: dict[str, Any], _: Team) -> dict[str, Any]:
        channel, root = self._channel(args), str(required(args, "ts")["ts"])
        thread = [
            message.json()
            for message in sorted(self.shown, key=lambda one: one.ts)
            if message.channel == channel
            and root in (message.ts, message.thread_ts)
            and message.only_for is None
        ]
        if not any(message["ts"] == root for message in thread):
            raise Refused("thread_not_found")
        start, most = int(args.get("cursor") or 0), int(args.get("limit") or 1_000)
        more = start + most < len(thread)
        return {
            "messages": thread[start : start + most],
            "has_more": more,
            "response_metadata": {"next_cursor": str(start + most) if more else ""},
        }

    def _views_open(self, args: dict[str, Any], _: Team) -> dict[str, Any]:
        trigger = required(args, "trigger_id", "view")["trigger_id"]
        if not str(trigger).endswith(".1337.trigger"):
            raise Refused("invalid_trigger_id")
        if time.monotonic() - float(str(trigger).removesuffix(".1337.trigger")) > 3:
            raise Refused("expired_trigger_id")
        self.views.append(_fit_to_show(args["view"]))
        return {"view": {"id": f"V{len(self.views):08d}", **args["view"]}}

    def _views_update(self, args: dict[str, Any], _: Team) -> dict[str, Any]:
        number = int(str(required(args, "view_id", "view")["view_id"]).removeprefix("V")) - 1
        if not 0 <= number < len(self.views):
            raise Refused("not_found")
        self.views[number] = _fit_to_show(args["view"])
        return {"view": {"id": args["view_id"], **args["view"]}}


def _fit_to_show(view: Any) -> Any:
    """Return a view as it is; raise Refused where Slack would not show it."""
    if found := slacklimits.view_problems(view):
        raise Refused("invalid_arguments", *found)
    if len(str(view).encode()) > slacklimits.VIEW_BYTES:
        raise Refused("view_too_large")
    return view
