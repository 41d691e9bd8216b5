"""A citation is a quote that was compared, or it is not there."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.cite import citation_id, cite, place_of, recited, sources
from rag.types import Account, AnswerSpan, Article, Citation, Hit, Passage, Reading, Scores, Source
from tests import answers_made as made

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=80)


def reading(article: Article, passage: Passage, start: int, end: int) -> Reading:
    hit = Hit(passage=passage, article=article.meta(), scores=Scores(fused=0.1))
    return Reading(
        hit=hit, start=start, end=end, answer_start=start, answer_end=end, probability=0.5
    )


def quoted(article: Article, start: int, end: int, *, passage_start: int = 0) -> Reading:
    """Return the reading of `article.text[start:end]` in a passage that begins earlier."""
    passage = Passage.cut(article, 0, passage_start, len(article.text))
    return reading(article, passage, start - passage_start, end - passage_start)


BRIDGE = Article.create(
    title="Bridge closes",
    text="Rain fell. The bridge closed. Nobody was hurt.",
    article_id="bridge",
    source="ledger.example",
    author="Ann Lee",
    url="https://ledger.example/bridge",
    published_at=datetime(2020, 3, 13, tzinfo=UTC),
)
QUOTE = quoted(BRIDGE, 11, 29, passage_start=5)
SPAN = AnswerSpan(start_index=0, end_index=18)


def test_a_quote_that_is_in_the_article_becomes_a_citation() -> None:
    assert cite(QUOTE, BRIDGE, index=1, answer_spans=[SPAN]) == Citation(
        id=f"cit_bridge.{BRIDGE.content_hash[7:19]}.11-29",
        index=1,
        article_id="bridge",
        passage_id=f"bridge:{BRIDGE.content_hash[7:19]}:0",
        title="Bridge closes",
        url="https://ledger.example/bridge",
        source="ledger.example",
        author="Ann Lee",
        published_at=datetime(2020, 3, 13, tzinfo=UTC),
        cited_text="The bridge closed.",
        start_char_index=11,
        end_char_index=29,
        answer_spans=(SPAN,),
        score=0.5,
        support="supported",
        verified=True,
        content_hash=BRIDGE.content_hash,
    )


@given(TEXTS, st.data())
def test_whatever_is_cited_is_in_the_article_at_its_place(text: str, data: st.DataObject) -> None:
    article = Article.create(title="T", text=text, article_id="a1")
    place = st.integers(0, len(text))
    # Passages and readings that lie, too: their text and their offsets need not agree.
    begin, end = data.draw(place), data.draw(place)
    honest = Passage.cut(article, 0, begin, end)
    passage = honest.model_copy(update={"text": data.draw(st.sampled_from([honest.text, text]))})
    one = reading(article, passage, *sorted((data.draw(place), data.draw(place))))
    citation = cite(one, article, index=1, answer_spans=())
    if citation is not None:
        quote = article.text[citation.start_char_index : citation.end_char_index]
        assert quote == citation.cited_text != ""


@given(TEXTS, TEXTS, st.data())
def test_no_text_of_another_version_is_ever_cited(old: str, new: str, data: st.DataObject) -> None:
    article = Article.create(title="T", text=old, article_id="a1")
    # Even where the characters are the same: the title changes, so the hash does.
    newer = Article.create(title="Corrected", text=new, article_id="a1")
    start = data.draw(st.integers(0, len(old)))
    assert cite(quoted(article, start, len(old)), newer, index=1, answer_spans=()) is None


def test_an_article_that_is_gone_is_not_cited() -> None:
    assert cite(QUOTE, None, index=1, answer_spans=()) is None


def test_a_quote_that_lies_one_character_off_is_not_cited() -> None:
    shifted = QUOTE.hit.passage.model_copy(update={"start_char_index": 6})
    one = reading(BRIDGE, shifted, QUOTE.start, QUOTE.end)
    assert one.text == "The bridge closed."
    assert cite(one, BRIDGE, index=1, answer_spans=()) is None


def test_a_quote_of_nothing_is_not_cited() -> None:
    assert cite(quoted(BRIDGE, 11, 11), BRIDGE, index=1, answer_spans=()) is None


def test_each_cited_article_is_a_source_once_in_order_of_first_citation() -> None:
    fire = Article.create(title="Fire", text="It burned. It rained.", article_id="fire")
    quotes = [quoted(fire, 0, 10), QUOTE, quoted(fire, 11, 21)]
    cited = [
        citation
        for one, article in zip(quotes, (fire, BRIDGE, fire), strict=True)
        if (citation := cite(one, article, index=1, answer_spans=()))
    ]
    assert sources(cited) == (
        Source(article_id="fire", passages=2, title="Fire", url=None, published_at=None),
        Source(
            article_id="bridge",
            passages=1,
            title="Bridge closes",
            url="https://ledger.example/bridge",
            published_at=datetime(2020, 3, 13, tzinfo=UTC),
        ),
    )


@pytest.mark.parametrize("article_id", ["bridge", "a.b_c", "cit_x.0123456789ab.1-2", "é", "-"])
def test_a_citation_id_leads_back_to_its_place(article_id: str) -> None:
    article = Article.create(title="Bridge", text="It is open.", article_id=article_id)
    short_hash = article.content_hash.removeprefix("sha256:")[:12]
    assert place_of(citation_id(article, 3, 5)) == (article_id, short_hash, 3, 5)


def test_sides_go_by_the_citations_that_quote_the_same_characters() -> None:
    board, renn = cited(1, "bridge", 62, 115), cited(2, "museum", 0, 40)
    sides = (Account(claim="the board", citations=(1,)), Account(claim="Renn", citations=(2,)))
    told = made.answer(citations=(board, renn), accounts=sides)
    again = (cited(1, "museum", 30, 90), cited(2, "bridge", 0, 62), cited(3, "bridge", 100, 140))
    assert recited(told, again) == (
        Account(claim="the board", citations=(3,)),
        Account(claim="Renn", citations=(1,)),
    )


def test_a_side_that_is_not_quoted_again_leaves_none() -> None:
    sides = (Account(claim="the board", citations=(1,)), Account(claim="Renn", citations=(2,)))
    quotes = (cited(1, "bridge", 62, 115), cited(2, "museum", 0, 40))
    told = made.answer(citations=quotes, accounts=sides)
    assert recited(told, (cited(1, "bridge", 62, 115), cited(2, "museum", 40, 90))) == ()


def cited(index: int, article_id: str, start: int, end: int) -> Citation:
    place = {"article_id": article_id, "start_char_index": start, "end_char_index": end}
    return made.citation(index=index, **place)
