"""Articles, their versions and their passages in SQL: the truth that every index is derived from.

A version is `pending` while its vectors and BM25 rows are being written, `live` when it may answer,
`retired` when a newer version took its place, `deleted` when it is on its way out. One statement
moves a batch from `pending` to `live` and its predecessors to `retired`, so a reader sees one
version of an article or the other, never both and never neither.

>>> catalog = Catalog("sqlite://")
>>> catalog.counts()
Counts(articles=0, passages=0, pending=0, unswept=0)
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ForeignKeyConstraint,
    Index,
    Row,
    create_engine,
    delete,
    event,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy import (
    text as sql,
)
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import StaticPool

from rag.errors import DependencyError
from rag.types import Article, ArticleMeta, Filters, Passage

T = TypeVar("T")

SCHEMA_VERSION = "1"
# SQLite allows 32,766 bound values in a statement; a version takes two.
_CHUNK = 5_000


class _Base(DeclarativeBase):
    pass


class MetaRow(_Base):
    """What is true of the whole catalog: schema version, index fingerprint."""

    __tablename__ = "meta"
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class ArticleRow(_Base):
    """One version of one article."""

    __tablename__ = "articles"
    article_id: Mapped[str] = mapped_column(primary_key=True)
    content_hash: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(index=True)
    title: Mapped[str]
    text: Mapped[str]
    source: Mapped[str | None] = mapped_column(index=True)
    author: Mapped[str | None]
    url: Mapped[str | None]
    # Epoch seconds, as in the vector store, so that one comparison means the same everywhere.
    published_at: Mapped[int | None] = mapped_column(BigInteger, index=True)
    origin: Mapped[str | None] = mapped_column(index=True)
    __table_args__ = (
        Index(
            "one_live_version",
            "article_id",
            unique=True,
            sqlite_where=sql("state = 'live'"),
            postgresql_where=sql("state = 'live'"),
        ),
    )


class PassageRow(_Base):
    """A passage of a version; its text is a slice of the article's, stored once."""

    __tablename__ = "passages"
    passage_id: Mapped[str] = mapped_column(primary_key=True)
    article_id: Mapped[str]
    content_hash: Mapped[str]
    position: Mapped[int]
    start_char_index: Mapped[int]
    end_char_index: Mapped[int]
    __table_args__ = (
        ForeignKeyConstraint(
            ["article_id", "content_hash"],
            ["articles.article_id", "articles.content_hash"],
            ondelete="CASCADE",
        ),
        Index("passages_of_version", "article_id", "content_hash", "position"),
    )


class Version(NamedTuple):
    """The key of one version of one article."""

    article_id: str
    content_hash: str


class Staged(NamedTuple):
    """An article on its way in: its passages, and the file it is the only article of, if any."""

    article: Article
    passages: Sequence[Passage]
    origin: str | None = None

    @property
    def version(self) -> Version:
        """The key under which it is stored."""
        return Version(self.article.article_id, self.article.content_hash)


class Counts(NamedTuple):
    """Live articles and passages, versions to be finished, dead passages to be swept."""

    articles: int
    passages: int
    pending: int
    unswept: int


class SourceCount(NamedTuple):
    """An outlet, how many live articles it has, and when the newest of them was published."""

    source: str | None
    articles: int
    newest: datetime | None


