"""A command in a real terminal: typed into, and everything that it showed.

>>> with Terminal([sys.executable, "-m", "api.cli", "chat"]) as terminal:
...     terminal.see("> ")
...     terminal.enter("Who was blamed for the Taji attack?")
"""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

ROOT = Path(__file__).parents[1]
CTRL_C, CTRL_D = "\x03", "\x04"
# What a developer's own shell may say of colours, sizes and pagers.
_UNWANTED = ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "COLUMNS", "LINES", "PAGER", "LESS", "TERM")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_CONTROL = re.compile(r"\x1b.{0,3}|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class Shown(NamedTuple):
    """What came to the terminal, and when."""

    at_s: float
    text: str


class Terminal:
    """A pseudo-terminal with a command in it."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        size: tuple[int, int] = (40, 100),
        cwd: Path = ROOT,
    ) -> None:
        self.shown: list[Shown] = []
        self.began_s = time.monotonic()
        self._seen = 0
        self._undecoded = b""
        self._fd, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        self._process = _started([str(word) for word in command], env or {}, slave, cwd)
        os.close(slave)

    @property
    def text(self) -> str:
        """All that was shown."""
        return "".join(one.text for one in self.shown)

    def press(self, keys: str) -> None:
        """Type these keys."""
        os.write(self._fd, keys.encode())

    def enter(self, line: str) -> None:
        """Type a line."""
        self.press(f"{line}\r")

    def see(self, text: str, *, within_s: float = 120) -> str:
        """Wait until `text` is shown, behind what was seen before; return what came up to it."""
        until = time.monotonic() + within_s
        while (at := self.text.find(text, self._seen)) < 0:
            left_s = until - time.monotonic()
            assert left_s > 0, f"{text!r} did not come, but {self.text[self._seen :]!r}"
            assert self._read(left_s), f"{text!r} did not come before the end: {self.text!r}"
        came = self.text[self._seen : at + len(text)]
        self._seen = at + len(text)
        return came

    def insist(self, keys: str, text: str, *, within_s: float = 120) -> None:
        """Press these keys, again every second, until `text` is shown, as a person would.

        Python may not hear a Ctrl-C that comes in the moment before it waits for the next key.
        """
        until = time.monotonic() + within_s
        while self.text.find(text, self._seen) < 0:
            assert time.monotonic() < until, f"{text!r} did not come: {self.text[self._seen :]!r}"
            self.press(keys)
            again_s = time.monotonic() + 1
            while time.monotonic() < again_s and self.text.find(text, self._seen) < 0:
                assert self._read(0.1), f"{text!r} did not come before the end: {self.text!r}"
        self.see(text)

    def end(self, *, within_s: float = 120) -> int:
        """Wait until the command has ended, and return its exit code."""
        until = time.monotonic() + within_s
        while self._read(max(0.0, until - time.monotonic())):
            assert time.monotonic() < until, f"it did not end: {self.text!r}"
        return self._process.wait(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the command, if it has not ended, and let go of the terminal."""
        self._process.kill()
        self._process.wait()
        os.close(self._fd)

    def _read(self, timeout_s: float) -> bool:
        """Take what is there within that time; return whether there may be more."""
        ready, _, _ = select.select([self._fd], [], [], timeout_s)
        if not ready:
            return True
        try:
            sent = os.read(self._fd, 65_536)
        except OSError:  # Linux says so when the other side is closed
            return False
        self._undecoded += sent
        # A letter may be cut in the middle.
        for cut in range(4):
            whole = self._undecoded[: len(self._undecoded) - cut]
            with suppress(UnicodeDecodeError):
                at_s = time.monotonic() - self.began_s
                self.shown.append(Shown(at_s, whole.decode()))
                self._undecoded = self._undecoded[len(whole) :]
                break
        return bool(sent)


def obeyed(text: str) -> list[str]:
    """Return what in the text a terminal obeys, but for colours and the ends of lines."""
    rest = _COLOUR.sub("", text)
    return _CONTROL.findall(rest)


def _started(
    command: list[str], env: Mapping[str, str], tty: int, cwd: Path
) -> subprocess.Popen[bytes]:
    plain = {name: value for name, value in os.environ.items() if name not in _UNWANTED}
    # The first terminal that the leader of a session opens becomes the one that Ctrl-C comes from.
    opened = ["sh", "-c", 'exec 3<> "$0" 3>&-; exec "$@"', os.ttyname(tty)]
    return subprocess.Popen(
        [*opened, *command],
        stdin=tty,
        stdout=tty,
        stderr=tty,
        env={**plain, "TERM": "xterm-256color", **env},
        cwd=cwd,
        start_new_session=True,
    )
