"""Where an error happened, without what it says: its message may quote what was being read.

>>> frames(error)[-1]
'KeyError /srv/rag/catalog.py:140 get'
"""

import traceback

_MOST = 50
_OF_EACH = 8


def frames(exc: BaseException) -> list[str]:
    """Return where it happened, innermost last; chained errors come after what they caused."""
    found: list[str] = []
    seen: BaseException | None = exc
    while seen is not None and len(found) < _MOST:
        stack = traceback.extract_tb(seen.__traceback__)
        found += [
            f"{type(seen).__name__} {f.filename}:{f.lineno} {f.name}" for f in stack[-_OF_EACH:]
        ]
        seen = seen.__cause__ or seen.__context__
    return found