class Catalog:
    """Holds the engine; every method is one transaction and raises DependencyError."""

    def __init__(self, url: str) -> None:
        """Open the catalog at a SQLAlchemy URL, creating its tables when it is new."""
        self._engine = open_engine(url)
        with answering(f"catalog {self._engine.url!r} cannot be opened"):
            _Base.metadata.create_all(self._engine)

    @property
    def engine(self) -> Engine:
        """The database, for what is kept beside the articles in tables of its own."""
        return self._engine

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def ping(self) -> None:
        """Do nothing, or raise DependencyError when the database does not answer."""
        with answering("catalog does not answer"), self._engine.connect() as connection:
            connection.execute(sql("SELECT 1"))

    # -- facts about the whole -----------------------------------------------------------------

    def meta(self, key: str) -> str | None:
        """Return the value stored under `key`."""
        with answering(), Session(self._engine) as session:
            row = session.get(MetaRow, key)
            return row.value if row else None

    def set_meta(self, key: str, value: str) -> None:
        """Store `value` under `key`."""
        with answering(), Session(self._engine) as session, session.begin():
            session.merge(MetaRow(key=key, value=value))

    def counts(self) -> Counts:
        """Return how much there is in each state."""
        with answering(), Session(self._engine) as session:
            by_state = select(ArticleRow.state, func.count()).group_by(ArticleRow.state)
            states = {row.state: int(row[1]) for row in session.execute(by_state)}
            passages = session.scalar(
                select(func.count()).select_from(PassageRow).join(*_VERSION_OF).where(_LIVE)
            )
        return Counts(
            articles=states.get("live", 0),
            passages=passages or 0,
            pending=states.get("pending", 0),
            unswept=len(self.leftovers()) + states.get("deleted", 0),
        )

    # -- the life of a version -----------------------------------------------------------------

    def stage(self, batch: Sequence[Staged]) -> None:
        """Store the batch as `pending`, invisible to every search; staging twice is as once.

        Another version that an interrupted write left pending is retired: it must not come after.
        """
        with answering(), Session(self._engine) as session, session.begin():
            for part in _chunks([staged.version for staged in batch]):
                ids = [version.article_id for version in part]
                session.execute(delete(ArticleRow).where(_versions(part), ~_LIVE))
                session.execute(
                    update(ArticleRow)
                    .where(ArticleRow.article_id.in_(ids), ArticleRow.state == "pending")
                    .values(state="retired")
                )
            session.add_all(_article_row(staged) for staged in batch)
            session.flush()
            session.add_all(_passage_rows(batch))

    def publish(self, versions: Sequence[Version]) -> None:
        """Make these pending versions live and their predecessors retired, in one step."""
        with answering(), Session(self._engine) as session, session.begin():
            for part in _chunks(versions):
                ids = [version.article_id for version in part]
                session.execute(
                    update(ArticleRow)
                    .where(ArticleRow.article_id.in_(ids), _LIVE, ~_versions(part))
                    .values(state="retired")
                )
                session.execute(update(ArticleRow).where(_versions(part)).values(state="live"))

    def withdraw(self, article_ids: Sequence[str]) -> list[str]:
        """Mark every version of these articles `deleted`; return the ids that were live."""
        with answering(), Session(self._engine) as session, session.begin():
            live: list[str] = []
            for part in _chunks(article_ids):
                these = ArticleRow.article_id.in_(part)
                live += session.scalars(select(ArticleRow.article_id).where(these, _LIVE))
                session.execute(update(ArticleRow).where(these).values(state="deleted"))
            return live

    def set_origins(self, origins: Mapping[str, str | None]) -> None:
        """Note of each of these live articles the file that now holds it alone, None if none."""
        columns = select(ArticleRow.article_id, ArticleRow.origin).where(_LIVE)
        with answering(), Session(self._engine) as session, session.begin():
            for part in _chunks(list(origins)):
                known = session.execute(columns.where(ArticleRow.article_id.in_(part))).all()
                for article_id, origin in known:
                    if origin != origins[article_id]:
                        one = update(ArticleRow).where(ArticleRow.article_id == article_id, _LIVE)
                        session.execute(one.values(origin=origins[article_id]))

    def recut(self, batch: Sequence[Staged]) -> None:
        """Replace the passages of these live versions."""
        with answering(), Session(self._engine) as session, session.begin():
            for staged in batch:
                article_id, content_hash = staged.version
                session.execute(
                    delete(PassageRow).where(
                        PassageRow.article_id == article_id,
                        PassageRow.content_hash == content_hash,
                    )
                )
            session.add_all(_passage_rows(batch))

    def leftovers(self) -> list[str]:
        """Return the passages of versions that no longer answer but are not swept yet."""
        gone = ArticleRow.state.in_(("retired", "deleted"))
        with answering(), Session(self._engine) as session:
            return list(
                session.scalars(select(PassageRow.passage_id).join(*_VERSION_OF).where(gone))
            )

    def gone_articles(self) -> list[str]:
        """Return the ids of deleted articles that are not swept yet and did not come back."""
        back = select(ArticleRow.article_id).where(ArticleRow.state.in_(("live", "pending")))
        query = select(ArticleRow.article_id).where(
            ArticleRow.state == "deleted", ArticleRow.article_id.not_in(back)
        )
        with answering(), Session(self._engine) as session:
            return list(session.scalars(query.distinct()))

    def sweep(self, passage_ids: Sequence[str]) -> None:
        """Forget these passages and every deleted article; retired texts are kept as history."""
        with answering(), Session(self._engine) as session, session.begin():
            for part in _chunks(passage_ids):
                session.execute(delete(PassageRow).where(PassageRow.passage_id.in_(part)))
            session.execute(delete(ArticleRow).where(ArticleRow.state == "deleted"))

    # -- reading -------------------------------------------------------------------------------

    def live_hashes(self, article_ids: Sequence[str]) -> dict[str, str]:
        """Return article id -> content hash of the live version, for those that have one."""
        found: dict[str, str] = {}
        columns = select(ArticleRow.article_id, ArticleRow.content_hash).where(_LIVE)
        with answering(), Session(self._engine) as session:
            for part in _chunks(article_ids):
                rows = session.execute(columns.where(ArticleRow.article_id.in_(part)))
                found |= {row.article_id: row.content_hash for row in rows}
        return found

    def live_from(self, origins: Sequence[str]) -> dict[str, set[str]]:
        """Return origin -> ids of the live articles that stood alone in that file."""
        found: dict[str, set[str]] = {}
        columns = select(ArticleRow.origin, ArticleRow.article_id).where(_LIVE)
        with answering(), Session(self._engine) as session:
            for part in _chunks(origins):
                for row in session.execute(columns.where(ArticleRow.origin.in_(part))):
                    found.setdefault(row.origin, set()).add(row.article_id)
        return found

    def get(self, article_id: str) -> Article | None:
        """Return the live version."""
        query = select(ArticleRow).where(ArticleRow.article_id == article_id, _LIVE)
        with answering(), Session(self._engine) as session:
            row = session.scalar(query)
            return Article(text=row.text, **_meta_fields(row)) if row else None

    def version(self, article_id: str, hash_prefix: str) -> Article | None:
        """Return the version whose hash begins so, live or retired; a deleted article has none."""
        kept = ArticleRow.state.in_(("live", "retired"))
        same = ArticleRow.content_hash.startswith(f"sha256:{hash_prefix}", autoescape=True)
        query = select(ArticleRow).where(ArticleRow.article_id == article_id, kept, same)
        with answering(), Session(self._engine) as session:
            row = session.scalars(query.order_by(ArticleRow.content_hash)).first()
            return Article(text=row.text, **_meta_fields(row)) if row else None

    def page(
        self, filters: Filters, *, after: str | None = None, limit: int = 100
    ) -> list[ArticleMeta]:
        """Return live articles that pass `filters`, in order of id, those behind `after`."""
        query = select(ArticleRow).where(_LIVE, *_conditions(filters))
        if after is not None:
            query = query.where(ArticleRow.article_id > after)
        query = query.order_by(ArticleRow.article_id).limit(limit)
        with answering(), Session(self._engine) as session:
            return [ArticleMeta(**_meta_fields(row)) for row in session.scalars(query)]

    def newest(
        self, filters: Filters, *, after: tuple[int | None, str] | None = None, limit: int = 100
    ) -> list[ArticleMeta]:
        """Return live articles that pass `filters`, last published first, undated ones at the end.

        Those behind `after`: the epoch second and the id of one; ids order what has the same time.
        """
        when = ArticleRow.published_at
        query = select(ArticleRow).where(_LIVE, *_conditions(filters))
        if after is not None:
            at, article_id = after
            behind = (when == at) & (ArticleRow.article_id > article_id)
            query = query.where(behind if at is None else behind | (when < at) | when.is_(None))
        query = query.order_by(when.desc().nulls_last(), ArticleRow.article_id).limit(limit)
        with answering(), Session(self._engine) as session:
            return [ArticleMeta(**_meta_fields(row)) for row in session.scalars(query)]

    def sources(self) -> list[SourceCount]:
        """Return the outlets of live articles, those with most articles first."""
        columns = (ArticleRow.source, func.count(), func.max(ArticleRow.published_at))
        query = select(*columns).where(_LIVE).group_by(ArticleRow.source)
        query = query.order_by(func.count().desc(), ArticleRow.source)
        with answering(), Session(self._engine) as session:
            return [
                SourceCount(name, count, None if at is None else datetime.fromtimestamp(at, UTC))
                for name, count, at in session.execute(query)
            ]

    def matching(self, filters: Filters) -> list[str]:
        """Return the ids of all live articles that pass `filters`, in order."""
        query = select(ArticleRow.article_id).where(_LIVE, *_conditions(filters))
        with answering(), Session(self._engine) as session:
            return list(session.scalars(query.order_by(ArticleRow.article_id)))

    def staged(self, state: str, *, size: int = 64) -> Iterator[list[Staged]]:
        """Yield all versions in `state` with their passages, `size` articles at a time."""
        last = Version("", "")
        key = tuple_(ArticleRow.article_id, ArticleRow.content_hash)
        query = select(ArticleRow).where(ArticleRow.state == state).limit(size)
        query = query.order_by(ArticleRow.article_id, ArticleRow.content_hash)
        while True:
            with answering(), Session(self._engine) as session:
                rows = session.scalars(query.where(key > tuple_(*last))).all()
                batch = [self._staged(session, row) for row in rows]
            if not batch:
                return
            yield batch
            last = batch[-1].version

    def passages_of(self, article_id: str) -> list[Passage]:
        """Return the live version's passages in order."""
        query = _PASSAGES.where(PassageRow.article_id == article_id, _LIVE).order_by(
            PassageRow.position
        )
        with answering(), Session(self._engine) as session:
            return [_passage(row) for row in session.execute(query)]

    def live_passages(
        self, passage_ids: Sequence[str], filters: Filters
    ) -> dict[str, tuple[Passage, ArticleMeta]]:
        """Return those of the passages that are live and pass `filters`, with their articles.

        This join is what keeps a half-written, superseded or deleted article from answering,
        whatever the indexes still hold.
        """
        found: dict[str, tuple[Passage, ArticleMeta]] = {}
        with answering(), Session(self._engine) as session:
            for part in _chunks(passage_ids):
                query = _PASSAGES.where(
                    PassageRow.passage_id.in_(part), _LIVE, *_conditions(filters)
                )
                for row in session.execute(query):
                    found[row.passage_id] = (_passage(row), ArticleMeta(**_meta_fields(row)))
        return found

    def live_ids(self) -> tuple[set[str], set[str]]:
        """Return the ids of all live passages and of all live articles."""
        with answering(), Session(self._engine) as session:
            passages = session.scalars(
                select(PassageRow.passage_id).join(*_VERSION_OF).where(_LIVE)
            )
            articles = session.scalars(select(ArticleRow.article_id).where(_LIVE))
            return set(passages), set(articles)

    @staticmethod
    def _staged(session: Session, row: ArticleRow) -> Staged:
        query = _PASSAGES.where(
            PassageRow.article_id == row.article_id,
            PassageRow.content_hash == row.content_hash,
        ).order_by(PassageRow.position)
        passages = [_passage(found) for found in session.execute(query)]
        return Staged(Article(text=row.text, **_meta_fields(row)), passages, row.origin)


