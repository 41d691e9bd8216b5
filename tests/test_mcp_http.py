"""The tools over HTTP: a real server, real keys, and agents of every age and manner."""

import asyncio
import json
import logging
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult

from api.app import create_app
from api.auth import Keys, Made, Scope
from api.client import Dateline
from api.commands import mcp
from api.guards.access import needed
from api.mcp.server import build
from rag.errors import ConfigurationError
from rag.settings import Settings
from tests.agents import LEGACY, MODERN, agent_at, connected, over_http, text, value
from tests.browsing import Server, take_in_samples
from tests.scripted import Reply, ScriptedLLM

TAJI = "Who was blamed for the Taji attack?"
_MANY = 45
BOTH = {"Accept": "application/json, text/event-stream"}


class Archive:
    """A server with tools and keys."""

    def __init__(self, server: Server) -> None:
        self.url = server.url
        app = server.config.app
        assert isinstance(app, FastAPI)
        self.app = app
        self.made = {scope: self.key(scope) for scope in ("read", "write")}

    def key(self, scope: Scope) -> Made:
        """Make a key."""
        keys: Keys = self.app.state.keys
        return keys.create(scope, (scope,), now=datetime.now(UTC))

    @property
    def token(self) -> str:
        return self.made["read"].token

    def post(self, message: object, **headers: str) -> httpx.Response:
        sent = BOTH | {"Authorization": f"Bearer {self.token}"} | headers
        return httpx.post(f"{self.url}/mcp", json=message, headers=sent, timeout=30)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples") / "data"
    take_in_samples(folder)
    return folder


