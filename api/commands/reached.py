"""Whom a command speaks to: a server by its address, or the archive in a folder.

>>> with reach("http://127.0.0.1:8321", None) as dateline:
...     dateline.ask("Who was blamed for the Taji attack?").answer_status
'answered'
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from api.commands import options

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from api.client import Dateline
    from rag.settings import Settings


@contextmanager
def reach(url: str | None, data_dir: Path | None) -> Iterator[Dateline]:
    """Yield a client of the server at `url`, else of the one in the settings, else of the archive.

    A `data_dir` that is named goes before the settings. Raises: InputError (both, no address),
    IndexInUse and what else `open_services` raises.
    """
    client, chosen = remote(url, data_dir)
    if client is not None:
        with client:
            yield client
        return
    from api.inprocess import opened

    with opened(chosen) as dateline:
        yield dateline


def remote(url: str | None, data_dir: Path | None) -> tuple[Dateline | None, Settings]:
    """Return a client of the server that `reach` would speak to, None for an archive here.

    For commands that need no app to read an archive: one starts in a second. Raises: InputError.
    """
    from rag.errors import InputError

    if url and data_dir:
        raise InputError("--url and --data-dir exclude each other: name one place to ask")
    chosen = options.settings(data_dir)
    address = url or chosen.url
    if data_dir is not None or not address:
        return None, chosen
    # Imported last: whoever asks an archive here does without HTTP.
    from api.client import Dateline

    key = chosen.api_key.get_secret_value() if chosen.api_key else None
    return Dateline(address, api_key=key), chosen
