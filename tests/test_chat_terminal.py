"""`dateline chat` in a real terminal: what is typed, shown, stopped and paged."""

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.client import Dateline
from api.schemas.documents import ArticleIn
from api.terminal.lines import typed
from tests.browsing import Server, take_in_samples
from tests.scripted import Reply, ScriptedLLM
from tests.terminals import CTRL_C, CTRL_D, Terminal, obeyed
from tests.waiting import wait_for

KILLED = "How many coalition members were killed at Camp Taji?"
TUNNEL = "Who closed the Larkspur tunnel?"
CLOSED = "Mayor Odile Fenn closed the Larkspur tunnel on Monday."
UP = "\x1b[A"
REDRAW = "\x0c"

Begun = Callable[..., Terminal]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("archive")
    take_in_samples(folder)
    with Server(folder) as server:
        with Dateline(server.url) as client:
            client.add(ArticleIn(id="tunnel", title="Larkspur tunnel", text=_long_article()))
        yield server


def _long_article() -> str:
    weather = [f"On day {day} it rained in the valley and nobody came." for day in range(60)]
    return "\n\n".join([*weather, CLOSED, *weather])


@pytest.fixture
def begun(server: Server, tmp_path: Path) -> Iterator[Begun]:
    """Begin a chat with the server in a terminal; what is kept of it lies in `tmp_path`."""
    open_ones: list[Terminal] = []

    def begin(*options: str, url: str = server.url, **env: str) -> Terminal:
        command = [sys.executable, "-m", "api.cli", "chat", "--url", url, *options]
        env = {"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path), **env}
        open_ones.append(Terminal(command, env=env, size=(24, 80)))
        open_ones[-1].see("> ")
        return open_ones[-1]

    yield begin
    for terminal in open_ones:
        terminal.close()


def test_a_question_is_typed_and_its_answer_is_shown_in_colour(begun: Begun) -> None:
    terminal = begun()
    assert terminal.text.startswith("\x1b[2m36 articles of 16 outlets · :help · Ctrl-D leaves")
    terminal.enter(KILLED)
    came = terminal.see("\n> ")
    assert "searching the archive…" in came
    assert "\x1b[32mthree, reports gulf-wire.example" in came
    assert "\x1b[36m[1] \x1b[0m\x1b[1mThree killed as rockets hit Iraqi base" in came
    # What is said of the article in short stands in whole when it is opened.
    assert "verified ✓" not in came
    terminal.press(CTRL_D)
    assert terminal.end() == 0
    assert "this goes on with: dateline chat --url http" in terminal.text


def test_keys_do_what_they_do_in_a_shell(begun: Begun, tmp_path: Path) -> None:
    terminal = begun()
    terminal.press("how many")
    terminal.see("how many")
    terminal.insist(CTRL_C, "> ")
    terminal.press(":sou\t")
    terminal.see(":sources ")
    terminal.press("\r")
    terminal.see("> ")
    terminal.enter(":quit")
    assert terminal.end() == 0
    history = tmp_path / "dateline" / "chat_history"
    assert history.read_text().splitlines()[-2:] == [":sources ", ":quit"]
    assert history.stat().st_mode & 0o777 == 0o600
    again = begun()
    again.press(f"{UP}{UP}")
    again.see("sources ")
    again.press("\r")
    again.see("gulf-wire.example")


def test_without_colour_there_is_none(begun: Begun) -> None:
    for terminal in (begun(NO_COLOR="1"), begun("--no-color")):
        terminal.enter(":sources")
        terminal.see("\n> ")
        terminal.enter(":nonsense")
        terminal.see("there is no :nonsense")
        # Bold and dim are no colours.
        assert set(re.findall(r"\x1b\[([0-9;]*)m", terminal.text)) == {"0", "2"}


def test_a_dumb_terminal_is_sent_plain_text(begun: Begun) -> None:
    terminal = begun(TERM="dumb")
    terminal.enter(KILLED)
    terminal.see("\n> ")
    terminal.enter(":open 1")
    assert ">>A volley of small rockets" in terminal.see("\n> ")
    terminal.press(CTRL_D)
    terminal.end()
    assert "\x1b" not in terminal.text
    assert obeyed(terminal.text) == []


def test_ctrl_c_stops_an_answer_on_the_server_too_and_keeps_the_conversation(
    begun: Begun, scripted_llm: ScriptedLLM, tmp_path: Path
) -> None:
    llm = scripted_llm
    take_in_samples(tmp_path / "archive")
    with Server(tmp_path / "archive", llm_url=llm.url, llm_model="scripted") as slow:
        terminal = begun(url=slow.url)
        llm.replies = [Reply("Three members were killed [1].", before_piece_s=0.5)]
        terminal.enter(KILLED)
        terminal.see("reading 8 passages")
        wait_for(lambda: len(llm.requests) == 1)
        terminal.press(CTRL_C)
        assert "stopped" in terminal.see("\n> ")
        [run] = _runs(slow)
        wait_for(lambda: run.state == "interrupted")
        llm.replies = [Reply("Three members were killed [1].")]
        terminal.enter(KILLED)
        terminal.see("\n> ")
        terminal.enter(":sessions")
        assert terminal.see("\n> ").count("* ") == 1
        terminal.press(CTRL_D)
        terminal.end()
        session_id = terminal.text.rsplit("--session ", 1)[1].split("\x1b")[0].strip()
        with Dateline(slow.url) as client:
            # The answer that was stopped is not part of it.
            assert len(client.session(session_id).messages) == 1


def test_a_long_article_opens_in_the_readers_pager_at_the_quotation(
    begun: Begun, tmp_path: Path
) -> None:
    pager = tmp_path / "pager"
    pager.write_text(f'#!/bin/sh\necho "options $LESS"\ncat > {tmp_path}/paged\n')
    pager.chmod(0o755)
    terminal = begun(PAGER=str(pager), LESS="-X")
    terminal.enter(TUNNEL)
    terminal.see("\n> ")
    terminal.enter(":open 1")
    assert f"\x1b[1;30;43m{CLOSED}\x1b[0m" in terminal.see("options -R -X +")
    line = int(terminal.see("> ").split()[0])
    paged = (tmp_path / "paged").read_text().splitlines()
    at = next(number for number, one in enumerate(paged, 1) if CLOSED in one)
    assert 0 < at - line < 8
    assert len([one for one in paged if one.startswith("On day")]) == 120


@pytest.mark.skipif(shutil.which("less") is None, reason="no less here")
def test_less_shows_the_quotation_and_gives_the_terminal_back(begun: Begun) -> None:
    terminal = begun(LESS="-i")
    terminal.enter(TUNNEL)
    terminal.see("\n> ")
    terminal.enter(":open 1")
    terminal.see(" …")
    terminal.see(f"\x1b[1;30;43m{CLOSED}")
    # less does with Ctrl-C what it does elsewhere; the chat is not left.
    terminal.press(CTRL_C)
    # It is still there to draw the page anew.
    terminal.insist(REDRAW, CLOSED)
    terminal.press("q")
    terminal.see("> ")
    terminal.enter(":filters")
    terminal.see("no filters")


def test_a_user_without_a_home_leaves_no_history_where_he_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(_: str) -> str:
        raise EOFError

    # What the folder is then: there is nothing to put in the place of its first letter.
    monkeypatch.setenv("XDG_CONFIG_HOME", "~/.config")
    monkeypatch.setattr("builtins.input", ended)
    monkeypatch.chdir(tmp_path)
    assert list(typed([])) == []
    assert list(tmp_path.iterdir()) == []


def test_a_command_without_a_question_does_not_wait_for_one() -> None:
    with Terminal([sys.executable, "-m", "api.cli", "ask"]) as terminal:
        assert terminal.end() == 2
    assert "write a question behind `dateline ask`, or pipe one in" in terminal.text


# Any: the runs of a server are its own.
def _runs(server: Server) -> list[Any]:
    app: Any = server.config.app
    return list(app.state.services.streams._runs.values())
