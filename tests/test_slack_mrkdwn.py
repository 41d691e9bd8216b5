"""Text for Slack: it calls nobody, links nowhere, formats nothing, and is cut where it may be."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from api.slack.mrkdwn import (
    as_typed,
    escape,
    link,
    markdown,
    shortened,
    size,
    split,
    unescape,
)
from tests.blockkit import mrkdwn

# Words that do something in Slack or Markdown, and what may stand between them.
_DOING = [
    "<!channel>", "<!here|x>", "<@U0ANNA>", "<#C1|a>", "<https://e.example|a>", "&lt;!here&gt;",
    "&amp;", "&#60;", "*", "**", "_", "__", "~", "~~", "`", "```", ">", "# ", "- ", "1. ", "[", "]",
    "](", "(", ")", "[a](http://e.example)", "![a](b)", "]: http://e", "<b>", "<a href='x'>", "\\",
    "\\\\", "https://e.example/x", "www.e.example", "a@e.example", "ledger.example", ":bomb:",
    ":+1:", "|", "|-|\n", "---\n", "===\n", "    ", "\t", "\n", "\n\n", " ", "a", "é", "😀", "&",
    "<", "@channel", "#desk", "+ ", "snake_case", "U.S.", "3.5", "“Yes.”", "\u202e", "\x00",
]  # fmt: skip
HOSTILE = st.lists(st.sampled_from(_DOING) | st.text(max_size=6), max_size=14).map("".join)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("AT&T <b> 3 > 2", "AT&amp;T &lt;b&gt; 3 &gt; 2"),
        ("<!channel> <@U1>", "&lt;!channel&gt; &lt;@U1&gt;"),
        ("*no* _no_ ~no~ `no`", "∗no∗ ˍnoˍ ∼no∼ ˋnoˋ"),
        ("snake_case stays", "snake_case stays"),
        (":bomb: at 10:30:15", "꞉bomb: at 10:30:15"),
        ("> no quotation", "\u2060&gt; no quotation"),
        ("https://e.example or WWW.e.example", "https:\u2060//e.example or WWW\u2060.e.example"),
        ("a\u202eb\x00c\ud800", "abc"),
    ],
)
def test_mrkdwn_shows_text_as_it_is(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@pytest.mark.parametrize("pieces", [(":", "bomb:"), (":bo", "mb:"), (":bomb", ":")])
def test_an_emoji_that_comes_in_two_pieces_is_none(pieces: tuple[str, str]) -> None:
    assert ":bomb:" not in "".join(map(markdown, pieces))


@given(HOSTILE)
def test_escaped_text_is_only_text(text: str) -> None:
    assert re.findall(r"<(?!br>)[^>]*>", mrkdwn(escape(text), verbatim=False)) == []


@given(HOSTILE)
def test_escaped_text_says_the_same(text: str) -> None:
    shown = unescape(escape(text))
    assert _alike(shown) == _alike(text)


def _alike(text: str) -> str:
    """Return `text` without what nobody sees, look-alikes as what they look like."""
    seen = re.sub(
        r"[\x00-\x08\x0b-\x1f\x7f\u2060\u202a-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e007f]",
        "",
        text,
    )
    return seen.translate(str.maketrans("∗∼ˋˍ꞉", "*~`_:"))


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("three, reports Post. [1]", "three, reports Post. [1]"),
        ("<!channel>", "<\u2060!channel>"),
        ("&lt;!here&gt;", "&\u2060lt;!here&\u2060gt;"),
        ("[a](http://e.example)", "[a]\u2060(http:\u2060//e.\u2060example)"),
        ("# no\n- no\n1. no\n> no", "\u2060# no\n\u2060- no\n\u20601. no\n\u2060> no"),
        ("**no** `no`", "∗∗no∗∗ ˋnoˋ"),
        ("AT&T, U.S., 3.5, e.g. this", "AT&T, U.S., 3.5, e.g. this"),
    ],
)
def test_markdown_shows_text_as_it_is(text: str, escaped: str) -> None:
    assert markdown(text) == escaped


_COMMONMARK = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_LINKED = re.compile(
    r"https?://|www\.|[\w.+-]+@[\w-]+\.|\w\.[a-z]{2,}\b|<[!@#]|<https?:", re.IGNORECASE
)


@given(st.lists(HOSTILE, max_size=3))
def test_pieces_of_a_stream_are_only_text_together(pieces: list[str]) -> None:
    shown = "".join(map(markdown, pieces))
    tokens = [
        inner.type
        for token in _COMMONMARK.parse(shown)
        for inner in (token.children if token.children is not None else [token])
    ]
    assert set(tokens) <= {"paragraph_open", "paragraph_close", "text", "softbreak", "hardbreak"}
    assert _LINKED.search(shown) is None
    assert _alike(shown) == _alike("".join(pieces))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("<@U0DATELINE> who was blamed?", " who was blamed?"),
        ("Smith &amp; Co &lt;b&gt; &amp;lt;", "Smith & Co <b> &lt;"),
        ("see <https://a.example/x?b=1&amp;c=2>", "see https://a.example/x?b=1&c=2"),
        ("see <http://a.example|a.example>", "see a.example"),
        ("in <#C1|desk> or <#C2|>, <!here>", "in #desk or #C2, @here"),
        ("<!channel|@channel> and <!subteam^S1|@editors>", "@channel and @editors"),
        ("since <!date^1584057600^{date}|13 March 2020>", "since 13 March 2020"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
    ],
)
def test_what_a_person_typed_is_read_back(typed: str, said: str) -> None:
    assert unescape(typed) == said


@given(HOSTILE)
def test_what_is_written_as_typed_is_read_back_unchanged(text: str) -> None:
    assert unescape(as_typed(text)) == text


@pytest.mark.parametrize(
    ("url", "label", "shown"),
    [
        ("https://a.example/?b=1&c=2", "A & B", "<https://a.example/?b=1&amp;c=2|A &amp; B>"),
        ("https://a.example", "", "<https://a.example|https:\u2060//a.example>"),
        ("javascript:alert(1)", "A", "A"),
        ("https://a.example|evil", "A", "A"),
        ("https://a.example/> <!channel>", "A", "A"),
        ("https:///nowhere", "A", "A"),
        ("http://[", "A", "A"),
        (None, "A > B | C\nD", "A &gt; B ¦ C D"),
        ("https://a.example/" + "a" * 1_000, "A", "A"),
    ],
)
def test_a_link_leads_to_the_web_or_is_none(url: str | None, label: str, shown: str) -> None:
    assert link(url, label) == shown


def test_text_is_cut_between_sentences() -> None:
    assert split("One is here. Two is here. Three.", 26) == ["One is here. Two is here.", "Three."]


def test_a_long_sentence_is_cut_between_words_and_a_long_word_anywhere() -> None:
    assert split("a b c. dd ee ff gg", 6) == ["a b c.", "dd ee", "ff gg"]
    assert split("abcdefgh", 3) == ["abc", "def", "gh"]


def test_entities_and_links_stay_whole() -> None:
    assert split("&amp;&amp;&amp;", 11) == ["&amp;&amp;", "&amp;"]
    assert split("see <https://a.example|a b> there", 24) == [
        "see",
        "<https://a.example|a b>",
        "there",
    ]


@given(st.lists(HOSTILE, max_size=30).map(" ".join), st.integers(30, 200))
def test_pieces_fit_and_nothing_is_lost(text: str, limit: int) -> None:
    escaped = escape(text)
    pieces = split(escaped, limit)
    assert all(0 < size(piece) <= limit for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(escaped.split())
    assert all(re.search(r"&(?!(?:amp|lt|gt);)", piece) is None for piece in pieces)
    assert size(shortened(escaped, limit)) <= limit
