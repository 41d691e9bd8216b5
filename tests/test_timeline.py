"""What time a question asks about, what time a sentence speaks of, and how well the two agree.

The tables are the rules: each row is an expression, the days it means (the last one exclusive),
and the words that say so.
"""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.timeline import AskedTime, asked_time, dated, mentions, recency_weight, time_factors
from rag.timeline import time_fit as fit

# A Friday in the eleventh ISO week, Monday 9 to Sunday 15 March.
NOW = datetime(2020, 3, 13, 12, tzinfo=UTC)
Row = tuple[str, str | None, str | None, list[str]]


def day(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


def asked(question: str, now: datetime = NOW) -> tuple[datetime | None, datetime | None, list[str]]:
    found = asked_time(question, now=now)
    return found.since, found.until, [question[start:end] for start, end in found.spans]


EXPLICIT: list[Row] = [
    # A day, in every order in which newspapers and people write it.
    ("What happened on 13 March 2020?", "2020-03-13", "2020-03-14", ["13 March 2020"]),
    ("What happened on March 13, 2020?", "2020-03-13", "2020-03-14", ["March 13, 2020"]),
    ("what happened on march 13 2020", "2020-03-13", "2020-03-14", ["march 13 2020"]),
    ("Who spoke on 2020-03-13?", "2020-03-13", "2020-03-14", ["2020-03-13"]),
    (
        "Who spoke on Friday, March 13, 2020?",
        "2020-03-13",
        "2020-03-14",
        ["Friday, March 13, 2020"],
    ),
    ("Who spoke on Friday 13 March 2020?", "2020-03-13", "2020-03-14", ["Friday 13 March 2020"]),
    ("Who spoke on the 13th of March 2020?", "2020-03-13", "2020-03-14", ["13th of March 2020"]),
    ("Who spoke on 13 Mar. 2020?", "2020-03-13", "2020-03-14", ["13 Mar. 2020"]),
    ("Who spoke on Mar 13th, 2020?", "2020-03-13", "2020-03-14", ["Mar 13th, 2020"]),
    ("Who was born on 29 February 2020?", "2020-02-29", "2020-03-01", ["29 February 2020"]),
    ("Who spoke on 5 May in 2019?", "2019-05-05", "2019-05-06", ["5 May", "2019"]),
    # A month and a year.
    ("Who resigned in December 2019?", "2019-12-01", "2020-01-01", ["December 2019"]),
    ("the floods of December of 2019", "2019-12-01", "2020-01-01", ["December of 2019"]),
    ("who resigned in dec 2019", "2019-12-01", "2020-01-01", ["dec 2019"]),
    ("who resigned in may 2019", "2019-05-01", "2019-06-01", ["may 2019"]),
    ("How cold was February 2020?", "2020-02-01", "2020-03-01", ["February 2020"]),
    ("Who won the election of November 2016?", "2016-11-01", "2016-12-01", ["November 2016"]),
    # A year, alone or before a common noun.
    ("Who resigned in 2019?", "2019-01-01", "2020-01-01", ["2019"]),
    ("How many ferries sank during 2019?", "2019-01-01", "2020-01-01", ["2019"]),
    ("What happened in the year 2016?", "2016-01-01", "2017-01-01", ["2016"]),
    ("Who planned the 2015 attacks?", "2015-01-01", "2016-01-01", ["2015"]),
    ("Who won in 2019 and who came second?", "2019-01-01", "2020-01-01", ["2019"]),
    # Longer and shorter than a year.
    ("Who ruled in the 1990s?", "1990-01-01", "2000-01-01", ["1990s"]),
    ("What opened in early 2019?", "2019-01-01", "2019-05-01", ["early 2019"]),
    ("What opened in mid-2019?", "2019-05-01", "2019-09-01", ["mid-2019"]),
    ("What opened in late 2019?", "2019-09-01", "2020-01-01", ["late 2019"]),
    ("What opened at the end of 2019?", "2019-09-01", "2020-01-01", ["end of 2019"]),
    ("What opened in early December 2019?", "2019-12-01", "2019-12-11", ["early December 2019"]),
    ("What opened in late December 2019?", "2019-12-21", "2020-01-01", ["late December 2019"]),
    (
        "the loss in the first quarter of 2019",
        "2019-01-01",
        "2019-04-01",
        ["first quarter of 2019"],
    ),
    ("the loss in the second half of 2019", "2019-07-01", "2020-01-01", ["second half of 2019"]),
    ("What was the loss in Q3 2019?", "2019-07-01", "2019-10-01", ["Q3 2019"]),
    # Seasons are three whole months, the winter named for the year in which it ends.
    ("What opened in spring 2019?", "2019-03-01", "2019-06-01", ["spring 2019"]),
    ("What burned in the summer of 2019?", "2019-06-01", "2019-09-01", ["summer of 2019"]),
    ("Who resigned in the autumn of 2018?", "2018-09-01", "2018-12-01", ["autumn of 2018"]),
    ("How cold was winter 2020?", "2019-12-01", "2020-03-01", ["winter 2020"]),
    # Ranges; the year of the second holds for the first.
    (
        "Who spoke between 2 and 5 May 2019?",
        "2019-05-02",
        "2019-05-06",
        ["between 2 and 5 May 2019"],
    ),
    ("Who spoke from 2 to 5 May 2019?", "2019-05-02", "2019-05-06", ["from 2 to 5 May 2019"]),
    ("the talks of 2-5 May 2019", "2019-05-02", "2019-05-06", ["2-5 May 2019"]),
    ("the talks of May 2–5, 2019", "2019-05-02", "2019-05-06", ["May 2–5, 2019"]),
    (
        "Who spoke between 30 April and 2 May 2019?",
        "2019-04-30",
        "2019-05-03",
        ["between 30 April and 2 May 2019"],
    ),
    (
        "Who spoke between April 30 and May 2, 2019?",
        "2019-04-30",
        "2019-05-03",
        ["between April 30 and May 2, 2019"],
    ),
    (
        "rain from January to March 2019",
        "2019-01-01",
        "2019-04-01",
        ["from January to March 2019"],
    ),
    (
        "rain from November to February 2019",
        "2018-11-01",
        "2019-03-01",
        ["from November to February 2019"],
    ),
    ("Who ruled between 2015 and 2018?", "2015-01-01", "2019-01-01", ["between 2015 and 2018"]),
    ("Who ruled from 2015 to 2018?", "2015-01-01", "2019-01-01", ["from 2015 to 2018"]),
    ("Who ruled in 2015–2018?", "2015-01-01", "2019-01-01", ["2015–2018"]),
    # Open on one side.
    ("Who ruled before 2015?", None, "2015-01-01", ["before 2015"]),
    ("Who ruled after 2015?", "2016-01-01", None, ["after 2015"]),
    ("Who has ruled since 2015?", "2015-01-01", None, ["since 2015"]),
    ("Who ruled until March 2019?", None, "2019-04-01", ["until March 2019"]),
    ("What was built by 2018?", None, "2019-01-01", ["by 2018"]),
    ("Who spoke after 13 March 2019?", "2019-03-14", None, ["after 13 March 2019"]),
    # What two expressions share; where they share nothing, all from the first to the last.
    ("Was it colder in 2017 or in 2019?", "2017-01-01", "2020-01-01", ["2017", "2019"]),
]

RELATIVE: list[Row] = [
    # Days are counted from the day of `now` in UTC.
    ("What happened yesterday?", "2020-03-12", "2020-03-13", ["yesterday"]),
    ("What happened today?", "2020-03-13", "2020-03-14", ["today"]),
    ("Who speaks tonight?", "2020-03-13", "2020-03-14", ["tonight"]),
    ("Who speaks tomorrow?", "2020-03-14", "2020-03-15", ["tomorrow"]),
    ("Who was shot last night?", "2020-03-12", "2020-03-13", ["last night"]),
    ("Who spoke this morning?", "2020-03-13", "2020-03-14", ["this morning"]),
    ("Who spoke yesterday evening?", "2020-03-12", "2020-03-13", ["yesterday evening"]),
    (
        "Who spoke the day before yesterday?",
        "2020-03-11",
        "2020-03-12",
        ["day before yesterday"],
    ),
    ("Who spoke two days ago?", "2020-03-11", "2020-03-12", ["two days ago"]),
    # A weekday is the most recent one, today included; with "last", today excluded.
    ("What did the Pentagon say on Thursday?", "2020-03-12", "2020-03-13", ["Thursday"]),
    ("what did the pentagon say on thursday", "2020-03-12", "2020-03-13", ["thursday"]),
    ("What was said on Friday?", "2020-03-13", "2020-03-14", ["Friday"]),
    ("What was said on Saturday?", "2020-03-07", "2020-03-08", ["Saturday"]),
    ("Who claimed Thursday's attack?", "2020-03-12", "2020-03-13", ["Thursday"]),
    ("Who spoke on Thursday evening?", "2020-03-12", "2020-03-13", ["Thursday evening"]),
    ("Who spoke last Friday?", "2020-03-06", "2020-03-07", ["last Friday"]),
    ("Who spoke last Thursday?", "2020-03-12", "2020-03-13", ["last Thursday"]),
    # "This" is the one of this week, "next" and what will be the first to come.
    ("Who spoke this Monday?", "2020-03-09", "2020-03-10", ["this Monday"]),
    ("Who speaks this Sunday?", "2020-03-15", "2020-03-16", ["this Sunday"]),
    ("Who speaks next Tuesday?", "2020-03-17", "2020-03-18", ["next Tuesday"]),
    ("What will the court decide on Monday?", "2020-03-16", "2020-03-17", ["Monday"]),
    # Weeks are ISO weeks, months and years those of the calendar.
    ("What happened last week?", "2020-03-02", "2020-03-09", ["last week"]),
    ("What happened this week?", "2020-03-09", "2020-03-16", ["this week"]),
    ("What happens next week?", "2020-03-16", "2020-03-23", ["next week"]),
    ("What happened last month?", "2020-02-01", "2020-03-01", ["last month"]),
    ("What happened this month?", "2020-03-01", "2020-04-01", ["this month"]),
    ("What happened last year?", "2019-01-01", "2020-01-01", ["last year"]),
    ("What was last year's budget?", "2019-01-01", "2020-01-01", ["last year"]),
    ("What happened earlier this year?", "2020-01-01", "2020-03-14", ["earlier this year"]),
    ("What happens later this month?", "2020-03-13", "2020-04-01", ["later this month"]),
    ("What happened late last year?", "2019-09-01", "2020-01-01", ["late last year"]),
    # A weekend is Saturday and Sunday: "last" and "the" one that has begun, "this" one of the week.
    ("What happened last weekend?", "2020-03-07", "2020-03-09", ["last weekend"]),
    ("What happened over the weekend?", "2020-03-07", "2020-03-09", ["the weekend"]),
    ("What is on this weekend?", "2020-03-14", "2020-03-16", ["this weekend"]),
    # "The past" counts back from today and includes it; "a few" is five, "several" seven.
    ("What happened in the past week?", "2020-03-06", "2020-03-14", ["past week"]),
    ("the deaths over the past 3 months", "2019-12-13", "2020-03-14", ["past 3 months"]),
    ("the deaths in the last two years", "2018-03-13", "2020-03-14", ["last two years"]),
    ("the deaths in the last 24 hours", "2020-03-12", "2020-03-14", ["last 24 hours"]),
    ("the deaths over the past few days", "2020-03-08", "2020-03-14", ["past few days"]),
    # "Ago" is as coarse as its unit: the day, the ISO week, the month, the year.
    ("What happened a week ago?", "2020-03-02", "2020-03-09", ["a week ago"]),
    ("What happened 3 weeks ago?", "2020-02-17", "2020-02-24", ["3 weeks ago"]),
    ("What happened two months ago?", "2020-01-01", "2020-02-01", ["two months ago"]),
    ("What happened a year ago?", "2019-01-01", "2020-01-01", ["a year ago"]),
    ("What happened a decade ago?", "2010-01-01", "2011-01-01", ["a decade ago"]),
    ("What happened a couple of days ago?", "2020-03-11", "2020-03-12", ["couple of days ago"]),
    ("What happened six hours ago?", "2020-03-13", "2020-03-14", ["six hours ago"]),
    # A month without a year is the most recent one that has begun; with "last", that is over.
    ("Who resigned in December?", "2019-12-01", "2020-01-01", ["December"]),
    ("Who resigned in March?", "2020-03-01", "2020-04-01", ["March"]),
    ("Who resigned in April?", "2019-04-01", "2019-05-01", ["April"]),
    ("who resigned in may", "2019-05-01", "2019-06-01", ["may"]),
    ("Who resigned last December?", "2019-12-01", "2020-01-01", ["last December"]),
    ("Who resigned last March?", "2019-03-01", "2019-04-01", ["last March"]),
    ("Who resigned this January?", "2020-01-01", "2020-02-01", ["this January"]),
    ("Who retires next May?", "2020-05-01", "2020-06-01", ["next May"]),
    ("Who resigned in May last year?", "2019-05-01", "2019-06-01", ["May last year"]),
    ("the fire of December of last year", "2019-12-01", "2020-01-01", ["December of last year"]),
    ("Who resigned in early January?", "2020-01-01", "2020-01-11", ["early January"]),
    ("Who claimed the December bombing?", "2019-12-01", "2020-01-01", ["December"]),
    # So is a day without a year, or without a month.
    ("Who spoke on 5 May?", "2019-05-05", "2019-05-06", ["5 May"]),
    ("Who spoke on March 12?", "2020-03-12", "2020-03-13", ["March 12"]),
    ("who spoke on march 12", "2020-03-12", "2020-03-13", ["march 12"]),
    ("Who spoke on 29 February?", "2020-02-29", "2020-03-01", ["29 February"]),
    ("Who spoke on Thursday, 12 March?", "2020-03-12", "2020-03-13", ["Thursday, 12 March"]),
    ("Who spoke on the 5th?", "2020-03-05", "2020-03-06", ["5th"]),
    ("Who spoke on the 20th?", "2020-02-20", "2020-02-21", ["20th"]),
    # So is a season.
    ("Where did it burn last summer?", "2019-06-01", "2019-09-01", ["last summer"]),
    ("Where did it burn in the autumn?", "2019-09-01", "2019-12-01", ["autumn"]),
    ("How cold was last winter?", "2019-12-01", "2020-03-01", ["last winter"]),
    ("What opens this spring?", "2020-03-01", "2020-06-01", ["this spring"]),
    # Open on one side, and ranges.
    ("What has happened since Monday?", "2020-03-09", None, ["since Monday"]),
    ("What has happened since January?", "2020-01-01", None, ["since January"]),
    ("What happened before Thursday?", None, "2020-03-12", ["before Thursday"]),
    ("What happened after the 5th?", "2020-03-06", None, ["after the 5th"]),
    ("What happened until last week?", None, "2020-03-09", ["until last week"]),
    (
        "Who spoke between Monday and Thursday?",
        "2020-03-09",
        "2020-03-13",
        ["between Monday and Thursday"],
    ),
    ("rain from April to November", "2019-04-01", "2019-12-01", ["from April to November"]),
    # The day that both agree on.
    ("Who spoke on Wednesday last week?", "2020-03-04", "2020-03-05", ["Wednesday last week"]),
    ("Who spoke on Friday in the past week?", "2020-03-13", "2020-03-14", ["Friday", "past week"]),
]

NO_TIME = [
    "Who was blamed for the Taji attack?",
    "Who may march on the capital?",
    "May the council close the bridge?",
    "Who will march in the capital?",
    "Why did 20 march on the capital?",
    "Who led the March for Our Lives?",
    "What did Theresa May say?",
    "What did a spokesman for April Jones say?",
    "Who shot June Marrow?",
    "Is August Wick a poet?",
    "Who came second?",
    "Who was the second man?",
    "How many seconds did it take?",
    "What did the Sunday Times report?",
    "Who edits the Mail on Sunday?",
    "What is Black Friday?",
    "Who died on Bloody Sunday?",
    "What is sold on Good Friday?",
    "Who plays for Sheffield Wednesday?",
    "Who won on Super Tuesday?",
    "Who presents Saturday Night Live?",
    "Who stars in Friday the 13th?",
    "Which shops close on Sundays?",
    "Who sings every Thursday?",
    "Who led the 1916 Rising?",
    "Who won gold at the 2012 Olympics?",
    "Where did 2000 people flee from?",
    "Who paid $2015 for the lamp?",
    "How high is a wall of 2015 metres?",
    "Who commands the 5th Battalion?",
    "Who wrote for USA Today?",
    "Who began the Arab Spring?",
    "Who eats spring rolls?",
    "Did prices fall?",
    "Who saw the fall of Hallow?",
    "How long did the talks last?",
    "What is the last name of the mayor?",
    "Who was saved at the last minute?",
    "When do results come in at the latest?",
    "How strong is the ocean current?",
    "What does a current account cost?",
    "Who directed Apocalypse Now?",
    "What happened two days earlier?",
    "What did the September 11 attacks change?",
    "What happened on 31 February 2020?",
    "What happened on 2020-13-45?",
    "What does 10-2020-11 mean?",
    "How long is a week?",
    "How should one learn who not to date?",
    "Who spoke of the singer's last hours?",
    "Who paid 2,015 pounds?",
    "İİİİ may be a Turkish march",
    "How many days a year does it rain?",
]

RECENT = [
    ("What is the latest on the strike?", "latest"),
    ("What was the most recent attack?", "most recent"),
    ("What is the newest bridge?", "newest"),
    ("Who carried out the last attack?", "last"),
    ("Who led the last march on Washington?", "last"),
    ("When did the ferry last sail?", "last"),
    ("Who is the current governor?", "current"),
    ("Who is currently governor?", "currently"),
    ("Who is governor now?", "now"),
    ("Where is he right now?", "right now"),
    ("How many have died so far?", "so far"),
    ("What do people eat these days?", "these days"),
    ("What is the toll to date?", "to date"),
    ("Who left recently?", "recently"),
]


@pytest.mark.parametrize(("question", "since", "until", "words"), EXPLICIT)
def test_a_question_that_names_a_date_asks_about_its_days(
    question: str, since: str | None, until: str | None, words: list[str]
) -> None:
    assert asked(question) == (day(since), day(until), words)
    found = asked_time(question, now=NOW)
    assert (found.window, found.recency) == ("explicit", False)


@pytest.mark.parametrize(("question", "since", "until", "words"), RELATIVE)
def test_a_time_that_counts_from_now_is_resolved_against_now(
    question: str, since: str | None, until: str | None, words: list[str]
) -> None:
    assert asked(question) == (day(since), day(until), words)
    found = asked_time(question, now=NOW)
    assert (found.window, found.recency) == ("relative", False)


@pytest.mark.parametrize("question", NO_TIME)
def test_words_that_only_look_like_a_time_name_none(question: str) -> None:
    assert asked_time(question, now=NOW) == AskedTime()


@pytest.mark.parametrize(("question", "words"), RECENT)
def test_a_question_for_the_latest_asks_for_recency_and_names_no_days(
    question: str, words: str
) -> None:
    start = question.index(words)
    assert asked_time(question, now=NOW) == AskedTime(
        recency=True, spans=((start, start + len(words)),)
    )


def test_a_question_may_ask_for_the_latest_of_some_days() -> None:
    assert asked_time("What is the latest since Monday?", now=NOW) == AskedTime(
        since=day("2020-03-09"), window="relative", recency=True, spans=((12, 18), (19, 31))
    )


def test_today_with_an_s_asks_for_what_is_new_of_today() -> None:
    assert asked_time("What is today's toll?", now=NOW) == AskedTime(
        since=day("2020-03-13"),
        until=day("2020-03-14"),
        window="relative",
        recency=True,
        spans=((8, 13), (8, 15)),
    )


@pytest.mark.parametrize(
    ("now", "question", "since", "until"),
    [
        ("2020-01-02", "Who resigned in December?", "2019-12-01", "2020-01-01"),
        ("2020-01-02", "Who resigned in January?", "2020-01-01", "2020-02-01"),
        ("2020-01-02", "Who resigned last January?", "2019-01-01", "2019-02-01"),
        ("2020-01-02", "What happened last week?", "2019-12-23", "2019-12-30"),
        ("2020-01-02", "What happened this week?", "2019-12-30", "2020-01-06"),
        ("2020-01-02", "What happened last month?", "2019-12-01", "2020-01-01"),
        ("2020-01-02", "What happened on 31 December?", "2019-12-31", "2020-01-01"),
        ("2020-01-02", "What happened on Tuesday?", "2019-12-31", "2020-01-01"),
        ("2020-01-02", "What happened this winter?", "2019-12-01", "2020-03-01"),
        ("2020-12-31", "What happens next month?", "2021-01-01", "2021-02-01"),
        ("2020-12-31", "What happens next year?", "2021-01-01", "2022-01-01"),
        ("2020-03-31", "What happened a month ago?", "2020-02-01", "2020-03-01"),
        ("2020-03-31", "What happened in the past month?", "2020-02-29", "2020-04-01"),
        ("2021-03-31", "What happened in the past month?", "2021-02-28", "2021-04-01"),
        ("2020-02-29", "What happened in the past year?", "2019-02-28", "2020-03-01"),
        ("2022-03-01", "What happened on 29 February?", "2020-02-29", "2020-03-01"),
        ("2020-03-30", "Who spoke on the 31st?", "2020-01-31", "2020-02-01"),
        ("2020-03-14", "What happened over the weekend?", "2020-03-14", "2020-03-16"),
        ("2020-03-15", "What happened last weekend?", "2020-03-07", "2020-03-09"),
    ],
)
def test_months_end_and_years_turn_where_the_calendar_says(
    now: str, question: str, since: str, until: str
) -> None:
    assert asked(question, datetime.fromisoformat(now).replace(tzinfo=UTC))[:2] == (
        day(since),
        day(until),
    )


def test_letters_that_grow_in_lower_case_do_not_shift_the_words() -> None:
    assert asked("İİ sank on Thursday?") == (day("2020-03-12"), day("2020-03-13"), ["Thursday"])


def test_the_day_of_now_is_its_day_in_utc() -> None:
    east = datetime.fromisoformat("2020-03-13T01:30:00+05:00")
    assert asked("What happened today?", east)[:2] == (day("2020-03-12"), day("2020-03-13"))


def test_a_question_asked_as_of_the_past_counts_from_there() -> None:
    before = datetime(2001, 9, 14, 23, 59, 59, tzinfo=UTC)
    assert asked("What happened on Tuesday?", before)[:2] == (day("2001-09-11"), day("2001-09-12"))


def test_a_time_before_the_first_or_after_the_last_year_is_no_time() -> None:
    assert asked_time("last year", now=datetime(1, 1, 1, tzinfo=UTC)) == AskedTime()
    assert asked_time("next week", now=datetime(9999, 12, 31, tzinfo=UTC)) == AskedTime()


# -- mentions ----------------------------------------------------------------------------------

PUBLISHED = datetime(2020, 3, 13, 6, 18, tzinfo=UTC)

MENTIONS: list[tuple[str, list[tuple[str, str, str]]]] = [
    # News names the weekday: the one just past, or today's.
    (
        "The ferry sank on Wednesday evening.",
        [("Wednesday evening", "2020-03-11", "2020-03-12")],
    ),
    ("The Pentagon said Thursday it was ready.", [("Thursday", "2020-03-12", "2020-03-13")]),
    ("The council met on Friday.", [("Friday", "2020-03-13", "2020-03-14")]),
    ("Saturday's storm felled trees.", [("Saturday", "2020-03-07", "2020-03-08")]),
    ("The storm hit late on Thursday.", [("Thursday", "2020-03-12", "2020-03-13")]),
    ("Late Thursday night shots were fired.", [("Thursday night", "2020-03-12", "2020-03-13")]),
    ("He was shot last Friday.", [("last Friday", "2020-03-06", "2020-03-07")]),
    (
        "They met on Monday and again on Tuesday.",
        [("Monday", "2020-03-09", "2020-03-10"), ("Tuesday", "2020-03-10", "2020-03-11")],
    ),
    # What will be is the first to come.
    ("The court will rule on Monday.", [("Monday", "2020-03-16", "2020-03-17")]),
    ("The vote is set for next Tuesday.", [("next Tuesday", "2020-03-17", "2020-03-18")]),
    ("Talks are scheduled for Wednesday.", [("Wednesday", "2020-03-18", "2020-03-19")]),
    ("She is expected to resign on Sunday.", [("Sunday", "2020-03-15", "2020-03-16")]),
    ("He is due in court on Friday.", [("Friday", "2020-03-13", "2020-03-14")]),
    ("The strike is to begin on Saturday.", [("Saturday", "2020-03-14", "2020-03-15")]),
    ("On Monday, the court will rule.", [("Monday", "2020-03-16", "2020-03-17")]),
    ("The bridge will reopen in April.", [("April", "2020-04-01", "2020-05-01")]),
    ("The bridge is to close in January.", [("January", "2021-01-01", "2021-02-01")]),
    ("Voters go to the polls next May.", [("next May", "2020-05-01", "2020-06-01")]),
    ("The law will change on April 1.", [("April 1", "2020-04-01", "2020-04-02")]),
    ("He starts in April.", [("April", "2020-04-01", "2020-05-01")]),
    ("The bridge opens on Monday.", [("Monday", "2020-03-16", "2020-03-17")]),
    ("The trial resumes Monday.", [("Monday", "2020-03-16", "2020-03-17")]),
    ("The tax takes effect on April 1.", [("April 1", "2020-04-01", "2020-04-02")]),
    ("The minister is stepping down in May.", [("May", "2020-05-01", "2020-06-01")]),
    (
        "It resumes Monday where it left off in May.",
        [("Monday", "2020-03-16", "2020-03-17"), ("May", "2019-05-01", "2019-06-01")],
    ),
    # A caption shows what has been, and a noun is no verb.
    ("A gunman opens fire on Monday.", [("Monday", "2020-03-09", "2020-03-10")]),
    ("The mayor arrives at court on Monday.", [("Monday", "2020-03-09", "2020-03-10")]),
    ("It was over at the start of April.", [("start of April", "2019-04-01", "2019-04-11")]),
    # Another clause is another time; who said that it will be said it before.
    (
        "The court, which met on Monday, will rule in June.",
        [("Monday", "2020-03-09", "2020-03-10"), ("June", "2020-06-01", "2020-07-01")],
    ),
    (
        "He told reporters on Thursday he would resign in May.",
        [("Thursday", "2020-03-12", "2020-03-13"), ("May", "2020-05-01", "2020-06-01")],
    ),
    (
        "She said on Wednesday that the strike will end on Saturday.",
        [("Wednesday", "2020-03-11", "2020-03-12"), ("Saturday", "2020-03-14", "2020-03-15")],
    ),
    ("Those who would have left stayed on Tuesday.", [("Tuesday", "2020-03-10", "2020-03-11")]),
    # A month or a day without a year is the one just past.
    ("The minister resigned in January.", [("January", "2020-01-01", "2020-02-01")]),
    ("In December the harbour froze.", [("December", "2019-12-01", "2020-01-01")]),
    ("The toll has risen since March began.", [("March", "2020-03-01", "2020-04-01")]),
    ("She has led the party since May.", [("May", "2019-05-01", "2019-06-01")]),
    ("The September floods took the mill.", [("September", "2019-09-01", "2019-10-01")]),
    ("On March 12 the border closed.", [("March 12", "2020-03-12", "2020-03-13")]),
    ("The border closed on 12 March.", [("12 March", "2020-03-12", "2020-03-13")]),
    ("It closed on Thursday, March 12.", [("Thursday, March 12", "2020-03-12", "2020-03-13")]),
    ("A treaty was signed on Dec. 31.", [("Dec. 31", "2019-12-31", "2020-01-01")]),
    ("It burned in late February.", [("late February", "2020-02-21", "2020-03-01")]),
    # Days and units counted from the article's day.
    ("The school reopened yesterday.", [("yesterday", "2020-03-12", "2020-03-13")]),
    ("Today the river is calm.", [("Today", "2020-03-13", "2020-03-14")]),
    ("He speaks tomorrow.", [("tomorrow", "2020-03-14", "2020-03-15")]),
    ("Rain fell last night.", [("last night", "2020-03-12", "2020-03-13")]),
    ("Two days ago the river burst its banks.", [("Two days ago", "2020-03-11", "2020-03-12")]),
    ("A year ago the museum reopened.", [("A year ago", "2019-01-01", "2020-01-01")]),
    ("Three weeks ago it snowed.", [("Three weeks ago", "2020-02-17", "2020-02-24")]),
    ("Twenty years ago it stood here.", [("Twenty years ago", "2000-01-01", "2001-01-01")]),
    ("The council voted last week.", [("last week", "2020-03-02", "2020-03-09")]),
    ("Prices rose last month.", [("last month", "2020-02-01", "2020-03-01")]),
    ("Last year's crop was poor.", [("Last year", "2019-01-01", "2020-01-01")]),
    ("It opens later this year.", [("later this year", "2020-03-13", "2021-01-01")]),
    ("It opened earlier this week.", [("earlier this week", "2020-03-09", "2020-03-14")]),
    ("It rained over the weekend.", [("the weekend", "2020-03-07", "2020-03-09")]),
    ("It rained for the past three days.", [("past three days", "2020-03-10", "2020-03-14")]),
    ("It burned last summer.", [("last summer", "2019-06-01", "2019-09-01")]),
    # Whole dates.
    ("The bridge was closed on 13 March 2019.", [("13 March 2019", "2019-03-13", "2019-03-14")]),
    ("He was born on April 5, 1960.", [("April 5, 1960", "1960-04-05", "1960-04-06")]),
    ("The mayor, who took office in 2015, left.", [("2015", "2015-01-01", "2016-01-01")]),
    ("The dam, built in the 1990s, holds.", [("1990s", "1990-01-01", "2000-01-01")]),
    ("It will open in the spring of 2021.", [("spring of 2021", "2021-03-01", "2021-06-01")]),
    (
        "The trial ran from 2 to 5 May 2019.",
        [("from 2 to 5 May 2019", "2019-05-02", "2019-05-06")],
    ),
    (
        "It rained from November to February.",
        [("from November to February", "2019-11-01", "2020-03-01")],
    ),
    ("The March 2011 quake killed many.", [("March 2011", "2011-03-01", "2011-04-01")]),
    # "Since", "before" and "until" name a day; what lies beyond it is not named.
    ("He has not spoken since Tuesday.", [("Tuesday", "2020-03-10", "2020-03-11")]),
    ("It stood empty before 2015.", [("2015", "2015-01-01", "2016-01-01")]),
    # No time at all.
    ("Officials may march on the capital in a second protest.", []),
    ("Theresa May resigned.", []),
    ("The Sunday Times reported the deal.", []),
    ("Black Friday sales fell by 10 percent.", []),
    ("About 2,000 people fled the town of 2010 souls.", []),
    ("The strike lasted three days.", []),
    ("The 1916 Rising began at the post office.", []),
    ("The rocket attack killed three and wounded 14.", []),
    ("He plays for Sheffield Wednesday.", []),
    ("May I ask who is speaking?", []),
    ("Prices fall as the spring dries up.", []),
]


@pytest.mark.parametrize(("sentence", "expected"), MENTIONS)
def test_a_sentence_speaks_of_days_counted_from_its_articles_day(
    sentence: str, expected: list[tuple[str, str, str]]
) -> None:
    found = mentions(sentence, published_at=PUBLISHED)
    assert [(sentence[m.start : m.end], m.since, m.until) for m in found] == [
        (words, day(since), day(until)) for words, since, until in expected
    ]


def test_an_article_without_a_date_tells_only_what_it_says_in_full() -> None:
    sentence = "On Monday the mayor, elected in May 2019, said that in June he will go."
    [found] = mentions(sentence, published_at=None)
    assert sentence[found.start : found.end] == "May 2019"
    assert (found.since, found.until) == (day("2019-05-01"), day("2019-06-01"))


def test_an_article_of_the_turn_of_the_year_means_the_december_just_past() -> None:
    [found] = mentions("It snowed in December.", published_at=datetime(2020, 1, 2, tzinfo=UTC))
    assert found.since == day("2019-12-01")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("Wednesday evening", "11 March 2020"),
        ("on Wednesday", "11 March 2020"),
        ("Thursday, March 12", "12 March 2020"),
        ("yesterday", "12 March 2020"),
        ("Dec. 31", "31 December 2019"),
        ("in January", "January 2020"),
        ("last month", "February 2020"),
        ("last year", "2019"),
        ("a decade ago", "2010"),
        ("last week", "2–8 March 2020"),
        ("this winter", "1 December 2019 – 29 February 2020"),
        ("three weeks ago", "17–23 February 2020"),
        ("the past week", "6–13 March 2020"),
        ("late December", "21–31 December 2019"),
        ("between Monday and Thursday", "9–12 March 2020"),
        ("from 30 March to 2 April", "30 March – 2 April 2019"),
        ("11 March 2020", None),
        ("in 2015", None),
        ("March 2020", None),
        ("some time later", None),
        ("Theresa May", None),
        ("", None),
        ("Monday or Tuesday", None),
    ],
)
def test_a_time_is_shown_to_a_person_as_the_calendar_has_it(words: str, shown: str | None) -> None:
    assert dated(words, PUBLISHED) == shown


