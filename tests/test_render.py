"""What is printed on a terminal: whatever others wrote is shown, and nothing of it is obeyed."""

import re
from collections.abc import Callable
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from api.commands.render import (
    show_answer,
    show_citations,
    show_hits,
    show_remarks,
    shown,
    terminal,
)
from api.remarks import REASONS, remarks
from api.schemas.answers import FoundPassage
from api.schemas.events import Retrieved, Started, Written
from api.terminal.writing import Writing
from rag.types import Scores
from tests.answers_made import EVIL, QUESTION, answer, citation, evil_answer, verification
from tests.terminals import ROOT, obeyed


def tty(*, color: bool = True, width: int = 60) -> Console:
    """Return a terminal that keeps what it was sent."""
    return Console(
        file=StringIO(),
        force_terminal=True,
        color_system="standard" if color else None,
        width=width,
        height=20,
        markup=False,
        emoji=False,
        highlight=False,
    )


def sent(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def hit() -> FoundPassage:
    return FoundPassage(
        article_id="bridge",
        passage_id="bridge:0:0",
        title=EVIL,
        url=EVIL,
        source=EVIL,
        published_at=None,
        text=EVIL,
        start_char_index=0,
        end_char_index=len(EVIL),
        score=1,
        scores=Scores(fused=1),
    )


SHOWING: dict[str, Callable[[Console], None]] = {
    "answer": lambda console: show_answer(console, EVIL, evil_answer()),
    "citations": lambda console: show_citations(console, evil_answer()),
    "remarks": lambda console: show_remarks(console, evil_answer(), besides=EVIL),
    "passages": lambda console: show_hits(console, [hit()]),
}


@pytest.mark.parametrize("what", SHOWING)
def test_nothing_that_others_wrote_is_obeyed(what: str) -> None:
    console = tty()
    SHOWING[what](console)
    assert obeyed(sent(console)) == []
    assert "[bold]*b*[/bold]" in sent(console).replace("\n", "")


@given(st.text())
def test_what_is_shown_is_as_long_as_what_was_written_and_is_obeyed_by_nothing(text: str) -> None:
    assert len(shown(text)) == len(text)
    assert obeyed(shown(text)) == []
    assert shown(shown(text)) == shown(text)


def test_a_terminal_without_a_size_is_written_to_like_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "0")
    show_answer(terminal(), QUESTION, answer())
    assert capsys.readouterr().out.startswith(f"Q  {QUESTION}\nA  ")


def test_colours_in_a_pipe_break_no_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    show_answer(terminal(), QUESTION, answer())
    printed = capsys.readouterr().out
    assert "\x1b[" in printed
    assert f"“{citation().cited_text}”" in printed


def test_ordinary_text_is_shown_as_it_is() -> None:
    text = "“Café” – naïve,\n\t東京 🚒 العربية"
    assert shown(text) == text


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (answer(), ()),
        (answer(answer_status="partial"),
         ("This answers a part of the question only: the archive does not hold the rest.",)),
        (answer(answer_status="conflicting", note="The model broke off."),
         ("The articles contradict each other. Each account stands with who gives it.",
          "The model broke off.")),
        (answer(answer_status="partial",
                verification=verification(supported=1, unsupported=1, contradicted_removed=1)),
         ("Of 3 sentences, 1 could not be tied to a passage.",
          "1 sentence was removed, because a passage says otherwise.")),
        (answer(answer_status="no_answer", abstain_reason="filtered_out", citations=()),
         ("Loosen the filters, or ask without them.",)),
    ],
)  # fmt: skip
def test_how_far_an_answer_goes_is_said_in_words(found: object, said: tuple[str, ...]) -> None:
    assert remarks(found) == said  # type: ignore[arg-type] # mypy joins the table to object


# -- while it is written ------------------------------------------------------------------------


def started(standalone: str = QUESTION) -> Started:
    made = answer()
    return Started(
        id=made.id,
        session_id=None,
        created_at=made.created_at,
        model=made.model,
        standalone_question=standalone,
        request_id=made.request_id,
    )


def written(console: Console, *events: object) -> str:
    """Return what stands on the terminal behind these events, without what was erased."""
    writing = Writing(console, QUESTION)
    for event in events:
        writing.take(event)  # type: ignore[arg-type] # a mixed list
    writing.leave()
    lines = sent(console).split("\n")
    return "\n".join(line.rsplit("\r\x1b[2K", 1)[-1] for line in lines)


def test_an_answer_is_broken_between_words() -> None:
    text = "Mayor Ida Quell blamed the water board for the delay. [1]"
    events = [started(), Written(text=text[:25], replaces=False), citation(),
              Written(text=text[25:], replaces=False), answer(answer=text)]  # fmt: skip
    assert written(tty(color=False, width=20), *events) == (
        "Mayor Ida Quell\nblamed the water\nboard for the delay.\n[1]\n"
    )


def test_what_has_become_void_is_called_so_and_the_text_begins_anew() -> None:
    events = [
        started(), citation(), Written(text="The water board", replaces=False),
        Written(text="", replaces=True), citation(),
        Written(text="Mayor Ida Quell [1]", replaces=False), answer(),
    ]  # fmt: skip
    assert written(tty(color=False), *events) == (
        "The water board\n↑ void: the answer is written anew\nMayor Ida Quell [1]\n"
    )


def test_the_answer_at_the_end_is_the_one_that_counts() -> None:
    events = [started(), Written(text="The water board", replaces=False), answer()]
    assert written(tty(color=False), *events) == (
        "The water board\n↑ void: the answer is written anew\nMayor Ida Quell [1]\n"
    )


def test_how_a_follow_up_is_understood_is_said_before_its_answer() -> None:
    events = [started("Who blamed it?"), Retrieved(passages=(hit(),)), answer()]
    assert written(tty(color=False), *events) == (
        "understood as: Who blamed it?\nMayor Ida Quell [1]\n"
    )


def test_a_stream_of_evil_is_shown_and_not_obeyed() -> None:
    events = [
        started(EVIL), Retrieved(passages=(hit(),)), evil_answer().citations[0],
        Written(text=f"{EVIL} [1]", replaces=False), evil_answer(),
    ]  # fmt: skip
    console = tty(width=2_000)
    written(console, *events)
    ours = "\r\x1b[2K"
    assert obeyed(sent(console).replace(ours, "")) == []


def test_the_reasons_of_a_bad_answer_are_those_of_the_page() -> None:
    page = (ROOT / "api/web/feedback.js").read_text(encoding="utf-8")
    assert re.findall(r'(\w+): "([^"]+)"', page.split("REASONS = {")[1].split("}")[0]) == list(
        REASONS.items()
    )
