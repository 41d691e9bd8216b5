"""The values: what they accept, what they derive and what they refuse."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rag.types import Article, Filters, Passage, Question, Turn, canonical_url

# Any: keywords of several types.
FIRE: dict[str, Any] = {
    "title": "Fire",
    "text": "A fire broke out.",
    "source": "ledger.example",
}


def test_an_article_without_an_address_gets_its_id_from_outlet_headline_and_time() -> None:
    assert Article.create(**FIRE).article_id == "0e3ff56d53bca38a"
    later = Article.create(**FIRE, published_at=datetime(2020, 3, 13, tzinfo=UTC))
    assert later.article_id != Article.create(**FIRE).article_id


def test_an_article_with_an_address_keeps_its_id_when_headline_and_time_are_corrected() -> None:
    url = "https://www.ledger.example/fire/?utm_source=rss#top"
    first = Article.create(title="Fire", text="One hurt.", url=url)
    second = Article.create(
        title="Two hurt in fire", text="Two.", url="https://ledger.example/fire"
    )
    assert first.article_id == second.article_id
    assert first.content_hash != second.content_hash


def test_the_source_falls_back_to_the_host_of_the_address() -> None:
    assert Article.create(title="T", text="x", url="https://www.ledger.example/a").source == (
        "ledger.example"
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "Blaze"),
        ("text", "A fire went out."),
        ("source", "other.example"),
        ("author", "Ann Lee"),
        ("url", "https://ledger.example/fire"),
        ("published_at", datetime(2020, 3, 13, tzinfo=UTC)),
    ],
)
def test_the_hash_covers_every_field_that_a_citation_shows(field: str, value: object) -> None:
    before = Article.create(**FIRE)
    changed = before.model_copy(update={field: value})
    assert before.computed_hash() == before.content_hash
    assert changed.computed_hash() != before.content_hash


def test_fields_cannot_be_shifted_into_one_another_without_changing_the_hash() -> None:
    one = Article.create(title="a", text="bc", article_id="x")
    other = Article.create(title="ab", text="c", article_id="x")
    assert one.content_hash != other.content_hash


@pytest.mark.parametrize("field", ["title", "text", "source", "author"])
@pytest.mark.parametrize("bad", ["a\0b", "a\ud800b"])
def test_what_no_database_stores_is_refused(field: str, bad: str) -> None:
    with pytest.raises(ValidationError):
        Article.create(**(FIRE | {field: bad}))


@pytest.mark.parametrize("bad", ["a b", "a:b", "a/b", "a?b", "a#b", "x" * 201, " "])
def test_an_id_that_would_break_addresses_and_passage_ids_is_refused(bad: str) -> None:
    with pytest.raises(ValidationError):
        Article.create(**FIRE, article_id=bad)


def test_times_without_a_zone_are_utc_and_lose_fractions_of_a_second() -> None:
    naive = datetime(2020, 3, 13, 6, 18, 0, 999)  # noqa: DTZ001 - what this is about
    assert Article.create(**FIRE, published_at=naive).published_at == datetime(
        2020, 3, 13, 6, 18, tzinfo=UTC
    )


def test_times_with_a_zone_are_turned_into_utc() -> None:
    zone = timezone(timedelta(hours=3))
    article = Article.create(**FIRE, published_at=datetime(2020, 3, 13, 6, 18, tzinfo=zone))
    assert article.published_at == datetime(2020, 3, 13, 3, 18, tzinfo=UTC)


def test_a_passage_is_the_slice_of_its_article_and_named_after_the_version() -> None:
    article = Article.create(**FIRE, article_id="a1")
    passage = Passage.cut(article, 4, 2, 6)
    assert passage == Passage(
        passage_id=f"a1:{article.content_hash[7:19]}:4",
        article_id="a1",
        content_hash=article.content_hash,
        position=4,
        start_char_index=2,
        end_char_index=6,
        text="fire",
    )


def test_a_value_refuses_a_field_that_it_does_not_know() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Filters(published_since="2020-03-13")  # type: ignore[call-arg]


def test_a_value_cannot_be_changed() -> None:
    question = Question(text="Who?")
    with pytest.raises(ValidationError, match="frozen"):
        question.text = "When?"  # type: ignore[misc]


@pytest.mark.parametrize("day", ["2020-03-13", date(2020, 3, 13)])
def test_as_of_a_date_means_its_last_second(day: object) -> None:
    assert Filters.model_validate({"as_of": day}).as_of == datetime(
        2020, 3, 13, 23, 59, 59, tzinfo=UTC
    )


def test_as_of_a_time_means_that_time() -> None:
    assert Filters.model_validate({"as_of": "2020-03-13T06:18:00Z"}).as_of == datetime(
        2020, 3, 13, 6, 18, tzinfo=UTC
    )


def test_published_before_a_date_means_its_first_second() -> None:
    assert Filters.model_validate({"published_before": "2020-03-13"}).published_before == datetime(
        2020, 3, 13, tzinfo=UTC
    )


def test_the_last_day_of_the_calendar_is_a_date_like_any_other() -> None:
    assert Filters.model_validate({"as_of": "9999-12-31"}).as_of == datetime(
        9999, 12, 31, 23, 59, 59, tzinfo=UTC
    )


@pytest.mark.parametrize(
    "bad", ["0001-01-01T00:00:00+05:00", "2020", 2020, "yesterday", "2020-02-30", "", 1e300]
)
def test_a_date_that_is_none_is_refused_and_not_guessed(bad: object) -> None:
    with pytest.raises(ValidationError):
        Filters.model_validate({"as_of": bad})


def test_a_range_of_dates_that_holds_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="is not earlier than"):
        Filters.model_validate({"published_after": "2020-03-13", "published_before": "2020-03-13"})


def test_only_filters_that_let_everything_through_are_empty() -> None:
    assert Filters().is_empty()
    assert not Filters(sources=()).is_empty()


@pytest.mark.parametrize("text", ["", "x" * 4_001, "a\ud800"])
def test_a_question_that_is_empty_too_long_or_no_text_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Question(text=text)


@pytest.mark.parametrize("field", ["question", "answer"])
def test_an_earlier_turn_that_is_no_text_is_refused(field: str) -> None:
    with pytest.raises(ValidationError):
        Turn.model_validate({"question": "Who?", field: "a\ud800"})


@given(st.text(), st.text())
def test_an_article_survives_being_written_as_json(title: str, text: str) -> None:
    if "\0" in title + text:
        return
    article = Article.create(title=title, text=text)
    assert Article.model_validate_json(article.model_dump_json()) == article


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("HTTPS://WWW.Ledger.Example:443/a/?b=2&a=1#c", "https://ledger.example/a?a=1&b=2"),
        ("https://ledger.example/a?utm_campaign=x&id=7&fbclid=y", "https://ledger.example/a?id=7"),
        ("http://ledger.example:8080/", "http://ledger.example:8080"),
        ("https://ledger.example/a?empty=", "https://ledger.example/a?empty="),
    ],
)
def test_addresses_of_one_page_become_one(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical
    assert canonical_url(canonical) == canonical
