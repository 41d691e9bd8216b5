"""What Slack sends: events, slash commands and clicks at one address, and installations over OAuth.

POST /slack/events, signed by Slack

Nothing of a body is parsed before its signature is checked. The routes are there only where
`DATELINE_SLACK_SIGNING_SECRET` is set, and ask for no API key: a signature is one.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, FastAPI, Request, Response
from slack_bolt import BoltResponse
from slack_bolt.adapter.starlette.handler import to_bolt_request, to_starlette_response
from slack_bolt.oauth import OAuthFlow
from slack_sdk.signature import SignatureVerifier
from starlette.concurrency import run_in_threadpool

from api import errors
from api.auth import Caller
from api.errors import Failure
from api.slack.app import Bot, has_oauth
from rag.errors import ConfigurationError
from rag.settings import Settings

router = APIRouter(prefix="/slack", include_in_schema=False)
installs = APIRouter(prefix="/slack", include_in_schema=False)

# Whose conversations and opinions these are; it may ask and nothing else.
CALLER = Caller("slack", frozenset(("read",)))
WINDOW_S = 300
_LARGEST_BYTES = 1_000_000
# Apart from those that answer questions, so that Slack hears at once what they take long for.
_THREADS = 8


class Door(NamedTuple):
    """What the routes speak to."""

    bot: Bot
    verifier: SignatureVerifier
    threads: CapacityLimiter


def routers(settings: Settings) -> list[APIRouter]:
    """Return what is to be mounted. Raises ConfigurationError when a setting is missing."""
    secret = settings.slack_signing_secret
    if secret is None or not secret.get_secret_value().strip():
        raise ConfigurationError(
            "DATELINE_SLACK_SIGNING_SECRET is empty: it is under Basic Information, App Credentials"
        )
    return [router, installs] if has_oauth(settings) else [router]


@asynccontextmanager
async def answering(app: FastAPI, settings: Settings) -> AsyncIterator[None]:
    """Let the bot answer from `app`, which has started, until the end of the block."""
    secret = settings.slack_signing_secret
    dateline = app.state.inside(CALLER)
    bot = Bot(settings, dateline, app.state.services.index.catalog.engine)
    verifier = SignatureVerifier(secret.get_secret_value() if secret else "")
    app.state.slack = Door(bot, verifier, CapacityLimiter(_THREADS))
    bot.start()
    try:
        yield
    finally:
        await run_in_threadpool(bot.close)
        dateline.close()


@router.post("/events")
async def events(request: Request) -> Response:
    """Take what Slack sends: it is written down, and answered behind this reply."""
    door: Door = request.app.state.slack
    refused = _stale(request.headers.get("x-slack-request-timestamp", ""))
    raw = b"" if refused else await _body(request)
    if raw is None:
        return errors.respond(request, errors.body_too_large(_LARGEST_BYTES))
    if not refused and not _is_signed(door.verifier, raw, request):
        refused = "signature"
    if refused:
        request.state.facts.update(refused=refused)
        return errors.respond(request, _UNSIGNED)
    asked = to_bolt_request(request, raw)
    said: BoltResponse = await to_thread.run_sync(door.bot.dispatch, asked, limiter=door.threads)
    return to_starlette_response(said)


@installs.get("/install")
def install(request: Request) -> Response:
    """Send a workspace's admin to Slack, to let the bot in."""
    return to_starlette_response(_oauth(request).handle_installation(to_bolt_request(request, b"")))


@installs.get("/oauth_redirect")
def installed(request: Request) -> Response:
    """Keep the token that Slack gives for what the admin allowed."""
    return to_starlette_response(_oauth(request).handle_callback(to_bolt_request(request, b"")))


_UNSIGNED = Failure(
    401, "not_from_slack", "This needs Slack's signature, made within the last five minutes."
)


def _stale(timestamp: str) -> str | None:
    """Return why a request is refused without looking at its body."""
    if not timestamp.isdecimal() or len(timestamp) > 12:
        return "no timestamp"
    return "stale timestamp" if abs(time.time() - int(timestamp)) > WINDOW_S else None


async def _body(request: Request) -> bytes | None:
    """Return the body as it came; None when it is larger than anything that Slack sends."""
    raw = b""
    async for piece in request.stream():
        raw += piece
        if len(raw) > _LARGEST_BYTES:
            return None
    return raw


def _is_signed(verifier: SignatureVerifier, raw: bytes, request: Request) -> bool:
    timestamp = request.headers["x-slack-request-timestamp"]
    signature = request.headers.get("x-slack-signature", "")
    try:
        return verifier.is_valid(raw, timestamp, signature)
    except (ValueError, TypeError):
        # A body that is no text, or a signature that is none.
        return False


def _oauth(request: Request) -> OAuthFlow:
    door: Door = request.app.state.slack
    if door.bot.oauth is None:
        raise RuntimeError("installs is mounted only where the bot has OAuth")
    return door.bot.oauth
