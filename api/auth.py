"""Who asks, and what they may.

>>> ANONYMOUS.may("write")
True
"""

from typing import Literal, NamedTuple

Scope = Literal["read", "write", "admin"]


class Caller(NamedTuple):
    """The key that a request came with; None where no keys are asked for."""

    key_id: str | None
    scopes: frozenset[str]

    def may(self, scope: Scope) -> bool:
        """Return whether the caller may do what needs `scope`; `admin` may do all."""
        return scope in self.scopes or "admin" in self.scopes


ANONYMOUS = Caller(None, frozenset(("read", "write", "admin")))
