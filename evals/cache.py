"""What was asked before, by content: an interrupted eval goes on, and a rerun costs little.

>>> cache = Cache(Path("evals.cache"))
>>> cache.get_or_make(key_of("model", "question"), lambda: "answer")
'answer'

A key is the hash of everything that decides the value, so nothing in it ever becomes stale, and the
file may be deleted at any time.
"""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from rag.errors import InputError


class Cache:
    """Holds an SQLite file, or nothing; safe to use from several threads."""

    def __init__(self, path: Path | None = None) -> None:
        """Open `path`, or remember nothing. Raises InputError when it is no cache."""
        self._lock = threading.Lock()
        self._file: sqlite3.Connection | None = None
        if path is None:
            return
        try:
            self._file = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._file.execute("CREATE TABLE IF NOT EXISTS made (key TEXT PRIMARY KEY, value TEXT)")
        except sqlite3.Error as exc:
            self.close()
            raise InputError(f"cache {path} cannot be used: {exc}; name another file") from exc

    def get_or_make(
        self, key: str, make: Callable[[], str], *, keep: Callable[[str], bool] = lambda _: True
    ) -> str:
        """Return what is kept under `key`, or make it and keep it, if it is to be kept, at once."""
        if self._file is None:
            return make()
        with self._lock:
            row = self._file.execute("SELECT value FROM made WHERE key = ?", (key,)).fetchone()
        if row:
            return str(row[0])
        value = make()
        if not keep(value):
            return value
        with self._lock:
            self._file.execute("INSERT OR REPLACE INTO made VALUES (?, ?)", (key, value))
        return value

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()


def key_of(*parts: object) -> str:
    """Return the key of a value that `parts`, and nothing else, decide."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