def test_without_the_articles_date_a_relative_time_is_not_shown() -> None:
    assert dated("Wednesday evening", None) is None


# -- agreement ---------------------------------------------------------------------------------

IN_MARCH = asked_time("What happened in March 2020?", now=NOW)
FERRY = "The ferry sank."


def on(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("published", "text", "expected"),
    [
        ("2020-03-13", FERRY, 1.0),
        ("2020-04-05", FERRY, 1.0),
        ("2021-03-13", "The ferry sank on 13 March 2020.", 1.0),
        (None, "The ferry sank in March 2020.", 1.0),
        ("2020-03-02", "The ferry sank in June 2019.", 0.75),
        (None, "The ferry sank in 2020.", 0.5 + 0.5 * 31 / 366),
        (None, FERRY, 0.5),
        (None, "The ferry sank on Monday.", 0.5),
        (None, "The ferry sank in 2019.", 0.25),
        ("2021-03-13", FERRY, 0.25),
        ("2019-03-13", FERRY, 0.0),
        ("2019-03-13", "The ferry will be 20 in March 2020.", 1.0),
    ],
)
def test_a_passage_agrees_with_a_time_by_what_it_mentions_or_when_it_was_published(
    published: str | None, text: str, expected: float
) -> None:
    assert fit(IN_MARCH, (published and on(published)) or None, text) == pytest.approx(expected)


