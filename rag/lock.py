"""One process at a time on a data directory.

Embedded Chroma hangs for minutes or corrupts its files when two processes open them, and Tantivy
has one writer; so the second process is refused at once. The kernel drops the lock when its holder
dies, even by kill -9.
"""

import json
import os
import sys
from pathlib import Path

from filelock import FileLock, Timeout

from rag.errors import ConfigurationError, IndexInUse


class DataDirectory:
    """Holds the lock on `path` from construction until `close`."""

    def __init__(self, path: Path) -> None:
        """Create the directory when it is new and lock it, or raise IndexInUse at once."""
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise ConfigurationError(f"data directory {path} cannot be created: {exc}") from exc
        self.path = path
        self._owner = path / "owner.json"
        # thread_local=False: the thread that closes may be another one than opened.
        self._lock = FileLock(path / "lock", timeout=0, thread_local=False)
        try:
            self._lock.acquire()
        except Timeout as exc:
            raise IndexInUse(
                f"data directory {path} is in use by {self._holder()}; stop that process, ask the "
                "running server with --url, or choose another --data-dir"
            ) from exc
        except OSError as exc:
            raise ConfigurationError(f"data directory {path} cannot be locked: {exc}") from exc
        command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:2]])
        self._owner.write_text(json.dumps({"pid": os.getpid(), "command": command}))

    def close(self) -> None:
        """Let the next process in."""
        self._owner.unlink(missing_ok=True)
        self._lock.release()

    def _holder(self) -> str:
        try:
            owner = json.loads(self._owner.read_text())
            return f"process {owner['pid']} ({owner['command']})"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"
