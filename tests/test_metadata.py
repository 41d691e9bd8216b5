"""Dates, names, addresses and the head of a saved page: read where certain, None elsewhere."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.metadata import Draft, author_names, from_epoch, parse_date, tidy_url
from ingest.savedpage import saved_page

SAVED = """Bridge over the Mill closes after a decade of warnings

“Nobody listened to us,” the chief engineer told the council on Tuesday.

ANN O'NEIL

MAY 4, 2021 10:20
Cranes beside the old bridge, the day before, May 3, 2021 (photo credit: LEDGER/A. LEE)
Cranes beside the old bridge, the day before, May 3, 2021 (photo credit: LEDGER/A. LEE)

“Nobody listened to us,” the chief engineer told the council on Tuesday. “We wrote ten letters.”

The bridge closed at noon.\xa0 It had carried the valley's traffic since 1931.

Advertisement

Who pays

The council has not said.

Content retrieved from: https://www.ledger.example/news/bridge-77?fbclid=IwAR20.

About The Author

Ann writes about roads."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MARCH 13, 2020 06:18", datetime(2020, 3, 13, 6, 18, tzinfo=UTC)),
        ("12 March 2020, 21:40 GMT", datetime(2020, 3, 12, 21, 40, tzinfo=UTC)),
        ("Friday, March 13, 2020 at 6:18 a.m. EDT", datetime(2020, 3, 13, 10, 18, tzinfo=UTC)),
        ("March 13, 2020 | 6:18 pm ET", datetime(2020, 3, 13, 22, 18, tzinfo=UTC)),
        ("13 March 2020 12:00 GMT+3", datetime(2020, 3, 13, 9, 0, tzinfo=UTC)),
        ("13 March 2020 12:00 +0200", datetime(2020, 3, 13, 10, 0, tzinfo=UTC)),
        ("2020-03-13T06:18Z", datetime(2020, 3, 13, 6, 18, tzinfo=UTC)),
        ("2020-03-04", datetime(2020, 3, 4, tzinfo=UTC)),
        ("2020/03/04", datetime(2020, 3, 4, tzinfo=UTC)),
        ("13/03/2020", datetime(2020, 3, 13, tzinfo=UTC)),
        ("03/04/2020", None),
        ("March 2020", None),
        ("13 March", None),
        ("06:18", None),
        ("The council met on March 13, 2020", None),
        ("", None),
    ],
)
def test_a_date_is_read_only_where_it_is_certain(text: str, expected: datetime | None) -> None:
    assert parse_date(text) == expected


@given(st.text() | st.text(st.sampled_from("0123456789:-/+TZ .,amprMSGchEDUt")))
def test_no_text_makes_the_date_parser_crash(text: str) -> None:
    moment = parse_date(text)
    assert moment is None or moment.tzinfo is UTC


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (1584080280, datetime(2020, 3, 13, 6, 18, tzinfo=UTC)),
        (1584080280000, None),
        (float("nan"), None),
        (float("inf"), None),
    ],
)
def test_epoch_seconds_are_a_time(seconds: float, expected: datetime | None) -> None:
    assert from_epoch(seconds) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ANN B. LEE", "Ann B. Lee"),
        ("By Ann Lee", "Ann Lee"),
        ("By ANN O'NEIL and JOHN McKENZIE", "Ann O'Neil, John McKenzie"),
        ("JEAN-PAUL VAN DER BERG", "Jean-Paul van der Berg"),
        ("By Ann Lee, John Roe and Jo Park", "Ann Lee, John Roe, Jo Park"),
        ("By Ann Lee, Political Editor", "Ann Lee"),
        ("By Ann Lee, staff writer", "Ann Lee"),
        ("By Ann Lee in Mill Valley", "Ann Lee"),
        ("Reuters", "Reuters"),
        ("By Staff", "Staff"),
        ("AFP", "AFP"),
        ("By Friday evening", None),
        ("By Ann Lee, who saw it", None),
        ("WORLD NEWS", None),
        ("The bridge closed", None),
        ("", None),
    ],
)
def test_a_byline_is_names_and_nothing_else(line: str, expected: str | None) -> None:
    assert author_names(line) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://www.ledger.example/a-1?fbclid=IwAR.", "https://www.ledger.example/a-1"),
        ("https://a.example/x?id=2&utm_source=t&q=%20z#f", "https://a.example/x?id=2&q=%20z#f"),
        ("https://a.example/Mill_(river)", "https://a.example/Mill_(river)"),
        ("https://a.example/x)", "https://a.example/x"),
        ("javascript:alert(1)", None),
        ("/relative", None),
        ("http://[broken", None),
        ("http://a.example:99999/", None),
        ("https://a.example/\ud800", None),
        ("", None),
    ],
)
def test_an_address_loses_only_what_tracks(url: str, expected: str | None) -> None:
    assert tidy_url(url) == expected


