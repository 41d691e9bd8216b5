"""Records a conversation anew: `python -m tests.recording` from the root of the checkout.

It is the real `dateline chat`, in a real terminal, over the sample articles, which are invented.
`chat.cast` is in asciicast's format, version 2 (`asciinema play`); `chat.svg` shows the same.
"""

import json
import re
import sys
import tempfile
import time
from io import StringIO
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from tests.browsing import take_in_samples
from tests.terminals import ROOT, Shown, Terminal

FOLDER = ROOT / "api/terminal/recordings"
ROWS, COLUMNS = 40, 100
COMMAND = "$ dateline chat"
LINES = (
    "Who was blamed for the Taji attack?",
    "And who denied it?",
    ":open 1",
    ":filters after:2020-03-14 source:harbour-post.example",
    "How many rockets hit Taji?",
    ":save taji.md",
    ":quit",
)
_KEY_S = 0.04
_READING_S = 1.0
_WAITING = re.compile(r".*\r\x1b\[2K")
_MOVING = re.compile(r"\x1b\[[0-9;?]*[A-Za-ln-z]")


def main() -> None:
    """Record, and write both files."""
    with tempfile.TemporaryDirectory() as folder:
        shown = _recorded(Path(folder))
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "chat.cast").write_text(as_cast(shown), encoding="utf-8")
    (FOLDER / "chat.svg").write_text(as_svg("".join(one.text for one in shown)), encoding="utf-8")


def as_cast(shown: list[Shown]) -> str:
    """Return the recording in asciicast's format."""
    header = {
        "version": 2,
        "width": COLUMNS,
        "height": ROWS,
        "title": "dateline chat over its sample articles",
        "env": {"TERM": "xterm-256color", "SHELL": "/bin/sh"},
    }
    events = [[round(one.at_s, 3), "o", one.text] for one in shown]
    lines = [json.dumps(one, ensure_ascii=False) for one in [header, *events]]
    return "\n".join(lines) + "\n"


def as_svg(text: str) -> str:
    """Return a picture of all that stands on the terminal at the end; it loads nothing."""
    lines = text.replace("\r\n", "\n").split("\n")
    stands = "\n".join(_MOVING.sub("", _WAITING.sub("", line)) for line in lines)
    console = Console(
        record=True, width=COLUMNS, file=StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(Text.from_ansi(stands.rstrip()))
    # Rich's own picture asks another host for its font.
    frame = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    svg = console.export_svg(title="dateline chat", code_format=frame, unique_id="chat")
    return re.sub(r"[ \t]+\n", "\n", svg)


def _recorded(folder: Path) -> list[Shown]:
    take_in_samples(folder / "archive")
    env = {
        "DATELINE_DATA_DIR": str(folder / "archive"),
        "PYTHONPATH": str(ROOT),
        "XDG_CONFIG_HOME": str(folder),
    }
    command = [sys.executable, "-m", "api.cli", "chat"]
    with Terminal(command, env=env, size=(ROWS, COLUMNS), cwd=folder) as terminal:
        terminal.see("> ")
        for line in LINES[:-1]:
            _type(terminal, line)
            terminal.see("\n> ")
            time.sleep(_READING_S)
        _type(terminal, LINES[-1])
        terminal.end()
        return [Shown(0.0, f"{COMMAND}\r\n"), *terminal.shown]


def _type(terminal: Terminal, line: str) -> None:
    """Type as a person does, and see what was typed."""
    for key in line:
        terminal.press(key)
        terminal.see(key)
        time.sleep(_KEY_S)
    terminal.press("\r")


if __name__ == "__main__":
    main()
