"""The command line in process: what it printed and how it ended."""

import gc
import json
import sys
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from api.cli import main


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # Any: whatever the command printed
        return json.loads(self.out)


def dateline(*arguments: str | Path | int, piped: bytes | str | None = None) -> Ran:
    """Run `dateline` with these arguments, and this on standard input."""
    out, err, code = StringIO(), StringIO(), 0
    argv = ["dateline", *map(str, arguments)]
    with ExitStack() as stack:
        # A command sets it for its process, which ends with it elsewhere.
        stack.callback(gc.set_threshold, *gc.get_threshold())
        stack.enter_context(patch.object(sys, "argv", argv))
        if piped is not None:
            sent = piped.encode() if isinstance(piped, str) else piped
            stdin = TextIOWrapper(BytesIO(sent), encoding="utf-8")
            stack.enter_context(patch.object(sys, "stdin", stdin))
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        try:
            main()
        except SystemExit as stopped:
            code = int(stopped.code or 0)
    return Ran(code, out.getvalue(), err.getvalue())