@pytest.fixture(scope="module")
def archive(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    folder = tmp_path_factory.mktemp("served") / "data"
    shutil.copytree(samples, folder)
    with Server(folder, mcp=True) as server:
        yield Archive(server)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> "Lines":
    caplog.set_level(logging.INFO, logger="dateline.api")
    return Lines(caplog)


class Lines:
    """What was logged of each request until now."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    def __iter__(self) -> Iterator[dict[str, Any]]:
        said = [r for r in self._caplog.records if r.name == "dateline.api"]
        return iter([json.loads(record.message) for record in said])


def request(method: str, **params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def reply(response: httpx.Response) -> dict[str, Any]:
    """Return the message in a reply, which older versions send as an event."""
    [data] = [line for line in response.text.splitlines() if line.startswith("data: ")]
    read: dict[str, Any] = json.loads(data.removeprefix("data: "))
    return read


# -- answers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [MODERN, LEGACY])
def test_an_agent_with_a_key_asks_and_reads(archive: Archive, mode: str) -> None:
    async def work(agent: Client) -> None:
        answered = value(await agent.call_tool("ask", {"question": TAJI}))
        citation = answered["citations"][0]
        read = value(await agent.call_tool("read_article", {"article_id": citation["article_id"]}))
        start, end = citation["start_char_index"], citation["end_char_index"]
        assert read["text"][start:end] == citation["cited_text"]
        listed = await agent.list_resources()
        assert len(listed.resources) == 36

    over_http(archive.url, work, token=archive.token, mode=mode)


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
def test_an_agent_of_an_older_version_is_served(archive: Archive, version: str) -> None:
    hello = {"protocolVersion": version, "capabilities": {}}
    client = {"clientInfo": {"name": "old", "version": "1"}}
    begun = reply(archive.post(request("initialize", **hello, **client)))["result"]
    assert begun["protocolVersion"] == version
    assert begun["serverInfo"]["name"] == "dateline"
    spoken = {"MCP-Protocol-Version": version}
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert archive.post(ready, **spoken).status_code == 202
    search = request("tools/call", name="search", arguments={"query": "Taji", "k": 1})
    result = reply(archive.post(search, **spoken))["result"]
    assert len(result["structuredContent"]["hits"]) == 1
    kinds = [block["type"] for block in result["content"]]
    assert kinds == (["text", "resource_link"] if version >= "2025-06-18" else ["text"])


def test_a_version_that_nobody_knows_is_told_which_there_are(archive: Archive) -> None:
    response = archive.post(request("tools/list"), **{"MCP-Protocol-Version": "1999-01-01"})
    assert response.status_code == 400
    assert "error" in response.json()


# -- keys -------------------------------------------------------------------------------------


def test_every_method_of_the_address_needs_a_key_that_reads() -> None:
    assert {needed(method, "/mcp") for method in ("POST", "GET", "DELETE")} == {"read"}


@pytest.mark.parametrize("token", [None, "dl_wrong"])
def test_without_a_key_the_reply_is_a_problem_that_asks_for_one(
    archive: Archive, token: str | None
) -> None:
    headers = BOTH | ({"Authorization": f"Bearer {token}"} if token else {})
    response = httpx.post(f"{archive.url}/mcp", json=request("tools/list"), headers=headers)
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.json()["code"], response.json()["instance"]) == ("unauthorized", "/mcp")


@pytest.mark.parametrize("mode", [MODERN, LEGACY])
def test_an_agent_without_a_key_gets_an_error_and_does_not_wait(
    archive: Archive, mode: str
) -> None:
    with pytest.raises(BaseExceptionGroup) as refused:
        over_http(archive.url, lambda agent: agent.list_tools(), mode=mode)
    assert refused.group_contains(MCPError)


def test_a_key_that_may_not_read_is_told_so(archive: Archive) -> None:
    token = f"Bearer {archive.made['write'].token}"
    response = archive.post(request("tools/list"), Authorization=token)
    assert response.status_code == 403
    assert response.json()["detail"] == "This needs a key with the scope 'read'."


def test_two_callers_do_not_see_each_others_conversations(archive: Archive) -> None:
    def asked(question: str, session_id: str, token: str) -> CallToolResult:
        said = {"question": question, "session_id": session_id}
        return over_http(archive.url, lambda agent: agent.call_tool("ask", said), token=token)

    other = archive.key("read").token
    asked("How many passengers does the ferry Kittiwake carry?", "ferry", archive.token)
    refused = asked("And where was it built?", "ferry", other)
    assert (refused.is_error, text(refused)) == (
        True,
        "session id 'ferry' is taken; choose another",
    )
    followed = value(asked("And where was it built?", "ferry", archive.token))
    assert "Kittiwake" in followed["standalone_question"]


def test_the_lines_of_the_log_name_tool_and_key(archive: Archive, lines: Lines) -> None:
    over_http(archive.url, lambda a: a.call_tool("search", {"query": "Taji"}), token=archive.token)
    key = archive.made["read"].key.id
    found = [
        (line["route"], line["status"], line["key"], line.get("mcp"), line.get("tool"))
        for line in lines
        if line.get("tool") or line["route"] == "/v1/search"
    ]
    assert sorted(found) == [
        ("/mcp", 200, key, "tools/call", "search"),
        ("/v1/search", 200, key, None, None),
    ]
    assert all("Taji" not in json.dumps(line) for line in lines)


def test_requests_are_counted_under_their_address(archive: Archive) -> None:
    archive.post(request("tools/list"))
    headers = {"Authorization": f"Bearer {archive.token}"}
    counted = httpx.get(f"{archive.url}/metrics", headers=headers).text
    assert 'dateline_http_requests_total{method="POST",route="/mcp",status="200"}' in counted


@pytest.mark.parametrize("has_key", [True, False])
def test_a_local_process_asks_a_server_with_the_key_of_its_settings(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, has_key: bool
) -> None:
    if has_key:
        monkeypatch.setenv("DATELINE_API_KEY", archive.token)
    with mcp.Archive(archive.url, None) as reached:
        server = build(lambda _: nullcontext(reached.client()))
        result = connected(server, lambda a: a.call_tool("search", {"query": "Taji", "k": 1}))
    assert result.is_error is not has_key
    assert ("The key is read from DATELINE_API_KEY." in text(result)) is not has_key


# -- guards -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_nothing_is_streamed_or_kept_between_requests(archive: Archive, method: str) -> None:
    headers = BOTH | {"Authorization": f"Bearer {archive.token}"}
    response = httpx.request(method, f"{archive.url}/mcp", headers=headers)
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert response.json()["code"] == "method_not_allowed"


def test_what_is_no_message_is_refused(archive: Archive) -> None:
    for body in (b"{nope", b"[]", b'{"jsonrpc": "2.0"}', b"\xff"):
        headers = BOTH | {"Authorization": f"Bearer {archive.token}"}
        response = httpx.post(
            f"{archive.url}/mcp",
            content=body,
            headers=headers | {"Content-Type": "application/json"},
        )
        assert response.status_code == 400, body


def test_a_server_with_keys_goes_by_any_name(archive: Archive) -> None:
    """Our guard of names decides, and the SDK's, which knows no settings, stays out of it."""
    assert archive.post(request("tools/list"), Host="news.example").status_code == 200
    assert archive.post(request("tools/list"), Origin="https://desk.example").status_code == 200


def test_without_keys_only_this_machine_is_served(samples: Path, tmp_path: Path) -> None:
    shutil.copytree(samples, tmp_path / "data")
    with Server(tmp_path / "data", mcp=True, max_body_bytes=1_000) as server:
        over_http(server.url, lambda agent: agent.list_tools())
        to = f"{server.url}/mcp"
        named = httpx.post(to, json={}, headers=BOTH | {"Host": "evil.example"})
        assert (named.status_code, named.json()["code"]) == (421, "wrong_host")
        foreign = httpx.post(to, json={}, headers=BOTH | {"Origin": "https://evil.example"})
        assert (foreign.status_code, foreign.json()["code"]) == (403, "foreign_origin")

        def pieces() -> Iterator[bytes]:
            yield from (b"x" * 600, b"x" * 600)

        for body in (b"x" * 1_200, pieces()):
            large = httpx.post(to, content=body, headers=BOTH)
            assert (large.status_code, large.json()["code"]) == (413, "body_too_large")


def test_who_asks_too_often_hears_when_to_come_back(tmp_path: Path) -> None:
    """Also after the app was started again, which keeps its counts and serves its tools anew."""
    app = create_app(Settings(data_dir=tmp_path, mcp=True, rate_limit="2/minute"))
    replies = []
    for _ in range(2):
        with TestClient(app) as client:
            replies += [
                client.post(path, json=request("ping"), headers=BOTH) for path in ("/mcp", "/mcp/")
            ]
    assert [response.status_code for response in replies] == [200, 200, 429, 429]
    assert int(replies[2].headers["Retry-After"]) > 0


def test_pages_of_allowed_origins_may_use_the_tools(tmp_path: Path) -> None:
    origin = "https://desk.example"
    settings = Settings(data_dir=tmp_path, mcp=True, cors_origins=(origin,))
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, mcp-protocol-version, mcp-method",
    }
    client = TestClient(create_app(settings))
    assert client.options("/mcp", headers=asked).status_code == 200


