"""Calls of Slack's Web API, patient with its limits, and what its refusals mean.

>>> web_client(settings, token).chat_postMessage(channel="C0DESK", text="…")
"""

import re
from http.client import RemoteDisconnected
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import (
    ConnectionErrorRetryHandler,
    RateLimitErrorRetryHandler,
    ServerErrorRetryHandler,
)
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState

from api.slack.log import quiet
from rag.settings import Settings

_TIMEOUT_S = 10
_HASTY_S = 2
_RATE_LIMITED_RETRIES = 3
# Whoever is to wait longer is put back, and the thread does something else meanwhile.
_LONGEST_WAIT_S = 10
_DEFAULT_WAIT_S = 10.0
# https://docs.slack.dev/reference/methods/auth.test: the token will never work again.
_GONE = ("account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked")
# Of restricted_action there are several, for channels that only some may write in.
_NO_PLACE = ("channel_not_found", "is_archived", "not_in_channel", "restricted_action")
_WORD = re.compile(r"[a-z0-9_]{1,100}")
_BRIEF = ("fatal_error", "internal_error", "ratelimited", "request_timeout", "service_unavailable")


class BriefRateLimit(RateLimitErrorRetryHandler):
    """Tries again when Slack asks to wait for a moment, and not when it asks for minutes."""

    def _can_retry(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if not super()._can_retry(state=state, request=request, response=response, error=error):
            return False
        return response is not None and _wait_s(response.headers) <= _LONGEST_WAIT_S


def hasty_client(settings: Settings, token: str) -> WebClient:
    """Return a client for while Slack itself waits for us, which it does for three seconds."""
    return WebClient(
        token=token,
        base_url=settings.slack_api_url,
        timeout=_HASTY_S,
        logger=quiet(),
        retry_handlers=[],
    )


def web_client(settings: Settings, token: str | None, *, repeats: bool = True) -> WebClient:
    """Return a client of Slack's Web API.

    Args: repeats: whether it asks again, by itself, for what Slack may have done without a reply.
    """
    unsent: list[type[Exception]] = [URLError]
    unheard: list[type[Exception]] = [ConnectionResetError, RemoteDisconnected]
    return WebClient(
        token=token,
        base_url=settings.slack_api_url,
        timeout=_TIMEOUT_S,
        logger=quiet(),
        retry_handlers=[
            ConnectionErrorRetryHandler(1, error_types=unsent + unheard if repeats else unsent),
            BriefRateLimit(max_retry_count=_RATE_LIMITED_RETRIES),
            ServerErrorRetryHandler(max_retry_count=1),
        ],
    )


def refusal(exc: Exception) -> str:
    """Return why Slack refused, in its own short word; the error's class where it did not reply."""
    if not isinstance(exc, SlackApiError):
        return type(exc).__name__
    try:
        said = str(exc.response["error"])
    except (KeyError, TypeError, ValueError):
        return "internal_error"
    # The page of a proxy is none of Slack's words, and may quote what was sent.
    return said if _WORD.fullmatch(said) else "internal_error"


def is_gone(exc: SlackApiError) -> bool:
    """Return whether the workspace knows the token no more."""
    return refusal(exc) in _GONE


def has_no_place(exc: SlackApiError) -> bool:
    """Return whether the bot may not write there at all, in this way or in another."""
    return refusal(exc).startswith(_NO_PLACE)


def wait_s(exc: SlackApiError) -> float | None:
    """Return after how many seconds the same call may succeed; None: it never will."""
    if exc.response.status_code == 429:
        return _wait_s(exc.response.headers)
    brief = exc.response.status_code >= 500 or refusal(exc) in _BRIEF
    return _DEFAULT_WAIT_S if brief else None


def _wait_s(headers: object) -> float:
    given = dict(headers) if isinstance(headers, dict) else {}
    for name, value in given.items():
        if str(name).lower() == "retry-after":
            first = value[0] if isinstance(value, list) else value
            return float(first) if str(first).isdecimal() else _DEFAULT_WAIT_S
    return _DEFAULT_WAIT_S
