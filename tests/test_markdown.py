"""Answers as Markdown: readable, and nothing that an article says becomes markup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from api.commands.markdown import answer_markdown, escaped
from api.commands.render import shown
from tests.answers_made import EVIL, QUESTION, answer, citation, evil_answer

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
SIGNS = st.sampled_from(list("\\`*_{}[]()#+-.!<>&|~:=@$^'\"\n\t 1a"))


def read(text: str) -> list[tuple[str, str]]:
    """Return kind and content of every token that a reader of Markdown finds."""
    found = []
    for block in READER.parse(text):
        inner = [(one.type, one.content) for one in block.children or ()]
        found += inner or [(block.type, block.content)]
    return found


@given(st.text(SIGNS, max_size=40) | st.text(max_size=40))
def test_escaped_text_is_one_paragraph_of_exactly_these_characters(text: str) -> None:
    plain = " ".join(shown(text).split())
    tokens = read(escaped(text))
    kinds = {kind for kind, _ in tokens} - {"paragraph_open", "paragraph_close"}
    said = "".join(content for kind, content in tokens if kind in ("text", "text_special"))
    assert kinds <= {"text", "text_special"}
    assert said == plain


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("1. Two died", "1\\. Two died"),
        ("- and nobody spoke", "\\- and nobody spoke"),
        ("# Not a heading", "\\# Not a heading"),
        ("see https://evil.example or www.evil.example",
         "see https\\://evil.example or www\\.evil.example"),
        ("In 2020-03-13, at 6:18 (UTC)", "In 2020-03-13, at 6\\:18 (UTC)"),
        ("“He left.” She said: no.", "“He left.” She said: no."),
    ],
)  # fmt: skip
def test_only_what_would_be_read_as_markup_is_escaped(text: str, markdown: str) -> None:
    assert escaped(text) == markdown


def test_an_answer_is_a_heading_its_words_and_its_citations() -> None:
    assert answer_markdown(QUESTION, answer()) == (
        "# Who blamed the water board?\n"
        "\n"
        "Mayor Ida Quell \\[1\\]\n"
        "\n"
        "- \\[1\\] “Mayor Ida Quell blamed the water board for the delay.” — "
        "[Hallow Bridge closes after flood](<https://ledger.example/bridge>), "
        "ledger.example, 4 May 2021\n"
    )


def test_a_citation_says_who_is_quoted_and_does_without_what_is_not_known() -> None:
    bare = citation(url=None, source=None, published_at=None, attributed_to="Ida Quell")
    line = answer_markdown(QUESTION, answer(citations=(bare,))).splitlines()[-1]
    assert line == (
        "- \\[1\\] “Mayor Ida Quell blamed the water board for the delay.” "
        "(said by Ida Quell) — Hallow Bridge closes after flood"
    )


@pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x"])
def test_an_address_that_is_not_of_the_web_is_no_link(url: str) -> None:
    text = answer_markdown(QUESTION, answer(citations=(citation(url=url),)))
    assert {kind for kind, _ in read(text)} & {"link_open"} == set()
    assert "— Hallow Bridge closes after flood, ledger.example" in text


def test_an_address_cannot_leave_its_link() -> None:
    evil = "https://ledger.example/a>)<b>[x](https://evil.example) \n# heading"
    text = answer_markdown(QUESTION, answer(citations=(citation(url=evil),)))
    links = [one for block in READER.parse(text) for one in block.children or () if one.attrs]
    assert [str(one.attrs["href"]) for one in links] == [
        "https://ledger.example/a%3E)%3Cb%3E%5Bx%5D(https://evil.example)%20%0A#%20heading"
    ]


def test_what_takes_over_terminals_and_pages_is_text() -> None:
    text = answer_markdown(EVIL, evil_answer())
    assert not set(text) & set("\x1b\x07\x08\r\x7f\x9b\x9d‮⁦")
    kinds = {kind for kind, _ in read(text)}
    assert not kinds & {"html_inline", "html_block", "strong_open", "code_inline"}
