"""What an answer was made of, and what is different when its question is asked again."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from rag.answer import Answerer
from rag.bundle import Bundle, Change, Changes, Quote, Versions, bundle, compare, versions
from rag.catalog import Staged
from rag.index import Index
from rag.types import Article, Filters, Question, Turn
from rag.wiring import build_answerer

Stage = Callable[[Article], Staged]

NOW = datetime(2024, 1, 1, tzinfo=UTC)
SAID = "Mayor Ida Quell blamed the water board for the delay."
BRIDGE = Article.create(
    title="Hallow Bridge closes after flood",
    text=f"The Hallow Bridge was closed on Tuesday. {SAID}",
    article_id="bridge",
    source="ledger.example",
    published_at=datetime(2021, 5, 4, tzinfo=UTC),
)
ORCHARD = Article.create(
    title="Fire in an orchard",
    text="A fire burned forty trees of the orchard at Senn.",
    article_id="orchard",
    source="courier.example",
    published_at=datetime(2021, 6, 1, tzinfo=UTC),
)
BLAMED = Question(text="Who blamed the water board?")
MADE_WITH = Versions(dateline="1.0", models={"reader": "aa", "embedder": "bb"})
NOTHING_CHANGED = Changes(
    question=BLAMED.text,
    answer={},
    confidence_delta=0,
    citations_gone=(),
    citations_new=(),
    citations_moved=(),
    articles_changed=(),
    articles_gone=(),
    passages_lost=(),
    passages_found=(),
    made_with={},
)


@pytest.fixture
def archive(index: Index, stage: Stage) -> Index:
    index.put([stage(BRIDGE), stage(ORCHARD)])
    return index


@pytest.fixture
def answerer(archive: Index) -> Answerer:
    return build_answerer(archive)


def asked(answerer: Answerer, question: Question = BLAMED) -> Bundle:
    evidence = answerer.prepare(question, now=NOW)
    return bundle(evidence, answerer.complete(evidence, now=NOW), MADE_WITH)


def since(archive: Index, old: Bundle, new: Bundle) -> Changes:
    return compare(old, new, archive.catalog.live_hashes(list(old.articles)))


def test_a_bundle_is_the_same_after_it_was_written_and_read(answerer: Answerer) -> None:
    question = Question(
        text="And who blamed it?",
        history=(Turn(question="Why was the Hallow Bridge closed?", answer="A flood."),),
        filters=Filters(sources=("ledger.example",), as_of="2021-05-05"),
        min_confidence=0,
    )
    one = asked(answerer, question)
    assert Bundle.model_validate_json(one.model_dump_json()) == one
    assert (one.question, one.now) == (question, NOW)


def test_a_bundle_holds_what_was_read_and_what_was_found_in_it(answerer: Answerer) -> None:
    one = asked(answerer)
    assert one.articles == {"bridge": BRIDGE.content_hash, "orchard": ORCHARD.content_hash}
    assert [hit.article.article_id for hit in one.hits] == ["bridge", "orchard"]
    best, passage = one.readings[0], one.hits[0].passage
    assert best.passage_id == passage.passage_id
    assert passage.text[best.answer_start : best.answer_end] == best.answer
    assert passage.text[best.start : best.end] == SAID


def test_the_versions_name_every_model_by_its_hash() -> None:
    made_with = versions()
    assert {"embedder", "reader", "reader_weights", "tokenizer"} <= set(made_with.models)
    assert {len(sha256) for sha256 in made_with.models.values()} == {64}


def test_asking_again_at_once_changes_nothing(archive: Index, answerer: Answerer) -> None:
    changes = since(archive, asked(answerer), asked(answerer))
    assert changes == NOTHING_CHANGED
    assert changes.same_answer


def test_a_deleted_article_takes_its_answer_along(archive: Index, answerer: Answerer) -> None:
    old = asked(answerer)
    archive.delete(["bridge"])
    changes = since(archive, old, asked(answerer))
    assert not changes.same_answer
    assert changes.answer["answer_status"] == Change(old="answered", new="no_answer")
    assert changes.citations_gone == (Quote(article_id="bridge", cited_text=SAID),)
    assert (changes.articles_gone, changes.articles_changed) == (("bridge",), ())
    assert changes.passages_lost == (old.hits[0].passage.passage_id,)
    assert changes.confidence_delta < 0


def test_a_quotation_that_moved_in_its_article_is_the_same_answer(
    archive: Index, answerer: Answerer, stage: Stage
) -> None:
    old = asked(answerer)
    longer = Article.create(
        **BRIDGE.model_dump(exclude={"content_hash", "text"}), text=f"Updated. {BRIDGE.text}"
    )
    archive.put([stage(longer)])
    new = asked(answerer)
    changes = since(archive, old, new)
    assert changes.same_answer
    assert changes.citations_moved == (Quote(article_id="bridge", cited_text=SAID),)
    assert (changes.citations_gone, changes.citations_new) == ((), ())
    assert (changes.articles_gone, changes.articles_changed) == ((), ("bridge",))
    assert changes.passages_lost == (old.hits[0].passage.passage_id,)
    assert changes.passages_found == (new.hits[0].passage.passage_id,)


def test_a_corrected_quotation_is_another_answer(
    archive: Index, answerer: Answerer, stage: Stage
) -> None:
    old = asked(answerer)
    corrected = Article.create(
        **BRIDGE.model_dump(exclude={"content_hash", "text"}),
        text=BRIDGE.text.replace("Ida Quell", "Ian Quell"),
    )
    archive.put([stage(corrected)])
    changes = since(archive, old, asked(answerer))
    now = SAID.replace("Ida", "Ian")
    assert not changes.same_answer
    assert changes.citations_gone == (Quote(article_id="bridge", cited_text=SAID),)
    assert changes.citations_new == (Quote(article_id="bridge", cited_text=now),)
    assert "Ian Quell" in str(changes.answer["short_answer"].new)


def test_other_models_alone_are_no_other_answer(archive: Index, answerer: Answerer) -> None:
    old = asked(answerer)
    made_with = Versions(dateline="1.1", models={"reader": "cc", "judge": "dd"})
    new = old.model_copy(update={"versions": made_with, "index_fingerprint": "other"})
    changes = since(archive, old, new)
    assert changes.same_answer
    assert changes.made_with == {
        "index_fingerprint": Change(old=old.index_fingerprint, new="other"),
        "dateline": Change(old="1.0", new="1.1"),
        "models.embedder": Change(old="bb", new=None),
        "models.judge": Change(old=None, new="dd"),
        "models.reader": Change(old="aa", new="cc"),
    }
