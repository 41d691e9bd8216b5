"""What the tools refuse and how, the articles as resources, and the prompt."""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from mcp import Client
from mcp.server import Server
from mcp.shared.exceptions import MCPError
from mcp_types import TextContent, TextResourceContents

from api.client import Dateline
from api.mcp import resources
from api.mcp.server import build
from api.schemas.documents import SourceInfo
from rag.errors import DependencyError
from tests.agents import LEGACY, MODERN, caller, connected, hostile_archive, text


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dateline]:
    with hostile_archive(tmp_path_factory.mktemp("data")) as client:
        yield client


@pytest.fixture(scope="module")
def server(archive: Dateline) -> Server[Any]:
    return build(lambda _: nullcontext(archive))


# -- errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("ask", {}, "ask: question: Field required"),
        ("ask", {"question": " "}, "ask: question: String should have at least 1 character"),
        (
            "ask",
            {"question": "Who?", "published_after": "2020"},
            "ask: published_after: write it as 2020-03-13 or 2020-03-13T06:18:00Z",
        ),
        (
            "ask",
            {"question": "Who?", "published_after": "2021-01-01", "published_before": "2020-01-01"},
            "ask: input: published_after 2021-01-01 00:00:00+00:00 is not earlier than "
            "published_before 2020-01-01 00:00:00+00:00",
        ),
        (
            "search",
            {"query": "Taji", "k": 21, "sort": "date"},
            "search: k: Input should be less than or equal to 20; "
            "sort: Extra inputs are not permitted",
        ),
        ("read_article", {"article_id": "nothing"}, "no article has the id 'nothing'"),
        (
            "read_article",
            {"article_id": "quillford", "start": 1, "around": 1},
            "read_article: input: give around or start, not both",
        ),
        ("delete", {}, "There is no tool 'delete'; there are ask, search, read_article."),
        ("d" * 999, {}, f"There is no tool '{'d' * 60}'; there are ask, search, read_article."),
        ("ask", {"question": "Who?", "d" * 999: 1}, f"ask: {'d' * 595}"),
        (
            "search",
            {"query": "Taji", "sources": "[" * 9_999},
            "search: sources.0: String should have at most 300 characters",
        ),
    ],
)
def test_what_cannot_be_used_is_an_error_that_says_why(
    server: Server[Any], name: str, arguments: dict[str, object], said: str
) -> None:
    result = caller(server)(name, **arguments)
    assert (result.is_error, result.structured_content) == (True, None)
    assert [block.text for block in result.content if isinstance(block, TextContent)] == [said]


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (
            DependencyError("http://127.0.0.1:1 does not answer"),
            "http://127.0.0.1:1 does not answer",
        ),
        (
            ValueError("the secret is 42"),
            "Something went wrong on our side; the log of the server says what.",
        ),
    ],
)
@pytest.mark.parametrize("mode", [MODERN, LEGACY])
def test_a_failure_says_what_its_reader_may_know(
    failure: Exception, said: str, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> nullcontext[Dateline]:
        raise failure

    server = build(fail)
    result = connected(server, lambda a: a.call_tool("search", {"query": "Taji"}), mode=mode)
    assert (result.is_error, text(result)) == (True, said)
    with pytest.raises(MCPError) as refused:
        connected(server, lambda a: a.read_resource(resources.SOURCES), mode=mode)
    assert (refused.value.code, refused.value.message) == (-32603, said)
    assert all("secret" not in record.message for record in caplog.records)


# -- resources and the prompt -----------------------------------------------------------------


def test_an_article_is_a_resource_with_a_head_of_what_is_known(server: Server[Any]) -> None:
    read = connected(server, lambda agent: agent.read_resource("dateline://articles/quillford"))
    [held] = read.contents
    assert isinstance(held, TextResourceContents)
    assert held.mime_type == "text/plain"
    assert held.text.startswith(
        "Title: Quillford clock repaired\nOutlet: quill.example\nArticle: quillford\n"
    )
    assert "was repaired on Friday by Edda Marsh" in held.text


def test_the_articles_are_listed_page_by_page_behind_the_outlets(
    server: Server[Any], archive: Dateline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "PAGE", 20)

    async def all_of(agent: Client) -> list[list[str]]:
        pages, cursor = [], None
        while True:
            page = await agent.list_resources(cursor=cursor)
            pages.append([resource.uri for resource in page.resources])
            cursor = page.next_cursor
            if cursor is None:
                return pages

    pages = connected(server, all_of)
    ids = [article.article_id for article in archive.articles()]
    assert len(ids) == 36
    assert pages[0][0] == "dateline://sources"
    assert [*pages[0][1:], *pages[1]] == [f"dateline://articles/{one}" for one in ids]
    monkeypatch.setattr(resources, "MOST_LISTED", 20)
    assert len(connected(server, all_of)) == 1


@pytest.mark.parametrize("cursor", ["next", "-1", "٣", "1000", "1234567", ""])
def test_a_cursor_of_something_else_is_refused(server: Server[Any], cursor: str) -> None:
    with pytest.raises(MCPError, match=f"'{cursor}' is no cursor of this list; begin it anew"):
        connected(server, lambda agent: agent.list_resources(cursor=cursor))


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("dateline://articles/nothing", "no article has the id 'nothing'"),
        ("dateline://articles/quillford%2Fpassages", "no article has the id 'quillford/passages'"),
        ("file:///etc/passwd", "nothing has the address 'file:///etc/passwd'"),
    ],
)
def test_what_is_no_resource_is_not_found(server: Server[Any], uri: str, said: str) -> None:
    with pytest.raises(MCPError, match=said) as refused:
        connected(server, lambda agent: agent.read_resource(uri))
    assert refused.value.code == -32602


def test_the_outlets_are_listed_with_their_counts(server: Server[Any], archive: Dateline) -> None:
    read = connected(server, lambda agent: agent.read_resource(resources.SOURCES))
    [held] = read.contents
    assert isinstance(held, TextResourceContents)
    listed = json.loads(held.text)
    assert listed["left_out"] == 0
    assert [SourceInfo.model_validate(one) for one in listed["sources"]] == list(archive.outlets())


def test_an_id_of_any_characters_has_an_address() -> None:
    assert resources.uri_of("é%20/x") == "dateline://articles/%C3%A9%2520%2Fx"


def test_the_prompt_quotes_the_claim_that_is_to_be_checked(server: Server[Any]) -> None:
    async def asked(agent: Client) -> str:
        [prompt] = (await agent.list_prompts()).prompts
        made = await agent.get_prompt(prompt.name, {"claim": "The bridge\nis closed."})
        assert isinstance(made.messages[0].content, TextContent)
        return made.messages[0].content.text

    assert "\n> The bridge\n> is closed.\n" in connected(server, asked)
    with pytest.raises(MCPError, match="check_claim needs `claim`"):
        connected(server, lambda agent: agent.get_prompt("check_claim"))
    with pytest.raises(MCPError, match="There is no prompt 'other'"):
        connected(server, lambda agent: agent.get_prompt("other"))
