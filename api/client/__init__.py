"""Dateline from Python, over HTTP: typed answers, streams, retries; waiting or not.

>>> with Dateline("http://127.0.0.1:8321") as dateline:
...     dateline.ask("Who was blamed for the Taji attack?").short_answer
'Kataib Hezbollah'

>>> async with AsyncDateline("http://127.0.0.1:8321") as dateline:
...     async for event in dateline.stream("Who was blamed for the Taji attack?"):
...         print(event)

What is busy (429, 503) or cannot be reached is tried again, as `Retry-After` asks but for no more
than a minute of pauses; a stream that breaks is taken up again. Whoever leaves a stream early
closes it, as with `closing` and `aclosing`. Both classes are made of the same calls, in `calls.py`.
"""

from typing import TYPE_CHECKING

from api.client.peer import DEFAULT_URL
from api.client.replies import Event
from api.client.sync import Dateline

if TYPE_CHECKING:
    from api.client.asynchronous import AsyncDateline

__all__ = ["DEFAULT_URL", "AsyncDateline", "Dateline", "Event"]

if not TYPE_CHECKING:  # mypy would take any name for one of ours

    def __getattr__(name: str) -> object:
        # Late, because who waits for replies does without.
        if name != "AsyncDateline":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from api.client.asynchronous import AsyncDateline

        return AsyncDateline
