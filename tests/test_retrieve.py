"""What is found: filtered alike by every store, fused by rank, capped by article, always live."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rag.catalog import Staged
from rag.index import Index, Legs
from rag.retrieve import RRF_CONSTANT, Retriever, capped, fuse
from rag.types import Article, Filters, Question

OpenIndex = Callable[[Path], Index]
Stage = Callable[[Article], Staged]

MIDNIGHT = datetime(2020, 3, 13, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def article(name: str, source: str | None, when: datetime | None) -> Article:
    text = f"The ferry {name} reached the harbour of Hallow."
    return Article.create(
        title=f"Ferry {name}", text=text, article_id=name, source=source, published_at=when
    )


ARCHIVE = [
    article("eve", "north.example", MIDNIGHT - SECOND),
    article("dawn", "south.example", MIDNIGHT),
    article("dusk", "north.example", MIDNIGHT + timedelta(days=1) - SECOND),
    article("next", "south.example", MIDNIGHT + timedelta(days=1)),
    article("undated", "north.example", None),
    article("old", None, datetime(1969, 12, 31, 12, tzinfo=UTC)),
    article("accent", "élan.example", MIDNIGHT),
]
NAMES = {one.article_id for one in ARCHIVE}
QUERY = "ferry harbour Hallow"
Finder = Callable[[Index, Filters], set[str]]


@pytest.fixture(scope="module")
def archive(
    tmp_path_factory: pytest.TempPathFactory, open_index: OpenIndex, stage: Stage
) -> Iterator[Index]:
    index = open_index(tmp_path_factory.mktemp("archive"))
    index.put([stage(one) for one in ARCHIVE])
    yield index
    index.close()


def by_catalog(index: Index, filters: Filters) -> set[str]:
    return set(index.catalog.matching(filters))


def by_page(index: Index, filters: Filters) -> set[str]:
    return {meta.article_id for meta in index.catalog.page(filters)}


def by_join(index: Index, filters: Filters) -> set[str]:
    rows = index.catalog.live_passages(sorted(index.catalog.live_ids()[0]), filters)
    return {meta.article_id for _, meta in rows.values()}


def by_vectors(index: Index, filters: Filters) -> set[str]:
    found = index.search(QUERY, k=50, filters=filters, mode="dense").dense
    return {key.split(":")[0] for key, _ in found}


def by_words(index: Index, filters: Filters) -> set[str]:
    found = index.search(QUERY, k=50, filters=filters, mode="bm25").passages
    return {key.split(":")[0] for key, _ in found}


def by_whole_articles(index: Index, filters: Filters) -> set[str]:
    return {key for key, _ in index.search(QUERY, k=50, filters=filters, mode="bm25").articles}


def by_retriever(mode: Any) -> Finder:
    def found(index: Index, filters: Filters) -> set[str]:
        hits = Retriever(index).search(QUERY, k=50, filters=filters, mode=mode)
        return {hit.article.article_id for hit in hits}

    return found


FINDERS = {
    "catalog": by_catalog,
    "page": by_page,
    "join": by_join,
    "vectors": by_vectors,
    "words": by_words,
    "articles": by_whole_articles,
    "dense": by_retriever("dense"),
    "bm25": by_retriever("bm25"),
    "hybrid": by_retriever("hybrid"),
}


def filters(**fields: object) -> Filters:
    return Filters.model_validate(fields)


@pytest.mark.parametrize("find", FINDERS.values(), ids=FINDERS)
@pytest.mark.parametrize(
    ("chosen", "passing"),
    [
        (filters(), NAMES),
        (filters(published_after="2020-03-13"), {"dawn", "dusk", "next", "accent"}),
        (filters(published_after="2020-03-13T00:00:00.000001Z"), {"dusk", "next"}),
        (filters(published_before="2020-03-13"), {"eve", "old"}),
        (
            filters(published_before="2020-03-13T00:00:00.000001Z"),
            {"eve", "old", "dawn", "accent"},
        ),
        (
            filters(published_after="2020-03-13", published_before="2020-03-14"),
            {"dawn", "dusk", "accent"},
        ),
        (filters(as_of="2020-03-13"), {"eve", "dawn", "dusk", "old", "accent"}),
        (filters(as_of="2020-03-13T00:00:00Z"), {"eve", "dawn", "old", "accent"}),
        (filters(as_of="2020-03-12T23:59:59.9Z"), {"eve", "old"}),
        (filters(published_before="1970-01-01"), {"old"}),
        (filters(published_after="0001-01-01"), NAMES - {"undated"}),
        (filters(as_of="9999-12-31"), NAMES - {"undated"}),
        (filters(sources=["north.example"]), {"eve", "dusk", "undated"}),
        (filters(sources=["élan.example", "nobody.example"]), {"accent"}),
        (filters(sources=["NORTH.example"]), set()),
        (filters(sources=["north.example' OR 1=1 --"]), set()),
        (filters(sources=[]), set()),
        (filters(article_ids=["eve", "undated", "unknown"]), {"eve", "undated"}),
        (filters(article_ids=[]), set()),
        (
            filters(
                sources=["north.example"], article_ids=["eve", "dawn", "dusk"], as_of="2020-03-12"
            ),
            {"eve"},
        ),
    ],
)
def test_every_store_and_mode_passes_exactly_what_a_filter_lets_through(
    archive: Index, find: Finder, chosen: Filters, passing: set[str]
) -> None:
    assert find(archive, chosen) == passing


def passes(article: Article, chosen: Filters) -> bool:
    """Say in plain words what a filter means."""
    when = article.published_at
    if (chosen.published_after or chosen.published_before or chosen.as_of) and when is None:
        return False
    return (
        (chosen.published_after is None or when is None or chosen.published_after <= when)
        and (chosen.published_before is None or when is None or when < chosen.published_before)
        and (chosen.as_of is None or when is None or when <= chosen.as_of)
        and (chosen.sources is None or article.source in chosen.sources)
        and (chosen.article_ids is None or article.article_id in chosen.article_ids)
    )


NEAR = st.none() | st.builds(
    lambda base, micros: base + timedelta(microseconds=micros),
    st.sampled_from([one.published_at for one in ARCHIVE if one.published_at]),
    st.integers(-2_000_000, 2_000_000),
)
SOURCES = st.sampled_from(["north.example", "south.example", "élan.example", "nobody.example"])


@st.composite
def any_filters(draw: st.DrawFn) -> Filters:
    chosen = {
        "published_after": draw(NEAR),
        "published_before": draw(NEAR),
        "as_of": draw(NEAR),
        "sources": draw(st.none() | st.lists(SOURCES, max_size=3)),
        "article_ids": draw(st.none() | st.lists(st.sampled_from(sorted(NAMES)), max_size=4)),
    }
    try:
        return Filters.model_validate(chosen)
    except ValidationError:
        return Filters.model_validate(chosen | {"published_before": None})


@given(any_filters())
def test_every_store_and_mode_agrees_on_any_filter(archive: Index, chosen: Filters) -> None:
    expected = {one.article_id for one in ARCHIVE if passes(one, chosen)}
    assert {name: find(archive, chosen) for name, find in FINDERS.items()} == dict.fromkeys(
        FINDERS, expected
    )


# -- ranking -----------------------------------------------------------------------------------


def test_fusion_adds_the_reciprocal_ranks_and_lets_passages_inherit_their_articles() -> None:
    legs = Legs(
        dense=[("a:1", 0.9), ("dead", 0.8), ("b:1", 0.7)],
        passages=[("b:1", 5.0)],
        articles=[("c", 9.0), ("b", 3.0)],
    )
    assert fuse(legs, {"a:1": "a", "b:1": "b"}) == {
        "a:1": 1 / RRF_CONSTANT,
        "b:1": pytest.approx(1 / (RRF_CONSTANT + 1) + 1 / RRF_CONSTANT + 1 / (RRF_CONSTANT + 1)),
    }


def test_what_is_beyond_the_cap_of_its_article_is_left_out_in_order() -> None:
    article_of = {"a1": "a", "a2": "a", "b1": "b", "a3": "a"}
    assert capped(["a1", "a2", "b1", "a3"], article_of, 2) == ["a1", "a2", "b1"]


def test_a_hit_shows_the_scores_of_the_legs_that_found_it(archive: Index) -> None:
    [hit] = Retriever(archive).search(
        "dawn", k=1, filters=Filters(article_ids=("dawn",)), mode="hybrid"
    )
    assert hit.scores.dense is not None
    assert -1 <= hit.scores.dense <= 1
    assert hit.scores.bm25 is not None
    assert hit.scores.bm25 > 0
    assert hit.scores.fused > 0
    assert hit.scores.reader is None


@pytest.mark.parametrize(("mode", "leg"), [("dense", "bm25"), ("bm25", "dense")])
def test_a_mode_scores_with_its_own_leg_only(archive: Index, mode: Any, leg: str) -> None:
    hits = Retriever(archive).search(QUERY, k=5, mode=mode)
    assert len(hits) == 5
    assert {getattr(hit.scores, leg) for hit in hits} == {None}


def test_hits_come_best_first_and_at_most_as_many_as_asked_for(archive: Index) -> None:
    hits = Retriever(archive).retrieve(Question(text=QUERY, top_k=3))
    assert len(hits) == 3
    fused = [hit.scores.fused for hit in hits]
    assert fused == sorted(fused, reverse=True)


def test_the_completed_question_is_searched_when_there_is_one(archive: Index) -> None:
    question = Question(text="and then?", mode="bm25")
    retriever = Retriever(archive)
    assert retriever.retrieve(question) == []
    [first, *_] = retriever.retrieve(question, text="ferry dusk")
    assert first.article.article_id == "dusk"


def test_one_long_article_does_not_take_every_place(index: Index, stage: Stage) -> None:
    sentence = "The ferry reached the harbour of Hallow in the evening, as it does each day. "
    long = Article.create(title="Timetable", text=sentence * 100, article_id="long")
    index.put([stage(long), *(stage(one) for one in ARCHIVE)])
    assert len(index.catalog.passages_of("long")) > 5
    found = [h.article.article_id for h in Retriever(index).retrieve(Question(text=sentence))]
    assert found.count("long") == 3
    assert len(found) == 8


def test_the_order_in_which_articles_came_in_does_not_change_what_is_found(
    tmp_path: Path, open_index: OpenIndex, stage: Stage
) -> None:
    rankings = []
    for seed in range(3):
        index = open_index(tmp_path / str(seed))
        shuffled = random.Random(seed).sample(ARCHIVE, len(ARCHIVE))
        for one in shuffled:
            index.put([stage(one)])
        hits = Retriever(index).search(QUERY, k=8, mode="bm25")
        rankings.append([hit.passage.passage_id for hit in hits])
        index.close()
    assert rankings[0] == rankings[1] == rankings[2]


def test_rows_that_the_catalog_does_not_know_are_never_hits(index: Index, stage: Stage) -> None:
    one = stage(ARCHIVE[0])
    index.put([one])
    index.catalog.withdraw(["eve"])
    assert index._vectors.count() == 1
    assert Retriever(index).retrieve(Question(text=QUERY)) == []


# -- time --------------------------------------------------------------------------------------

REGATTA = "The ferry regatta of Hallow was won by the crew of the {}."
YEARS = [
    Article.create(
        title="Regatta of Hallow",
        text=REGATTA.format(boat),
        article_id=boat.lower(),
        published_at=datetime(year, 6, 5, tzinfo=UTC),
    )
    for boat, year in (("Alder", 2018), ("Birch", 2019), ("Cedar", 2020))
]
LATER = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture(scope="module")
def regattas(
    tmp_path_factory: pytest.TempPathFactory, open_index: OpenIndex, stage: Stage
) -> Iterator[Index]:
    index = open_index(tmp_path_factory.mktemp("regattas"))
    index.put([stage(one) for one in YEARS])
    yield index
    index.close()


def found(index: Index, text: str, now: datetime | None, chosen: Filters) -> list[str]:
    hits = Retriever(index).retrieve(Question(text=text, filters=chosen), now=now)
    return [hit.article.article_id for hit in hits]


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ("Who won the ferry regatta in June 2018?", "alder"),
        ("Who won the ferry regatta in June 2019?", "birch"),
        ("Who won the ferry regatta in June 2020?", "cedar"),
        ("Who won the latest ferry regatta?", "cedar"),
        ("Who won the ferry regatta before 2019?", "alder"),
    ],
)
def test_of_the_same_story_in_several_years_the_asked_one_comes_first(
    regattas: Index, asked: str, first: str
) -> None:
    assert found(regattas, asked, LATER, filters())[0] == first


def test_a_relative_time_counts_from_as_of_where_the_filters_have_one(regattas: Index) -> None:
    last_year = "Who won the ferry regatta last year?"
    chosen = filters(as_of="2020-03-01")
    assert found(regattas, last_year, LATER, chosen)[0] == "birch"


def test_a_filter_wins_against_the_time_that_is_asked(regattas: Index) -> None:
    chosen = filters(published_before="2019-01-01")
    assert found(regattas, "Who won the ferry regatta in June 2020?", LATER, chosen) == ["alder"]


@pytest.mark.parametrize(
    "asked",
    ["Who won the ferry regatta?", "Who won on Thursday?", "Who may march in the regatta?"],
)
def test_where_no_time_helps_every_hit_is_as_it_is_without_one(regattas: Index, asked: str) -> None:
    question = Question(text=asked)
    retriever = Retriever(regattas)
    assert retriever.retrieve(question, now=LATER) == retriever.retrieve(question)


def test_without_now_time_plays_no_part(regattas: Index) -> None:
    hits = Retriever(regattas).retrieve(Question(text="Who won the latest regatta of 2019?"))
    legs = regattas.search(
        "Who won the latest regatta of 2019?", k=50, filters=Filters(), mode="hybrid"
    )
    article_of = {hit.passage.passage_id: hit.article.article_id for hit in hits}
    assert {hit.passage.passage_id: hit.scores.fused for hit in hits} == fuse(legs, article_of)
