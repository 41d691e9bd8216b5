"""What a name that nobody knows was probably meant to be.

>>> nearest("awnsers", ["answers", "question"])
'; did you mean answers?'
"""

import difflib
from collections.abc import Collection


def nearest(name: str, known: Collection[str]) -> str:
    """Return a hint at the known name that `name` may have been meant for, else at all of them."""
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"
