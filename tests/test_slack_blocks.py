"""Answers as blocks: what a person reads in each case, and that Slack would take all of it."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from api.slack.blocks import (
    FEEDBACK,
    PASSAGES,
    answer_messages,
    fallback_text,
    feedback_value,
    footer_blocks,
    rated,
)
from api.slack.passages import passages_view
from rag.types import (
    AbstainReason,
    Account,
    Answer,
    AnswerSpan,
    Article,
    Citation,
    Passage,
    Verification,
)
from tests import slacklimits
from tests.blockkit import blocks_html, mrkdwn, view_html
from tests.test_slack_mrkdwn import HOSTILE

DAY = datetime(2020, 3, 13, 6, 18, tzinfo=UTC)
TAJI = "American officials blamed Kataib Hezbollah for the attack."
RIVAL = "A politician blamed Islamic State."


def citation(index: int = 1, **fields: Any) -> Citation:  # Any: fields of a citation
    quote = fields.get("cited_text", TAJI)
    known = {
        "id": f"cit_{index}",
        "index": index,
        "article_id": f"a{index}",
        "passage_id": f"a{index}:hash:0",
        "title": "US blames militia",
        "url": "https://ledger.example/taji",
        "source": "ledger.example",
        "author": None,
        "published_at": DAY,
        "cited_text": quote,
        "start_char_index": 0,
        "end_char_index": len(quote),
        "attributed_to": None,
        "answer_spans": (),
        "score": 0.8,
        "support": "supported",
        "verified": True,
        "content_hash": "sha256:hash",
    }
    return Citation(**known | fields)


def answer(text: str = "Kataib Hezbollah. [1]", **fields: Any) -> Answer:  # Any: as above
    known = {
        "id": "msg_1",
        "created_at": DAY,
        "model": "extractive",
        "answer": text,
        "short_answer": "Kataib Hezbollah",
        "answer_status": "answered",
        "confidence": 0.81,
        "standalone_question": "Who was blamed?",
        "citations": (citation(),),
        "sources": (),
        "timings_ms": {},
        "index_fingerprint": "f",
        "request_id": "req_1",
    }
    return Answer(**known | fields)


def none(reason: AbstainReason) -> Answer:
    return answer(
        "The archive does not hold an answer to this question.",
        short_answer=None,
        answer_status="no_answer",
        abstain_reason=reason,
        citations=(),
    )


def texts(blocks: list[dict[str, Any]]) -> list[str]:
    """Return the mrkdwn of sections and small print, in order."""
    found = []
    for block in blocks:
        held = [block["text"]] if "text" in block else []
        held += [*block.get("fields", ()), *block.get("elements", ())]
        found += [one["text"] for one in held if one["type"] == "mrkdwn"]
    return found


def whole(said: Answer, filters: str = "", question: str = "") -> list[dict[str, Any]]:
    [message] = answer_messages(said, filters, question)
    assert slacklimits.problems(message, "message") == []
    return message


def test_an_answer_stands_over_its_citations_and_buttons() -> None:
    said = answer(citations=(citation(attributed_to="American officials", author="A. Writer"),))
    assert whole(said) == [
        {
            "type": "section",
            "text": {
                "type": "mrkdwn",
                "text": "*Kataib Hezbollah*. [1]",
                "verbatim": True,
            },
            "expand": True,
        },
        {
            "type": "context",
            "elements": [
                {
                    "type": "mrkdwn",
                    "text": "*[1]* <https://ledger.example/taji|US blames militia>\n"
                    f"“{TAJI}”\n"
                    "ledger.example · A. Writer · 13 March 2020 · said by *American officials*",
                    "verbatim": True,
                }
            ],
        },
        {
            "type": "context",
            "elements": [
                {
                    "type": "mrkdwn",
                    "text": "Quoted word for word · confidence 81%",
                    "verbatim": True,
                }
            ],
        },
        {
            "type": "actions",
            "elements": [
                {
                    "type": "button",
                    "action_id": PASSAGES,
                    "text": {"type": "plain_text", "text": "Show passages", "emoji": False},
                    "value": "msg_1",
                }
            ],
        },
        {
            "type": "context_actions",
            "elements": [
                {
                    "type": "feedback_buttons",
                    "action_id": FEEDBACK,
                    "positive_button": {
                        "text": {"type": "plain_text", "text": "Good answer", "emoji": False},
                        "value": "up msg_1",
                    },
                    "negative_button": {
                        "text": {"type": "plain_text", "text": "Bad answer", "emoji": False},
                        "value": "down msg_1",
                    },
                }
            ],
        },
    ]


def test_below_a_streamed_answer_stands_all_but_its_text() -> None:
    assert footer_blocks(answer()) == whole(answer())[1:]


def test_an_answer_that_is_not_kept_has_no_buttons() -> None:
    said = answer()
    assert footer_blocks(said, kept=False) == footer_blocks(said)[:-2]
    many = said.model_copy(update={"citations": said.citations[:1] * 12})
    assert "… and 2 more" in texts(footer_blocks(many, kept=False))


def test_slacks_sdk_reads_the_same_blocks() -> None:
    passages: list[dict[str, Any]] = passages_view([(citation(), None)])["blocks"]
    for blocks in (whole(answer()), whole(conflict("qwen")), whole(none("no_match")), passages):
        assert [block.to_dict() for block in Block.parse_all(blocks)] == blocks


def test_a_citation_without_an_address_is_no_link() -> None:
    said = answer(citations=(citation(url="javascript:alert(1)", source=None, published_at=None),))
    assert texts(footer_blocks(said))[0] == (
        f"*[1]* US blames militia\n“{TAJI}”\nno outlet or date"
    )


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("empty_index", "Whoever runs me can fill it with `dateline ingest PATH`."),
        ("no_match", "Try other words: names, places and dates as a newspaper would print them."),
        (
            "low_confidence",
            "Ask for one fact at a time, or name the people, places or dates you mean.",
        ),
        ("filtered_out", "`/dateline filters off` lets every article answer again."),
        ("unverified", "What I cannot verify I do not show. Ask for one fact at a time."),
    ],
)
def test_no_answer_says_what_to_try_next(reason: AbstainReason, advice: str) -> None:
    blocks = whole(none(reason))
    assert texts(blocks) == ["*The archive does not hold an answer to this question.*", advice]
    assert [block["type"] for block in blocks] == ["section", "context", "context_actions"]


def test_no_answer_under_filters_names_them_and_how_to_be_rid_of_them() -> None:
    assert texts(whole(none("no_match"), "after:2020-03-01 source:a*b"))[1].splitlines() == [
        "Try other words: names, places and dates as a newspaper would print them.",
        "The filters may leave the answer out: `/dateline filters off` lets every article answer.",
        "Only these articles may answer: `after:2020-03-01 source:a∗b`",
    ]


def conflict(model: str = "extractive") -> Answer:
    first = f"Kataib Hezbollah, according to American officials (13 March 2020): “{TAJI}” [1]"
    also = "Also reported by Post (13 March 2020). [2]"
    second = f"Islamic State, according to a politician (13 March 2020): “{RIVAL}” [3]"
    cited = (
        citation(1, attributed_to="American officials"),
        citation(2, source="Post"),
        citation(3, attributed_to="A politician", cited_text=RIVAL),
    )
    return answer(
        f"Accounts differ. {first} {also} {second}",
        answer_status="conflicting",
        citations=cited,
        accounts=(
            Account(claim="Kataib Hezbollah", citations=(1, 2)),
            Account(claim="Islamic State", citations=(3,)),
        ),
        model=model,
    )


def test_accounts_that_differ_stand_beside_each_other() -> None:
    beside, *rest = whole(conflict())
    assert beside["text"]["text"] == ":warning: *Accounts differ.* Each stands with who gives it."
    assert [field["text"] for field in beside["fields"]] == [
        "*Kataib Hezbollah* [1]\naccording to *American officials*\n"
        "ledger.example · 13 March 2020\n_Also:_ Post [2]",
        "*Islamic State* [3]\naccording to *a politician*\nledger.example · 13 March 2020",
    ]
    assert [text.split(" ")[0] for text in texts(rest)] == ["*[1]*", "*[2]*", "*[3]*", "Quoted"]
    assert footer_blocks(conflict()) == [beside, *rest]


def test_a_language_models_account_of_a_conflict_stands_over_the_sides() -> None:
    prose, beside, *_ = whole(conflict("qwen"))
    assert prose["text"]["text"].startswith("Accounts differ. Kataib Hezbollah, according to")
    assert len(beside["fields"]) == 2


def test_a_conflict_whose_sides_are_not_known_is_told_in_its_text() -> None:
    said, *_ = whole(conflict().model_copy(update={"accounts": ()}))
    assert said["text"]["text"].startswith("Accounts differ. Kataib Hezbollah, according to")


def test_what_a_reader_should_know_is_said() -> None:
    checked = Verification(
        sentences=5,
        supported=2,
        unsupported=1,
        contradicted_removed=1,
        unscored=1,
        unsafe_removed=0,
        markers_invalid=0,
        quotes_dropped=0,
        unsupported_spans=(),
    )
    said = answer(
        model="qwen_2*",
        answer_status="partial",
        verification=checked,
        note="The language model's answer broke off; <this> is the extractive answer.",
    )
    assert texts(footer_blocks(said, "", "and who was it?"))[1].splitlines() == [
        "Of 5 sentences, 2 could not be tied to a passage.",
        "1 sentence was removed, because a passage says otherwise.",
        ":information_source: The language model's answer broke off; "
        "&lt;this&gt; is the extractive answer.",
        "Written by qwen_2∗ · confidence 81%",
        "I understood: “Who was blamed?”",
    ]


def test_a_part_of_an_answer_says_so() -> None:
    said = texts(footer_blocks(answer(answer_status="partial")))
    assert said[1].startswith("This answers a part of the question only: the archive does not hold")


def test_a_question_that_stood_alone_is_not_repeated() -> None:
    assert "I understood" not in str(footer_blocks(answer(), "", "Who  was blamed?"))


def test_citations_beyond_what_a_message_holds_are_counted() -> None:
    said = answer(citations=tuple(citation(n) for n in range(1, 15)))
    shown = texts(footer_blocks(said))
    assert [text[:5] for text in shown[:10]] == [f"*[{n}]*"[:5] for n in range(1, 11)]
    assert shown[10] == "… and 4 more, all of them under *Show passages*"


def test_an_answer_too_long_for_a_message_becomes_several_and_loses_nothing() -> None:
    text = " ".join(f"Sentence {n} says that rockets were fired." for n in range(500))
    messages = answer_messages(answer(text, short_answer=None))
    assert len(messages) == 3
    sections = [block for message in messages for block in message if block["type"] == "section"]
    assert " ".join(block["text"]["text"] for block in sections) == text
    assert messages[-1][-4:] == footer_blocks(answer(text))
    for message in messages:
        assert slacklimits.problems(message, "message") == []
        assert slacklimits.text_size(message) <= slacklimits.TEXT_PER_MESSAGE


def test_a_notification_holds_the_answer_and_its_sources() -> None:
    assert fallback_text(answer("It was <them> & *they*. [1]")) == (
        "It was &lt;them&gt; &amp; ∗they∗. [1]\n"
        "[1] <https://ledger.example/taji|US blames militia>, ledger.example · 13 March 2020"
    )


def test_a_rating_is_read_back_from_its_button() -> None:
    assert rated(feedback_value("up", "msg_1")) == ("up", "msg_1")
    assert rated(feedback_value("down", "msg_1")) == ("down", "msg_1")


ARTICLE = Article.create(title="Taji", text=f"It rained. {TAJI} Nobody was held.", source="Post")


def test_passages_show_the_quotation_bold_where_it_stands() -> None:
    passage = Passage.cut(ARTICLE, 0, 3, len(ARTICLE.text))
    cited = citation(start_char_index=11, end_char_index=11 + len(TAJI))
    view = passages_view([(cited, passage)])
    assert view["blocks"] == [
        {
            "type": "section",
            "text": {
                "type": "mrkdwn",
                "text": "*[1]* <https://ledger.example/taji|US blames militia>\n"
                "ledger.example · 13 March 2020",
                "verbatim": True,
            },
            "expand": True,
        },
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_quote",
                    "elements": [
                        {"type": "text", "text": "rained. "},
                        {"type": "text", "text": TAJI, "style": {"bold": True}},
                        {"type": "text", "text": " Nobody was held."},
                    ],
                }
            ],
        },
    ]
    assert slacklimits.view_problems(view) == []


def test_a_passage_that_is_gone_leaves_the_quotation() -> None:
    blocks = passages_view([(citation(), None), (citation(2), None)])["blocks"]
    assert [block["type"] for block in blocks] == [
        *("section", "context", "rich_text", "divider"),
        *("section", "context", "rich_text"),
    ]
    assert blocks[1]["elements"][0]["text"] == (
        "This article was changed or deleted since. The quotation as it stood:"
    )


def test_of_a_passage_without_end_the_words_around_the_quotation_are_shown() -> None:
    text = "rain " * 500 + TAJI + " wind" * 500
    passage = Passage.cut(Article.create(title="Taji", text=text), 0, 0, len(text))
    cited = citation(start_char_index=2_500, end_char_index=2_500 + len(TAJI))
    quote = passages_view([(cited, passage)])["blocks"][1]["elements"][0]["elements"]
    assert [part["text"] for part in quote] == [
        "… " + "rain " * 299,
        TAJI,
        " wind" * 299 + " …",
    ]


def test_without_a_passage_the_view_says_so() -> None:
    [only] = passages_view([])["blocks"]
    assert only["text"]["text"] == "No passage of this answer is there any more."


NAMES = st.none() | HOSTILE | st.text(min_size=200, max_size=400)
URLS = st.none() | st.just("https://a.example/" + "b" * 900) | HOSTILE
LONG = st.lists(HOSTILE, min_size=1, max_size=10).map(lambda found: " ".join(found) * 80)


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    text = "Said. " + draw(HOSTILE | LONG)
    cited = []
    for index in range(1, draw(st.integers(0, 13)) + 1):
        start = draw(st.integers(0, len(text)))
        spans = (AnswerSpan(start_index=start, end_index=draw(st.integers(start, len(text)))),)
        names = {name: _stored(draw(NAMES)) for name in ("source", "author", "attributed_to")}
        given_ = {
            "title": _stored(draw(NAMES)) or "",
            "url": _stored(draw(URLS)),
            "cited_text": _stored(draw(HOSTILE | LONG)) or "a",
            "answer_spans": spans,
        }
        cited.append(citation(index, **names, **given_))
    claims = draw(st.lists(HOSTILE | LONG, max_size=8)) if cited else []
    sides = [Account(claim=claim, citations=tuple(c.index for c in cited)) for claim in claims]
    status = draw(st.sampled_from(["answered", "conflicting", "partial", "no_answer"]))
    reason = draw(st.sampled_from(["no_match", "filtered_out"])) if status == "no_answer" else None
    return answer(
        text,
        short_answer=draw(st.just(text[:9]) | st.none()),
        model=draw(st.sampled_from(["extractive", "`m*"])),
        answer_status=status,
        abstain_reason=reason,
        citations=tuple(cited),
        accounts=tuple(sides) if status == "conflicting" else (),
        note=_stored(draw(NAMES)),
    )


def _stored(text: str | None) -> str | None:
    """Return `text` as an archive may hold it."""
    return text and text.replace("\0", "").encode("utf-8", "ignore").decode()


# What we say ourselves: titles as links, our own bold, italics, code and emoji.
_OURS = re.compile(
    r"</?(?:b|i|br|p|section|div|span|code|emoji|svg|path|hr|blockquote)\b[^<>]*>|"
    r'<a href="https://a\.example/b+">|</a>'
)


@given(answers(), HOSTILE, HOSTILE)
def test_slack_takes_every_answer_and_no_text_calls_or_links(
    said: Answer, filters: str, question: str
) -> None:
    for blocks in answer_messages(said, filters, question):
        assert slacklimits.problems(blocks, "message") == []
        assert slacklimits.text_size(blocks) <= slacklimits.TEXT_PER_MESSAGE
        assert re.findall(r"<[^<>]*>", _OURS.sub("", blocks_html(blocks))) == []
    assert 0 < len(fallback_text(said)) <= 4_000
    assert "<mark>" not in mrkdwn(fallback_text(said))


@given(answers(), st.integers(0, 40))
def test_slack_takes_every_passage(said: Answer, before: int) -> None:
    cited = []
    for one in said.citations:
        text = "a" * before + one.cited_text + " after." * before
        passage = Passage.cut(Article.create(title="t", text=text), 0, 0, len(text))
        end = before + len(one.cited_text)
        cited.append(
            (one.model_copy(update={"start_char_index": before, "end_char_index": end}), passage)
        )
    view = passages_view(cited)
    assert slacklimits.view_problems(view) == []
    assert len(str(view).encode()) <= slacklimits.VIEW_BYTES
    assert "<mark>" not in view_html(view)
