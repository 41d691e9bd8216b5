"""`dateline chat` through a pipe: plain answers, every command, conversations that go on."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.auth import Caller
from api.client import Dateline
from api.commands.render import terminal
from api.schemas.documents import ArticleIn
from api.terminal.room import Room
from api.terminal.talk import Said, Talk
from api.terminal.words import obey
from rag.errors import InputError
from rag.types import Filters
from tests.answers_made import EVIL
from tests.browsing import Server, take_in_samples
from tests.commands import Ran, dateline
from tests.terminals import obeyed

BLAMED = "Who was blamed for the Taji attack?"
KILLED = "How many coalition members were killed at Camp Taji?"
NOT_HELD = "How do I bake sourdough bread?"
# Where it matters little what is answered, one article is read instead of eight passages' worth.
QUICK = ("--source", "The Northern Ledger (sample)")

Chat = Callable[..., Ran]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    take_in_samples(tmp_path / "archive")
    return tmp_path / "archive"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("archive")
    take_in_samples(folder)
    with Server(folder) as server:
        yield server


@pytest.fixture(scope="module")
def url(server: Server) -> str:
    return server.url


@pytest.fixture
def chat(url: str) -> Chat:
    """Say these lines in a chat with the server."""

    def said(*lines: str, options: tuple[str, ...] = ()) -> Ran:
        return dateline("chat", "--url", url, *options, piped="\n".join(lines) + "\n")

    return said


def session_of(ran: Ran) -> str:
    """Return the conversation that the last line says how to go on with."""
    assert "this goes on with: dateline chat --url " in ran.err
    return ran.err.rsplit("--session ", 1)[1].strip()


def test_a_pipe_gets_plain_answers_and_no_prompt(chat: Chat) -> None:
    ran = chat(KILLED, "", "And who denied it?")
    assert ran.code == 0
    assert obeyed(ran.out) == []
    assert "\x1b" not in ran.out
    first, second = ran.out.split("\n\n")
    assert first.startswith(f"Q  {KILLED}\nA  three, reports gulf-wire.example")
    assert second.startswith("Q  And who denied it?\n   understood as: ")
    assert "verified ✓" in first


@pytest.mark.parametrize(
    ("lines", "code"),
    [((NOT_HELD,), 1), ((NOT_HELD, KILLED), 0), ((KILLED, NOT_HELD), 1), ((), 0), ((":help",), 0)],
)
def test_the_exit_code_is_that_of_the_last_question(
    chat: Chat, lines: tuple[str, ...], code: int
) -> None:
    assert chat(*lines).code == code


def test_the_archive_here_is_asked_as_a_server_is(archive: Path) -> None:
    ran = dateline("chat", "--data-dir", archive, piped=f"{KILLED}\nAnd who denied it?\n")
    assert ran.code == 0
    assert ran.out.startswith(f"Q  {KILLED}\nA  three, reports gulf-wire.example")
    assert f"dateline chat --data-dir {archive} --session ses_" in ran.err


def test_a_citation_is_opened_around_the_quoted_words(chat: Chat) -> None:
    ran = chat(KILLED, ":open 1")
    _, shown = ran.out.split("ms\n", 1)
    assert shown.startswith(
        "Three killed as rockets hit Iraqi base used by coalition\n"
        "gulf-wire.example · Leila Marsh · 11 March 2020\n"
        "https://gulf-wire.example/2020/03/11/rockets-hit-camp-taji\n"
    )
    assert ">>A volley of small rockets struck Camp Taji" in shown
    assert shown.count(">>") == shown.count("<<") == 1
    quoted = shown.split(">>")[1].split("<<")[0]
    assert f"“{quoted}”" in ran.out


def test_an_article_that_has_changed_is_opened_as_it_is_now(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    told = "The Hallow Bridge was closed on Tuesday. Mayor Ida Quell blamed the water board."
    with Dateline(server.url) as client, server.client() as http:

        def lines() -> Iterator[str]:
            client.add(ArticleIn(id="hallow", title="Hallow Bridge", text=told))
            yield "Who blamed the water board?"
            client.add(ArticleIn(id="hallow", title="Hallow Bridge", text=f"Corrected. {told}"))
            yield ":open 1"
            client.add(ArticleIn(id="hallow", title="Hallow Bridge", text="It was open all along."))
            yield ":open 1"
            assert http.delete("/v1/documents/hallow").status_code == 200
            yield ":open 1"

        Room(Talk(client), is_typed=False).hear(lines())
    shown = capsys.readouterr()
    changed = (
        "Hallow Bridge\nno source, author or date\nhallow\nThe article has changed since it was"
    )
    moved, gone = shown.out.split(changed)[1:]
    assert moved.endswith(
        "\n\nCorrected. The Hallow Bridge was closed on Tuesday. "
        ">>Mayor Ida Quell blamed the water board.<<\n"
    )
    assert gone.endswith(
        "\n\nThe quoted words do not stand in it any more:\n"
        "“Mayor Ida Quell blamed the water board.”\nIt was open all along.\n"
    )
    assert "no article has the id 'hallow'" in shown.err


def test_nothing_that_others_said_is_obeyed(chat: Chat, url: str) -> None:
    with Dateline(url) as client:
        client.begin_session("evil", title=EVIL)
        client.ask(f"Who was blamed for the Taji attack {EVIL}?", session_id="evil")
    ran = chat(":sessions", ":resume evil", f":{EVIL}", f":resume {EVIL}", f":filters {EVIL}")
    assert "␛]0;title␇" in ran.out
    assert "there is no :␛[31mred␛]0;title␇" in ran.err
    assert (obeyed(ran.out), obeyed(ran.err)) == ([], [])


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((":open 1",), "there is no citation to open: the last answer has none"),
        ((NOT_HELD, ":open"), "there is no citation to open"),
        ((BLAMED, ":open 9"), "say which citation: `:open 1`, `:open 2`"),
        ((BLAMED, ":open"), "say which citation"),
        ((":up",), "there is no answer to rate"),
        ((":opne 2",), "there is no :opne; did you mean :open?"),
        ((":xyzzy",), "there is no :xyzzy; :help lists what there is"),
        ((":",), "there is no :; :help lists what there is"),
        ((":filters since:2020",), "there is no filter 'since', only after, before"),
        ((":save",), "say where to"),
        ((":save x.md",), "nothing was said yet"),
        ((":search",), "say what to look for"),
        ((":resume",), "say which: `:resume ID`"),
        ((f":resume {'x' * 100}",), "session_id: String should have at most 64 characters"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line_and_the_chat_goes_on(
    chat: Chat, lines: tuple[str, ...], said: str
) -> None:
    ran = chat(*lines, ":sources")
    assert said in ran.err
    assert "gulf-wire.example" in ran.out


def test_filters_hold_for_the_questions_that_follow(chat: Chat) -> None:
    ran = chat(
        ":filters", ":filters source:harbour-post.example", ":filters", BLAMED, ":filters off",
        ":filters",
    )  # fmt: skip
    first, second, third, *_ = ran.out.splitlines()
    assert first.startswith("no filters: every article may answer. `:filters after:")
    assert second == third == "only source:harbour-post.example"
    assert "northern-ledger" not in ran.out
    assert ran.out.splitlines()[-1].startswith("no filters")


def test_filters_may_be_options(chat: Chat) -> None:
    ran = chat(":filters", options=("--after", "2020-03-01", "--source", "jpost.com"))
    assert ran.out == "only after:2020-03-01 source:jpost.com\n"


def test_outlets_passages_and_help_are_shown(chat: Chat) -> None:
    ran = chat(":sources", ":search rocket attack", ":help", ":nonsense", ":quit", KILLED)
    assert "      4  gulf-wire.example  · newest 2021-03-29\n" in ran.out
    assert "1. " in ran.out
    assert ":save! FILE" in ran.out
    # Nothing is heard behind :quit.
    assert KILLED not in ran.out


def test_a_conversation_is_saved_as_markdown_with_all_citations(chat: Chat, tmp_path: Path) -> None:
    file = tmp_path / "taji.md"
    ran = chat(":filters source:gulf-wire.example", KILLED, ":filters off", BLAMED, f":save {file}")
    assert f"2 questions with 5 citations in {file}\n" in ran.out
    text = file.read_text()
    assert text.startswith(f"# Conversation\n\n## {KILLED}\n\nthree, reports gulf-wire.example")
    assert "Filters: source\\:gulf-wire.example\n\n## Who was blamed" in text
    assert text.count("- \\[") == 5


def test_a_conversation_is_saved_as_json_with_whole_answers(chat: Chat, tmp_path: Path) -> None:
    file = tmp_path / "taji.json"
    ran = chat(KILLED, f":save {file}")
    saved = json.loads(file.read_text())
    assert saved["object"] == "dateline.conversation"
    assert saved["session_id"] == session_of(ran)
    [message] = saved["messages"]
    assert (message["question"], message["filters"]) == (KILLED, {})
    assert message["answer"]["citations"][0]["verified"] is True


def test_a_file_that_is_there_is_written_over_only_when_that_is_said(
    chat: Chat, tmp_path: Path
) -> None:
    file = tmp_path / "kept.md"
    file.write_text("kept")
    refused = chat(KILLED, f":save {file}", options=QUICK)
    assert f"{file} is there already; `:save! {file}` writes over it" in refused.err
    assert file.read_text() == "kept"
    chat(KILLED, f":save! {file}", options=QUICK)
    assert file.read_text().startswith("# Conversation")
    assert (
        "cannot be written" in chat(KILLED, f":save {tmp_path / 'no' / 'x.md'}", options=QUICK).err
    )


@pytest.mark.parametrize(
    "name", ["~nobody-here/x.md", "loop/x.md", "loop", "x" * 300, "a\0b", "there.md/x.md"]
)
def test_a_name_that_no_file_can_have_is_said_in_a_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "there.md").touch()
    with Dateline() as nobody:
        talk = Talk(nobody)
        talk.said.append(Said(KILLED, Filters(), None))
        for command in ("save", "save!"):
            with pytest.raises(InputError, match="cannot be written"):
                obey(f":{command} {name}", talk, terminal())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["loop", "there.md"]


def test_a_conversation_goes_on_where_it_was_left(chat: Chat) -> None:
    begun = chat(BLAMED, options=("--session", "left"))
    assert session_of(begun) == "left"
    ran = chat(":open 4", "And who denied it?", options=("--session", "left"))
    assert "Politician close to militias" in ran.out
    assert "understood as: And who denied the Taji attack?" in ran.out
    last = chat(":sessions", "And who denied it?", options=("--resume",))
    assert last.out.startswith("* left  ")
    assert session_of(last) == "left"


def test_the_command_that_goes_on_tells_no_password(url: str) -> None:
    there = url.replace("http://", "http://ada:secret@")
    ran = dateline("chat", "--url", there, *QUICK, piped=KILLED)
    assert ran.err == f"this goes on with: dateline chat --url {url} --session {session_of(ran)}\n"


def test_one_conversation_is_left_for_another(chat: Chat) -> None:
    chat(BLAMED, options=("--session", "first"))
    ran = chat(KILLED, ":new", "And who denied it?", ":resume first", "And who denied it?")
    assert "the next question begins another conversation" in ran.out
    assert "first, 1 question so far" in ran.out
    # Without its conversation there is nothing to complete the question from.
    assert ran.out.count("understood as: And who denied the Taji attack?") == 1
    assert session_of(ran) == "first"


def test_a_conversation_that_is_not_there_begins_with_the_next_question(chat: Chat) -> None:
    ran = chat(":resume brand-new", KILLED)
    assert "brand-new begins with the next question" in ran.out
    assert session_of(ran) == "brand-new"
    both = chat(options=("--session", "x", "--resume"))
    assert (both.code, "exclude each other" in both.err) == (2, True)


def test_an_id_that_is_mistyped_leaves_the_conversation_as_it_was(chat: Chat) -> None:
    ran = chat(KILLED, ":resume my chat", KILLED, options=("--session", "kept", *QUICK))
    assert "session_id: String should match pattern" in ran.err
    assert session_of(ran) == "kept"


def test_opinions_are_kept_with_the_answer(chat: Chat, url: str) -> None:
    said = (KILLED, ":up", KILLED, ":down wrong, not_cited", KILLED, ":down It was four.")
    ran = chat(*said, options=("--session", "rated", *QUICK))
    assert ran.out.count("noted: a bad answer") == 2
    with Dateline(url) as client:
        kept = [one.feedback for one in client.session("rated").messages]
    opinions = [one and (one.rating, one.reasons, one.comment) for one in kept]
    assert opinions == [
        ("up", (), None), ("down", ("wrong", "not_cited"), None), ("down", (), "It was four."),
    ]  # fmt: skip


def test_a_server_that_keeps_no_conversations_is_told_what_was_said(archive: Path) -> None:
    with Server(archive, keep_days=0) as server:
        lines = f"{BLAMED}\nAnd who denied it?\n:resume x\n:sessions\n"
        ran = dateline("chat", "--url", server.url, "--session", "mine", piped=lines)
    assert ran.code == 0
    assert "understood as: And who denied the Taji attack?" in ran.out
    assert ran.err == "no conversations are kept there: this one lasts until you leave\n"
    assert ran.out.endswith("no conversations are kept\n")


def test_a_conversation_that_was_forgotten_meanwhile_begins_anew(url: str) -> None:
    with Dateline(url) as client:
        talk = Talk(client)
        room = Room(talk, is_typed=False)
        seen: list[str | None] = []

        def lines() -> Iterator[str]:
            yield KILLED
            seen.append(talk.session_id)
            client.delete_session(str(talk.session_id))
            yield KILLED
            seen.append(talk.session_id)
            yield KILLED
            seen.append(talk.session_id)

        assert room.hear(lines()) == 0
    first, forgotten, second = seen
    assert forgotten is None
    assert first != second
    assert second is not None


def test_a_conversation_of_somebody_else_is_refused_and_none_is_begun_instead(
    server: Server,
) -> None:
    app: Any = server.config.app  # Any: uvicorn does not know whose app it is
    ada, bob = (app.state.inside(Caller(name, frozenset({"read"}))) for name in ("ada", "bob"))
    ada.begin_session("desk")
    talk = Talk(bob)
    assert talk.resume("desk") is False
    with pytest.raises(InputError, match="'desk' is taken"):
        next(talk.ask(KILLED))
    assert (talk.session_id, talk.is_kept, list(bob.sessions())) == (None, True, [])


def test_a_server_that_is_gone_is_told_in_a_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with Dateline(free, retries=0) as client:
        assert Room(Talk(client), is_typed=False).hear([KILLED, ":sources"]) == 3


def test_a_file_that_an_editor_has_marked_begins_with_its_first_word(url: str) -> None:
    ran = dateline("chat", "--url", url, piped="\ufeff:filters\r\n")
    assert ran.out.startswith("no filters")


def test_bytes_that_are_no_text_end_nothing(url: str) -> None:
    ran = dateline("chat", "--url", url, piped=b"\xff\xfe\n" + KILLED.encode() + b"\r\n")
    assert ran.code == 0
    assert f"Q  {KILLED}\n" in ran.out