_LIVE = ArticleRow.state == "live"
_VERSION_OF = (
    ArticleRow,
    (PassageRow.article_id == ArticleRow.article_id)
    & (PassageRow.content_hash == ArticleRow.content_hash),
)
_PASSAGES = select(
    PassageRow.passage_id,
    PassageRow.article_id,
    PassageRow.content_hash,
    PassageRow.position,
    PassageRow.start_char_index,
    PassageRow.end_char_index,
    func.substr(
        ArticleRow.text,
        PassageRow.start_char_index + 1,
        PassageRow.end_char_index - PassageRow.start_char_index,
    ).label("text"),
    ArticleRow.title,
    ArticleRow.source,
    ArticleRow.author,
    ArticleRow.url,
    ArticleRow.published_at,
).join(*_VERSION_OF)


def open_engine(url: str) -> Engine:
    """Return the database at a SQLAlchemy URL; nothing is read or made in it yet."""
    if url.startswith("sqlite"):
        memory = url in ("sqlite://", "sqlite:///:memory:")
        options: dict[str, Any] = {"poolclass": StaticPool} if memory else {}
        options["connect_args"] = {"check_same_thread": False}
        engine = create_engine(url, hide_parameters=True, **options)
        event.listen(engine, "connect", _set_pragmas)
        return engine
    return create_engine(
        url, pool_pre_ping=True, hide_parameters=True, connect_args=_patience(make_url(url))
    )


