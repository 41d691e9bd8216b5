"""Filters in words: what is said is meant, and what is meant can be said."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.spoken import filters_text, parse_filters
from rag.errors import InputError
from rag.types import Filters

MOMENTS = st.none() | st.datetimes(timezones=st.just(UTC)) | st.dates().map(
    lambda day: datetime(day.year, day.month, day.day, tzinfo=UTC)
)  # fmt: skip
LAST_SECONDS = st.dates().map(
    lambda day: datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=UTC)
)
NAME = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=30
) | st.sampled_from(['"', "\\", "“a”", "a b", "source:x", "\n", " ", "off", "„", 'a"b'])
NAMES = st.none() | st.lists(NAME, min_size=1, max_size=3).map(tuple)


@st.composite
def any_filters(draw: st.DrawFn) -> Filters:
    after, before = draw(MOMENTS), draw(MOMENTS)
    if after and before and after >= before:
        after, before = (None, before) if after == before else (before, after)
    return Filters(
        published_after=after,
        published_before=before,
        as_of=draw(MOMENTS | LAST_SECONDS),
        sources=draw(NAMES),
        article_ids=draw(NAMES),
    )


@given(any_filters())
def test_the_words_for_filters_mean_these_filters(filters: Filters) -> None:
    assert parse_filters(filters_text(filters)) == filters


PIECES = [
    "after:",
    "source:",
    "article:",
    "2020-03-01",
    '"',
    "\\",
    "“",
    "”",
    " ",
    "\n",
    "a",
    ":",
    "off",
]


@given(st.text() | st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_whatever_is_typed_means_filters_or_is_refused_in_words(words: str) -> None:
    try:
        filters = parse_filters(words)
    except InputError as refused:
        assert str(refused)  # noqa: PT017 - either outcome is right
    else:
        assert parse_filters(filters_text(filters)) == filters


def test_filters_are_said_as_a_person_would() -> None:
    filters = parse_filters(
        'AFTER:2020-03-01T06:30 source:jpost.com source:"New York Times" as-of:2020-03-13'
    )
    assert filters == Filters(
        published_after=datetime(2020, 3, 1, 6, 30, tzinfo=UTC),
        as_of=datetime(2020, 3, 13, 23, 59, 59, tzinfo=UTC),
        sources=("jpost.com", "New York Times"),
    )
    assert filters_text(filters) == (
        'after:2020-03-01T06:30:00Z as_of:2020-03-13 source:jpost.com source:"New York Times"'
    )


@pytest.mark.parametrize("words", ["", "  \n", "off", " OFF "])
def test_nothing_and_off_let_every_article_answer(words: str) -> None:
    assert parse_filters(words) == Filters()
    assert filters_text(Filters()) == ""


def test_curly_quotes_are_quotes() -> None:
    assert parse_filters("source:“New York Times”").sources == ("New York Times",)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("hello", "'hello' is no filter; write them as after:2020-03-01"),
        ("after: 2020-03-01", "'after:' is no filter; write them as after:2020-03-01"),
        ('source:"New York', "'source:\"New' is no filter"),
        ('source:"a"b', "is no filter"),
        ("since:2020-03-01", "there is no filter 'since', only after, before, as_of, source"),
        ("after:yesterday", "after: write it as 2020-03-13 or 2020-03-13T06:18:00Z"),
        ("after:2020", "after: write it as 2020-03-13"),
        ("after:2020-03-01 after:2020-03-02", "after was said twice; say it once"),
        ("after:2020-03-02 before:2020-03-01", "is not earlier than before 2020-03-01"),
        (f"source:{'x' * 301}", "source: String should have at most 300 characters"),
        ('source:"\\x"', 'write \\" for a quote in it'),
        ("source:\0", "source: String should match pattern"),
        ("source:\ud800", "source: "),
    ],
)
def test_what_is_no_filter_is_refused_with_what_to_write(words: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_filters(words)
    assert said in str(refused.value)


def test_speaking_of_filters_imports_nothing_heavy() -> None:
    heavy = {"typer", "rich", "httpx", "sqlalchemy", "fastapi", "numpy", "pydantic_settings"}
    code = f"import sys, api.spoken; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