def test_nothing_can_be_told_of_a_question_without_a_time() -> None:
    assert fit(AskedTime(), PUBLISHED, FERRY) == 0.5


def test_a_time_open_on_one_side_is_met_by_all_on_that_side() -> None:
    since = asked_time("What has happened since Monday?", now=NOW)
    before = asked_time("What happened before 2015?", now=NOW)
    assert fit(since, on("2020-03-10"), FERRY) == 1.0
    assert fit(since, on("2020-03-01"), FERRY) == 0.0
    assert fit(before, on("2010-03-10"), FERRY) == 1.0
    assert fit(before, on("2020-03-10"), FERRY) == 0.25


def test_the_weight_of_recency_halves_every_two_weeks_behind_the_newest() -> None:
    newest = on("2020-03-15")
    assert recency_weight(newest, newest) == 1.0
    assert recency_weight(on("2020-03-01"), newest) == pytest.approx(0.5)
    assert recency_weight(on("2020-02-16"), newest) == pytest.approx(0.25)
    assert recency_weight(on("2020-03-20"), newest) == 1.0
    assert recency_weight(None, newest) == 0.5
    assert recency_weight(on("0001-01-01"), newest) == pytest.approx(0.0)


ARCHIVE = [(on("2019-03-13"), FERRY), (on("2020-03-13"), FERRY), (None, FERRY)]