def _patience(url: URL) -> dict[str, str | int]:
    """Return how long a Postgres is waited for, where the URL does not say it itself.

    A host that drops packets would be waited for some two minutes, and a statement that hangs for
    ever, while each holds one of the few turns and connections. Our longest statements, over all
    passages of an archive, take seconds.
    """
    if url.get_backend_name() != "postgresql":
        return {}
    waits: dict[str, str | int] = {"connect_timeout": 5, "options": "-c statement_timeout=60s"}
    return {name: value for name, value in waits.items() if name not in url.query}


@contextmanager
def answering(failure: str = "the database does not answer") -> Iterator[None]:
    """Raise DependencyError in place of what SQLAlchemy raises when a database fails us.

    A full pool, a lost connection and a refused statement are all of these; the statement is not
    repeated, because it quotes what is being stored.
    """
    try:
        yield
    except (DBAPIError, PoolTimeout) as exc:
        raise DependencyError(f"{failure}: {_reason(exc)}") from exc


def _reason(exc: SQLAlchemyError) -> str:
    """Return the first line of what the driver says; Postgres quotes the statement behind it."""
    said = str(exc.orig) if isinstance(exc, DBAPIError) else str(exc)
    return next(iter(said.splitlines()), type(exc).__name__)


def _set_pragmas(connection: Any, _record: Any) -> None:  # Any: DBAPI objects have no type
    cursor = connection.cursor()
    # WAL lets searches go on while a batch is written; NORMAL survives kill -9 of the process.
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.close()


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]


