"""`dateline mcp`: the tools for an agent on this machine, over standard input and output.

>>> # in the settings of a desktop agent
{"mcpServers": {"dateline": {"command": "dateline", "args": ["mcp", "--data-dir", "archive"]}}}

Only the protocol is written to standard output; the log goes to standard error.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING

from api.commands.options import DataDir, Url

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from api.client import Dateline

logger = logging.getLogger("dateline.api")
# An agent's SDK waits two seconds before it kills.
_PARTING_S = 1.0


def mcp(*, url: Url = None, data_dir: DataDir = None) -> None:
    """Serve tools to an agent (MCP) over stdin and stdout, until stdin ends."""
    from api.watch import logs
    from rag.errors import ConfigurationError

    try:
        # Here, because the protocol's SDK takes a second to import.
        import anyio
        import mcp as _sdk  # noqa: F401
    except ImportError as exc:
        raise ConfigurationError(
            "`dateline mcp` needs an extra that is not installed: pip install 'dateline[mcp]'"
        ) from exc
    if sys.stdin.isatty():
        print("An agent starts this command and speaks to it; Ctrl-C ends it.", file=sys.stderr)
    logs.configure()
    # What reads stdin cannot be interrupted, and an archive takes no harm from a sudden end.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with Archive(url, data_dir) as archive:
        anyio.run(_serve, archive)


class Archive:
    """A client that is made in the background, and again by the next question when that failed."""

    def __init__(self, url: str | None, data_dir: Path | None) -> None:
        """Open nothing yet."""
        self._where = (url, data_dir)
        self._opening = threading.Lock()
        self._opened = ExitStack()
        self._client: Dateline | None = None

    def client(self) -> Dateline:
        """Return the client, when there is one. Raises what opening the archive raises."""
        from api.commands.reached import reach

        with self._opening:
            if self._client is None:
                self._client = self._opened.enter_context(reach(*self._where))
            return self._client

    def warm(self) -> None:
        """Make the client now; what keeps it from being made is told to whoever asks first."""
        from rag.errors import DatelineError

        try:
            self.client()
        except DatelineError as exc:
            logger.error("%s", exc)

    def __enter__(self) -> Archive:
        """Return the archive itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close what was opened."""
        self._opened.close()


async def _serve(archive: Archive) -> None:
    from anyio import create_memory_object_stream, create_task_group, to_thread
    from mcp.server.stdio import stdio_server
    from mcp.shared.message import SessionMessage

    from api.mcp.server import build

    server = build(lambda context: nullcontext(archive.client()))  # noqa: ARG005 there is one
    heard, hears = create_memory_object_stream[SessionMessage | Exception](0)

    async def hear() -> None:
        async with read, heard:
            async for message in read:
                await heard.send(message)
        _part()

    async with stdio_server() as (read, write), create_task_group() as background:
        # A client waits for the handshake only so long, and an archive opens in seconds.
        background.start_soon(to_thread.run_sync, archive.warm)
        background.start_soon(hear)
        await server.run(hears, write, server.create_initialization_options())


def _part() -> None:
    """Let nothing keep this process for long, now that the agent is gone.

    A thread that waits for a server, or for a language model, can neither be interrupted nor left
    behind: Python waits for it.
    """
    parting = threading.Timer(_PARTING_S, os._exit, [0])
    parting.daemon = True
    parting.start()