def test_a_saved_page_is_taken_apart() -> None:
    assert saved_page(SAVED) == Draft(
        title="Bridge over the Mill closes after a decade of warnings",
        author="Ann O'Neil",
        published_at=datetime(2021, 5, 4, 10, 20, tzinfo=UTC),
        url="https://www.ledger.example/news/bridge-77",
        text=(
            "“Nobody listened to us,” the chief engineer told the council on Tuesday. “We wrote ten"
            " letters.”\n\n"
            "The bridge closed at noon. It had carried the valley's traffic since 1931.\n\n"
            "Who pays\n\n"
            "The council has not said."
        ),
    )


def test_a_standfirst_that_the_body_does_not_repeat_is_its_first_paragraph() -> None:
    page = saved_page(
        "Bridge closes\n\nTen letters were ignored.\n\nBy Ann Lee\n\nIt closed at noon."
    )
    assert page.text == "Ten letters were ignored.\n\nIt closed at noon."


def test_byline_date_and_reading_time_may_share_a_line() -> None:
    page = saved_page("Mayor quits.\nBy Ann Lee | 4 May 2021, 10:00 GMT | 5 min read\n\nShe left.")
    assert page == Draft(
        title="Mayor quits.",
        author="Ann Lee",
        published_at=datetime(2021, 5, 4, 10, tzinfo=UTC),
        text="She left.",
    )


def test_the_time_of_an_update_is_not_the_publication() -> None:
    page = saved_page(
        "Mayor quits\nPublished: 12 March 2020, 21:40 GMT\nUpdated: 5 May 2021\n\nShe left."
    )
    assert page == Draft(
        title="Mayor quits",
        published_at=datetime(2020, 3, 12, 21, 40, tzinfo=UTC),
        text="She left.",
    )


def test_a_sentence_that_speaks_of_updates_stays() -> None:
    page = saved_page("Mayor quits\nBy Ann Lee\n\nUpdated rules apply from Monday.\n\nShe left.")
    assert page.text == "Updated rules apply from Monday.\n\nShe left."


def test_a_caption_shown_twice_without_a_credit_is_dropped() -> None:
    page = saved_page("Mayor quits\nMAY 4, 2021\nThe town hall\nThe town hall\n\nShe left.")
    assert page.text == "She left."


def test_the_dates_of_a_timeline_are_its_headings() -> None:
    days = "March 13, 2020\n\nRain fell.\n\nMarch 14, 2020\n\nThe river rose."
    assert saved_page(f"The flood day by day\n\n{days}") == Draft(
        title="The flood day by day", text=days
    )


def test_plain_paragraphs_are_all_kept() -> None:
    text = "The bridge closed on Tuesday. It was old.\n\nTHE AFTERMATH\n\nNobody came.\n\nAnn Lee"
    assert saved_page(text) == Draft(text=text)


def test_a_first_line_without_a_full_stop_is_the_headline() -> None:
    assert saved_page("Bridge closes\n\nIt was old.") == Draft(
        title="Bridge closes", text="It was old."
    )


def test_a_page_of_one_line_is_its_headline_and_its_text() -> None:
    assert saved_page("Bridge closes") == Draft(title="Bridge closes", text="Bridge closes")


def test_a_heading_about_the_author_amid_the_text_cuts_nothing() -> None:
    text = (
        "A new book is out. It is long.\n\nAbout the author\n\n"
        + "She was born in the valley. " * 4
    )
    assert saved_page(text).text == text.strip()


def test_a_hard_wrapped_page_keeps_its_head_apart() -> None:
    page = saved_page(
        "Bridge closes\nBy Ann Lee\nMay 4, 2021\n\n"
        "The old bridge over the Mill river was closed on Tuesday\n"
        "after engineers had found cracks in it, the works office\n"
        "said.\n\nSource: https://ledger.example/bridge"
    )
    assert page == Draft(
        title="Bridge closes",
        author="Ann Lee",
        published_at=datetime(2021, 5, 4, tzinfo=UTC),
        url="https://ledger.example/bridge",
        text=(
            "The old bridge over the Mill river was closed on Tuesday after engineers had found"
            " cracks in it, the works office said."
        ),
    )


@given(st.text(st.characters() | st.sampled_from("\n\n By.AMZ12:|©“”")))
def test_no_text_makes_the_page_rules_crash(text: str) -> None:
    assert isinstance(saved_page(text), Draft)