def _versions(versions: Sequence[Version]) -> ColumnElement[bool]:
    return tuple_(ArticleRow.article_id, ArticleRow.content_hash).in_(versions)


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    when = ArticleRow.published_at
    tests: list[ColumnElement[bool]] = []
    if filters.published_after is not None:
        tests.append(when >= epoch_ceil_s(filters.published_after))
    if filters.published_before is not None:
        tests.append(when < epoch_ceil_s(filters.published_before))
    if filters.as_of is not None:
        tests.append(when <= epoch_s(filters.as_of))
    if filters.sources is not None:
        tests.append(ArticleRow.source.in_(filters.sources))
    if filters.article_ids is not None:
        tests.append(ArticleRow.article_id.in_(filters.article_ids))
    return tests


def epoch_s(moment: datetime) -> int:
    """Return the whole seconds since 1970 that have passed, as dates are stored and compared."""
    return math.floor(moment.timestamp())


def epoch_ceil_s(moment: datetime) -> int:
    """Return the first whole second that is not before `moment`: the edge of a half-open range."""
    return math.ceil(moment.timestamp())


def _article_row(staged: Staged) -> ArticleRow:
    article = staged.article
    fields = article.model_dump(exclude={"published_at"})
    when = epoch_s(article.published_at) if article.published_at else None
    return ArticleRow(**fields, published_at=when, state="pending", origin=staged.origin)


def _passage_rows(batch: Sequence[Staged]) -> Iterator[PassageRow]:
    for staged in batch:
        for passage in staged.passages:
            yield PassageRow(**passage.model_dump(exclude={"text"}))


def _meta_fields(row: ArticleRow | Row[Any]) -> dict[str, Any]:
    when = row.published_at
    return {
        "article_id": row.article_id,
        "content_hash": row.content_hash,
        "title": row.title,
        "source": row.source,
        "author": row.author,
        "url": row.url,
        "published_at": None if when is None else datetime.fromtimestamp(when, UTC),
    }


def _passage(row: Row[Any]) -> Passage:
    return Passage(**{name: getattr(row, name) for name in Passage.model_fields})