def factors(question: str, now: datetime = NOW) -> list[float]:
    return time_factors(asked_time(question, now=now), ARCHIVE)


def test_a_question_without_a_time_leaves_every_candidate_as_it_is() -> None:
    assert factors("Who owns the ferry?") == [1.0, 1.0, 1.0]


def test_a_named_date_weighs_more_than_a_time_that_counts_from_now() -> None:
    assert factors("What sank in March 2020?") == [0.6, 1.0, 0.8]
    assert factors("What sank this week?") == [0.75, 1.0, 0.875]


def test_a_time_that_no_candidate_knows_silences_none() -> None:
    later = datetime(2026, 11, 24, tzinfo=UTC)
    assert factors("What sank on Thursday?", later) == [1.0, 1.0, 1.0]
    assert factors("What sank in 2012?") == [1.0, 1.0, 1.0]


def test_the_latest_of_candidates_without_dates_is_any() -> None:
    latest = asked_time("What is the latest?", now=NOW)
    assert time_factors(latest, [(None, FERRY)] * 2) == [1.0, 1.0]
    assert time_factors(latest, []) == []


def test_the_latest_is_the_newest_candidate_however_old_the_archive() -> None:
    old, new, undated = factors("What is the latest?", datetime(2026, 11, 24, tzinfo=UTC))
    assert [old, new, undated] == pytest.approx([0.6, 1.0, 0.8])


