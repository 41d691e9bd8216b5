"""A real server on a free port, and a reader's tab that notes what it should not do.

>>> with Server(tmp_path) as server:
...     Reader(browser, server.url).open("#/articles")
"""

import atexit
import shutil
import socket
import tempfile
import threading
import time
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from api.app import create_app
from api.commands.opened import open_data
from evals.cases import SAMPLE_CORPUS
from rag.settings import Settings

FLAGS = "--no-sandbox --disable-gpu --disable-background-networking --disable-sync".split()
# Any below: tests run where playwright is not installed, too.


def chromium() -> str | None:
    """Return the program of a real browser, where this machine has one."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next(filter(None, map(shutil.which, names)), None)


def take_in_samples(folder: Path) -> None:
    """Fill a data directory with the sample articles; all but the first are copies."""
    shutil.copytree(_samples(), folder, dirs_exist_ok=True)


@cache
def _samples() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="dateline-samples-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with open_data(folder) as opened:
        opened.ingest([SAMPLE_CORPUS], quiet=True)
    return folder


class Server(uvicorn.Server):
    """A server in a thread, which takes no signals."""

    def __init__(self, data: Path, **settings: Any) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.app = create_app(Settings(data_dir=data, rate_limit="off", **settings))
        super().__init__(uvicorn.Config(self.app, log_config=None, timeout_graceful_shutdown=2))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.run, kwargs={"sockets": [self.listener]})

    def __enter__(self) -> "Server":
        self.thread.start()
        deadline = time.monotonic() + 60
        while not self.started and time.monotonic() < deadline:
            time.sleep(0.05)
        assert self.started
        return self

    def client(self) -> httpx.Client:
        """Return a client of it."""
        return httpx.Client(base_url=self.url, timeout=60)

    def __exit__(self, *_: object) -> None:
        self.should_exit = True
        self.thread.join(30)
        self.listener.close()


class Reader:
    """A tab, and everything that it said or asked for where it should not."""

    def __init__(self, browser: Any, url: str, **options: Any) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | options)
        self.context.set_default_timeout(60_000)
        self.tab = self.context.new_page()
        self.url = url
        self.noted: list[str] = []
        self.tab.on("console", lambda message: self.noted.append(message.text))
        self.tab.on("pageerror", lambda error: self.noted.append(str(error)))
        self.tab.on("request", lambda request: self._asked(request.url))

    def _asked(self, address: str) -> None:
        if not address.startswith(f"{self.url}/"):
            self.noted.append(address)

    def open(self, place: str = "#/") -> Any:
        self.tab.goto("about:blank")
        self.noted.clear()
        self.tab.goto(f"{self.url}/{place}")
        return self.tab

    def ask(self, question: str) -> Any:
        """Ask, and return the message with its finished answer."""
        self.tab.fill("#question", question)
        self.tab.keyboard.press("Enter")
        message = self.tab.locator(".message").last
        message.locator(".answer-bar").wait_for()
        return message

    def violations(self, *rules: str) -> list[str]:
        """Return what axe finds serious or critical, by these rules or all."""
        # Evaluated, not added as an element: the page's policy lets no other script in.
        axe = files("axe_playwright_python").joinpath("axe.min.js")
        self.tab.evaluate(axe.read_text(encoding="utf-8"))
        options = {"resultTypes": ["violations"]} | ({"runOnly": list(rules)} if rules else {})
        found = self.tab.evaluate("(options) => axe.run(options)", options)["violations"]
        return [
            f"{one['id']}: {node['html'][:120]}"
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]