# -- on and off -------------------------------------------------------------------------------


def test_the_address_is_there_only_when_it_is_wanted(tmp_path: Path) -> None:
    for wanted in (True, False):
        app = create_app(Settings(data_dir=tmp_path, mcp=wanted))
        assert ("/mcp" in [getattr(route, "path", None) for route in app.routes]) is wanted


def test_without_its_extra_the_server_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "api.mcp.http", raising=False)
    monkeypatch.setitem(sys.modules, "mcp.server.streamable_http_manager", None)
    with pytest.raises(ConfigurationError, match=r"DATELINE_MCP .* pip install 'dateline\[mcp\]'"):
        create_app(Settings(data_dir=tmp_path, mcp=True))


# -- many at once, and some that go away ------------------------------------------------------


def test_many_ask_at_once_and_the_server_stays_awake(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More asks than the event loop's pool has threads, where a tool that held one would wait."""
    begun, go, search = threading.Semaphore(0), threading.Event(), Dateline.search

    def held(client: Dateline, query: str, **asked: Any) -> Any:
        begun.release()
        assert go.wait(60)
        return search(client, query, **asked)

    monkeypatch.setattr(Dateline, "search", held)
    found: list[Any] = []

    async def ask(agent: Client) -> None:
        found.append(value(await agent.call_tool("search", {"query": "Taji", "k": 3})))

    def all_begun() -> bool:
        return all(begun.acquire(timeout=60) for _ in range(_MANY))

    async def play() -> None:
        async with (
            agent_at(archive.url, archive.token) as agent,
            anyio.create_task_group() as together,
        ):
            for _ in range(_MANY):
                together.start_soon(ask, agent)
            try:
                # None is answered yet: what is answered now is answered beside all of them.
                assert await asyncio.to_thread(all_begun)
                health = partial(httpx.get, f"{archive.url}/healthz", timeout=30)
                assert (await asyncio.to_thread(health)).status_code == 200
                await agent.list_tools()
                assert found == []
            finally:
                go.set()

    asyncio.run(play())
    assert len(found) == _MANY
    assert all(one == found[0] for one in found)


def test_the_work_for_an_agent_that_goes_away_ends(
    samples: Path, tmp_path: Path, scripted_llm: ScriptedLLM
) -> None:
    # It would take ten seconds to write this.
    sentence = "American officials blamed Kataib Hezbollah for the attack [1]. "
    scripted_llm.replies = [Reply(sentence * 30, piece_chars=20, before_piece_s=0.1)]
    shutil.copytree(samples, tmp_path / "data")
    told = {"llm_url": scripted_llm.url, "llm_model": "scripted"}
    with Server(tmp_path / "data", mcp=True, **told) as server:
        for mode in (MODERN, LEGACY):
            assert asyncio.run(_left(server, mode)) == (1, 0), mode


async def _left(server: Server, mode: str) -> tuple[int, int]:
    """Return how many answers are in the making before an agent goes, and a little later."""
    app: Any = server.config.app
    questions = app.state.services.questions
    began = anyio.Event()

    async def heard(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001
        began.set()

    async def ask() -> None:
        async with agent_at(server.url, mode=mode) as agent:
            await agent.call_tool("ask", {"question": TAJI}, progress_callback=heard)

    async with anyio.create_task_group() as asking:
        asking.start_soon(ask)
        await began.wait()
        before = questions.running
        asking.cancel_scope.cancel()
    with anyio.move_on_after(60):
        while questions.running:
            await anyio.sleep(0.05)
    return before, questions.running