# -- any text ----------------------------------------------------------------------------------

PIECES = st.sampled_from(
    "between and from to since before after until by the in on last next this past early late "
    "March may Dec. 2020 1999 31 29 30th 5 – , Friday friday week year decade months ago two "
    "winter spring of quarter first Q4 2020-02-30 1990s yesterday today's latest now will "
    "said that weekend few 99999 hours".split()
)
TEXTS = st.text(max_size=80) | st.lists(PIECES, max_size=12).map(" ".join)
MOMENTS = st.datetimes(timezones=st.just(UTC))


@given(TEXTS, MOMENTS)
def test_any_text_asks_for_days_in_order_and_shows_where(text: str, now: datetime) -> None:
    found = asked_time(text, now=now)
    assert found.since is None or found.until is None or found.since < found.until
    assert (found.window == "none") == (found.since is None and found.until is None)
    assert all(0 <= start < end <= len(text) for start, end in found.spans)
    assert list(found.spans) == sorted(found.spans)


@given(TEXTS, st.none() | MOMENTS)
def test_any_text_mentions_whole_days_in_order_side_by_side(
    text: str, published_at: datetime | None
) -> None:
    found = mentions(text, published_at=published_at)
    assert all(m.since < m.until for m in found)
    assert all(m.since.time() == m.until.time() == datetime.min.time() for m in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert dated(text, published_at) is None or len(found) == 1


@given(TEXTS, MOMENTS, st.lists(st.tuples(st.none() | MOMENTS, TEXTS), max_size=4))
def test_any_candidate_keeps_some_of_its_score(
    question: str, now: datetime, candidates: list[tuple[datetime | None, str]]
) -> None:
    found = time_factors(asked_time(question, now=now), candidates)
    assert len(found) == len(candidates)
    assert all(0 < factor <= 1 for factor in found)


@given(st.dates(min_value=date(1500, 1, 1), max_value=date(2099, 12, 30)))
def test_a_whole_date_means_its_day_whenever_it_is_asked(moment: date) -> None:
    question = f"What happened on {moment.day} {moment:%B} {moment.year}?"
    found = asked_time(question, now=NOW)
    assert found.since == day(moment.isoformat())
    assert found.until == day((moment + timedelta(days=1)).isoformat())
