"""Who asks, and what they may: keys that are kept as hashes, with scopes, and can be revoked.

>>> made = Keys(catalog.engine).create("newsroom", ("read",), now=now)
>>> Keys(catalog.engine).find(made.token, now=now).caller
Caller(key_id='3f9c0a1b2d4e', scopes=frozenset({'read'}))

A secret has 256 random bits, so one SHA-256 is enough: nobody can try them out, and a slow hash
would only slow the server down. Source: NIST SP 800-63B, 5.1.2.2, asks for salt and a password hash
only below 112 bits.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple, get_args

from sqlalchemy import BigInteger, or_, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from rag.catalog import answering
from rag.errors import NotFound
from rag.types import Value

Scope = Literal["read", "write", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
Refusal = Literal["missing", "malformed", "unknown", "wrong_secret", "revoked", "expired"]

# The prefix and the fixed lengths let scanners of repositories and logs find a key that got there.
TOKEN = re.compile(r"dl_([0-9a-f]{12})_([0-9a-f]{64})")
# A use is written down once a minute at most: a write for every request would cost more than it.
NOTED_EVERY_S = 60
# In the scope of a request from this process itself: who asks. No request from outside sets it.
INSIDE = "dateline.caller"
_NO_HASH = "0" * 64
_UNREAD = "the keys cannot be read or written"


class Caller(NamedTuple):
    """The key that a request came with; None where no keys are asked for."""

    key_id: str | None
    scopes: frozenset[str]

    def may(self, scope: Scope) -> bool:
        """Return whether the caller may do what needs `scope`; `admin` may do all."""
        return scope in self.scopes or "admin" in self.scopes


ANONYMOUS = Caller(None, frozenset(("read", "write", "admin")))


class Key(Value):
    """What is known of a key; its secret is not."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class Made(NamedTuple):
    """A new key, and the only sight of its token."""

    key: Key
    token: str


class Found(NamedTuple):
    """Whom a token names, or why nobody; `key_id` is known where the key exists."""

    caller: Caller | None
    refusal: Refusal | None = None
    key_id: str | None = None
    note_use: bool = False


class _Base(DeclarativeBase):
    pass


class KeyRow(_Base):
    """A key; moments are epoch seconds, as in the catalog."""

    __tablename__ = "api_keys"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    sha256: Mapped[str]
    scopes: Mapped[str]
    created_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int | None] = mapped_column(BigInteger)
    last_used_at: Mapped[int | None] = mapped_column(BigInteger)
    revoked_at: Mapped[int | None] = mapped_column(BigInteger)


class Keys:
    """The keys in a database; every method is one transaction and raises DependencyError."""

    def __init__(self, engine: Engine) -> None:
        """Open them, creating their table when it is new."""
        self._engine = engine
        with answering(_UNREAD):
            _Base.metadata.create_all(engine)

    def create(
        self,
        name: str,
        scopes: Sequence[Scope],
        *,
        now: datetime,
        expires_at: datetime | None = None,
    ) -> Made:
        """Store a new key and return it with its token, which nobody can learn later."""
        key_id, secret = secrets.token_hex(6), secrets.token_hex(32)
        row = KeyRow(
            id=key_id,
            name=name,
            sha256=_hashed(secret),
            scopes=" ".join(scope for scope in SCOPES if scope in scopes),
            created_at=int(now.timestamp()),
            expires_at=None if expires_at is None else int(expires_at.timestamp()),
        )
        with answering(_UNREAD), Session(self._engine) as session, session.begin():
            session.add(row)
            session.flush()
            return Made(_key(row), f"dl_{key_id}_{secret}")

    def all(self) -> list[Key]:
        """Return every key that was ever made, oldest first."""
        query = select(KeyRow).order_by(KeyRow.created_at, KeyRow.id)
        with answering(_UNREAD), Session(self._engine) as session:
            return [_key(row) for row in session.scalars(query)]

    def ever(self) -> bool:
        """Return whether a key was ever made, revoked ones included."""
        with answering(_UNREAD), Session(self._engine) as session:
            return session.scalar(select(KeyRow.id).limit(1)) is not None

    def revoke(self, key_id: str, *, now: datetime) -> Key:
        """Make the key useless at once and for good; revoking twice keeps the first time.

        Raises: NotFound.
        """
        with answering(_UNREAD), Session(self._engine) as session, session.begin():
            row = session.get(KeyRow, key_id)
            if row is None:
                raise NotFound(f"no key has the id {key_id!r}; `dateline keys list` shows them")
            row.revoked_at = row.revoked_at or int(now.timestamp())
            session.flush()
            return _key(row)

    def find(self, token: str, *, now: datetime) -> Found:
        """Return whom the token names, or why it names nobody."""
        parts = TOKEN.fullmatch(token)
        if parts is None:
            return Found(None, "malformed")
        with answering(_UNREAD), Session(self._engine) as session:
            row = session.get(KeyRow, parts[1])
            known = hmac.compare_digest(_hashed(parts[2]), row.sha256 if row else _NO_HASH)
            if row is None:
                return Found(None, "unknown")
            return _judged(row, known=known, now_s=int(now.timestamp()))

    def note_use(self, key_id: str, *, now: datetime) -> None:
        """Write down that the key was used, unless that was done within the last minute."""
        moment = int(now.timestamp())
        due = or_(KeyRow.last_used_at.is_(None), KeyRow.last_used_at <= moment - NOTED_EVERY_S)
        statement = update(KeyRow).where(KeyRow.id == key_id, due).values(last_used_at=moment)
        with answering(_UNREAD), Session(self._engine) as session, session.begin():
            session.execute(statement)


def _judged(row: KeyRow, *, known: bool, now_s: int) -> Found:
    if not known:
        return Found(None, "wrong_secret", row.id)
    if row.revoked_at is not None:
        return Found(None, "revoked", row.id)
    if row.expires_at is not None and row.expires_at <= now_s:
        return Found(None, "expired", row.id)
    due = row.last_used_at is None or row.last_used_at <= now_s - NOTED_EVERY_S
    return Found(Caller(row.id, frozenset(row.scopes.split())), None, row.id, note_use=due)


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(row: KeyRow) -> Key:
    fields = {name: getattr(row, name) for name in ("id", "name")}
    moments = ("created_at", "expires_at", "last_used_at", "revoked_at")
    times = {name: _moment(getattr(row, name)) for name in moments}
    return Key(**fields, scopes=tuple(row.scopes.split()), **times)


def _moment(epoch_s: int | None) -> datetime | None:
    return None if epoch_s is None else datetime.fromtimestamp(epoch_s, UTC)
