"""Cursors of lists: where a page ended, in a form that says not to build on it.

>>> decoded(encoded("bridge-1"))
'bridge-1'
"""

from base64 import b64decode, urlsafe_b64encode

from rag.errors import InputError

NO_CURSOR = "cursor is not the next_cursor of an earlier page"


def encoded(place: str) -> str:
    """Return the cursor for what follows `place`."""
    return urlsafe_b64encode(place.encode()).decode().rstrip("=")


def decoded(cursor: str) -> str:
    """Return the place that a cursor is for, or raise InputError."""
    padding = "=" * (-len(cursor) % 4)
    try:
        # validate, because the decoder would skip what it does not know.
        place = b64decode(cursor + padding, altchars=b"-_", validate=True).decode()
    except ValueError as exc:
        raise InputError(NO_CURSOR) from exc
    if not place.isprintable():
        raise InputError(NO_CURSOR)
    return place
