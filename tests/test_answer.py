"""An answer rests on verified quotes, or says why there is none."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.answer import Answerer
from rag.catalog import Staged
from rag.extract import extract
from rag.index import Index
from rag.types import Answer, Article, Filters, Hit, Passage, Question, Reading, Scores, Turn
from rag.untrusted import quotable
from rag.wiring import build_answerer

OpenIndex = Callable[[Path], Index]
Stage = Callable[[Article], Staged]

NOW = datetime(2024, 1, 1, tzinfo=UTC)
BRIDGE = Article.create(
    title="Hallow Bridge closes after flood",
    text="The Hallow Bridge was closed on Tuesday after the river rose.\nMayor Ida Quell blamed "
    "the water board\nfor the delay. Repairs will take six weeks.",
    article_id="bridge",
    source="ledger.example",
    published_at=datetime(2021, 5, 4, tzinfo=UTC),
)
MUSEUM = Article.create(
    title="Pemberton museum gets a new director",
    text="The Pemberton museum appointed Tobias Renn as its director. He starts in March.",
    article_id="museum",
    source="courier.example",
    published_at=datetime(2022, 1, 10, tzinfo=UTC),
)
BLAME = "Who blamed the water board?"


@pytest.fixture(scope="module")
def archive(
    tmp_path_factory: pytest.TempPathFactory, open_index: OpenIndex, stage: Stage
) -> Iterator[Index]:
    index = open_index(tmp_path_factory.mktemp("archive"))
    index.put([stage(BRIDGE), stage(MUSEUM)])
    yield index
    index.close()


@pytest.fixture(scope="module")
def answerer(archive: Index) -> Answerer:
    return build_answerer(archive)


def ask(answerer: Answerer, text: str, **fields: Any) -> Answer:
    return answerer.answer(Question(text=text, **fields), now=NOW)


def assert_verified(index: Index, answer: Answer) -> None:
    """Fail unless every citation is, letter for letter, in the live article it names."""
    for citation in answer.citations:
        article = index.catalog.get(citation.article_id)
        assert article is not None
        assert article.content_hash == citation.content_hash
        quote = article.text[citation.start_char_index : citation.end_char_index]
        assert quote == citation.cited_text != ""
        for span in citation.answer_spans:
            shown = answer.answer[span.start_index : span.end_index]
            assert shown == quotable(citation.cited_text)


def test_an_answer_is_a_sentence_of_the_archive_with_its_proof(
    answerer: Answerer, archive: Index
) -> None:
    answer = ask(answerer, BLAME, min_confidence=0)
    assert answer.answer == "Mayor Ida Quell blamed the water board for the delay. [1]"
    assert (answer.answer_status, answer.abstain_reason) == ("answered", None)
    [citation] = answer.citations
    assert citation.cited_text == "Mayor Ida Quell blamed the water board\nfor the delay."
    assert [source.article_id for source in answer.sources] == ["bridge"]
    assert answer.confidence == citation.score
    assert answer.index_fingerprint == archive.fingerprint
    assert answer.created_at == NOW
    assert_verified(archive, answer)


def test_the_same_question_at_the_same_time_gives_the_same_bytes(answerer: Answerer) -> None:
    # How long it took is the one thing that differs.
    first, second = (
        ask(answerer, BLAME).model_copy(update={"timings_ms": {}}).model_dump_json()
        for _ in range(2)
    )
    assert first == second


def test_the_same_archive_filled_in_another_order_gives_the_same_bytes(
    answerer: Answerer, index: Index, stage: Stage
) -> None:
    for article in (MUSEUM, BRIDGE):
        index.put([stage(article)])
    other = build_answerer(index)
    first, second = (
        ask(one, BLAME).model_copy(update={"timings_ms": {}}).model_dump_json()
        for one in (answerer, other)
    )
    assert first == second


def test_an_answer_survives_being_written_as_json(answerer: Answerer) -> None:
    answer = ask(answerer, BLAME)
    assert Answer.model_validate(json.loads(answer.model_dump_json())) == answer


def test_a_request_id_is_kept_when_there_is_one(answerer: Answerer) -> None:
    answer = answerer.answer(Question(text=BLAME), now=NOW, request_id="req_mine")
    assert answer.request_id == "req_mine"


def assert_abstains(answer: Answer, reason: str) -> None:
    assert (answer.answer_status, answer.abstain_reason) == ("no_answer", reason)
    assert (answer.citations, answer.sources) == ((), ())
    assert "[1]" not in answer.answer


@pytest.mark.parametrize("floor", [None, 0.0])
def test_an_empty_archive_says_that_it_is_empty(index: Index, floor: float | None) -> None:
    answer = ask(build_answerer(index), BLAME, min_confidence=floor)
    assert_abstains(answer, "empty_index")
    assert answer.confidence == 0.0


@pytest.mark.parametrize("floor", [None, 0.0])
def test_filters_that_let_nothing_through_are_named_as_the_reason(
    answerer: Answerer, floor: float | None
) -> None:
    nobody = Filters(sources=("nobody.example",))
    assert_abstains(ask(answerer, BLAME, filters=nobody, min_confidence=floor), "filtered_out")


def test_what_is_not_certain_enough_is_not_answered(answerer: Answerer) -> None:
    answer = ask(answerer, BLAME, min_confidence=1)
    assert_abstains(answer, "low_confidence")
    assert 0 < answer.confidence < 1


def test_words_that_no_article_has_match_nothing(answerer: Answerer) -> None:
    answer = ask(answerer, "xylophone zzz", mode="bm25", min_confidence=0)
    assert_abstains(answer, "no_match")


@pytest.mark.parametrize("mode", ["hybrid", "dense", "bm25"])
def test_a_floor_of_zero_answers_whenever_a_passage_was_found(
    answerer: Answerer, archive: Index, mode: Any
) -> None:
    answer = ask(answerer, "director xylophone?", mode=mode, min_confidence=0)
    assert answer.answer_status == "answered"
    assert_verified(archive, answer)


def test_a_quote_whose_article_was_corrected_meanwhile_is_not_shown(
    index: Index, stage: Stage
) -> None:
    index.put([stage(BRIDGE)])
    answerer = build_answerer(index)
    evidence = answerer.prepare(Question(text=BLAME, min_confidence=0))
    assert evidence.abstain_reason is None
    corrected = Article.create(title="Corrected", text=BRIDGE.text, article_id="bridge")
    index.put([stage(corrected)])
    assert_abstains(answerer.complete(evidence, now=NOW), "unverified")


def test_a_quote_whose_article_was_deleted_meanwhile_gives_way_to_the_next(
    index: Index, stage: Stage
) -> None:
    index.put([stage(BRIDGE), stage(MUSEUM)])
    answerer = build_answerer(index)
    evidence = answerer.prepare(
        Question(text="When was the Hallow Bridge closed?", min_confidence=0)
    )
    assert evidence.readings[0].hit.article.article_id == "bridge"
    index.delete(["bridge"])
    answer = answerer.complete(evidence, now=NOW)
    assert answer.answer_status == "partial"
    assert [citation.article_id for citation in answer.citations] == ["museum"]
    assert_verified(index, answer)


@pytest.mark.parametrize(
    ("said", "probability", "quoted"),
    [
        ("Abel Stroud blamed it.", 0.4, ["bridge", "rival"]),
        ("Abel Stroud blamed it.", 0.1, ["bridge"]),
        ("THE Hallow Bridge, it was said.", 0.5, ["bridge"]),
    ],
)
def test_an_article_that_says_otherwise_is_quoted_too_when_half_as_probable(
    said: str, probability: float, quoted: list[str]
) -> None:
    rival = BRIDGE.model_copy(update={"article_id": "rival", "text": said})
    articles = {"bridge": BRIDGE, "rival": rival}
    readings = [
        Reading(
            hit=Hit(
                passage=Passage.cut(article, 0, 0, len(article.text)),
                article=article.meta(),
                scores=Scores(fused=0.1),
            ),
            start=0,
            end=20,
            answer_start=0,
            answer_end=5,
            probability=chance,
        )
        for article, chance in ((BRIDGE, 0.6), (rival, probability))
    ]
    written = extract(readings, articles.get)
    assert written is not None
    assert [citation.article_id for citation in written.citations] == quoted
    assert written.dropped == 0


def test_a_deleted_article_never_answers(index: Index, stage: Stage) -> None:
    index.put([stage(BRIDGE), stage(MUSEUM)])
    answerer = build_answerer(index)
    index.delete(["bridge"])
    answer = ask(answerer, BLAME, min_confidence=0)
    assert [citation.article_id for citation in answer.citations] == ["museum"]


def test_a_superseded_text_never_answers(index: Index, stage: Stage) -> None:
    index.put([stage(BRIDGE)])
    answerer = build_answerer(index)
    corrected = BRIDGE.text.replace("Mayor Ida Quell", "Governor Abel Stroud")
    index.put([stage(Article.create(title=BRIDGE.title, text=corrected, article_id="bridge"))])
    answer = ask(answerer, BLAME, min_confidence=0)
    assert answer.answer == "Governor Abel Stroud blamed the water board for the delay. [1]"
    assert_verified(index, answer)


def test_a_follow_up_is_searched_as_what_it_means(answerer: Answerer) -> None:
    history = (Turn(question="Who is director of the Pemberton museum?"),)
    evidence = answerer.prepare(Question(text="When does he start?", history=history))
    assert "Pemberton" in evidence.standalone_question
    assert evidence.hits[0].article.article_id == "museum"


def test_evidence_shows_how_probable_each_hit_is(answerer: Answerer) -> None:
    evidence = answerer.prepare(Question(text=BLAME))
    best = evidence.readings[0]
    scores = {hit.passage.passage_id: hit.scores.reader for hit in evidence.hits}
    assert scores[best.hit.passage.passage_id] == best.probability
    assert set(evidence.timings_ms) == {"rewrite", "retrieve", "read"}


@pytest.mark.parametrize("mode", ["hybrid", "dense", "bm25"])
@pytest.mark.parametrize(
    "text",
    [
        '"Who blamed',
        "(((bridge",
        "[bridge] {museum}",
        "bridge AND OR NOT museum",
        "* bridge?*",
        "title:bridge^2 ~3 \\",
        "<script>alert(1)</script>",
        "'; DROP TABLE articles; --",
        "{0} %s %(x)s {question}",
        "who " * 1_000,
        "x" * 4_000,
        "😀👩‍👩‍👧",
        "من أغلق الجسر؟",
        "\u202ebridge\u202c",
        "\x00\x07\x1b[31m",
        " \n\t ",
        "?",
        "e\u0301" * 500,
    ],
)
def test_no_question_is_syntax_for_anything(
    answerer: Answerer, archive: Index, text: str, mode: Any
) -> None:
    answer = ask(answerer, text, mode=mode, min_confidence=0)
    assert answer.answer_status in ("answered", "no_answer")
    assert_verified(archive, answer)


@settings(max_examples=25)
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=200))
def test_any_text_is_a_question(answerer: Answerer, archive: Index, text: str) -> None:
    assert_verified(archive, ask(answerer, text, min_confidence=0))
