"""Other programs beside ours: how they are judged; those that are installed can be asked."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evals import bench
from evals.cases import SAMPLE_CORPUS, SAMPLE_SET, load
from evals.peers import programs
from evals.peers.programs import Built, Found, Llm, haystack, llama_index, require, txtai
from evals.peers.rankings import (
    Asked,
    Difference,
    Judged,
    Spot,
    difference,
    judge,
    measured,
    ranked,
    spot,
    squeezed,
)
from evals.peers.replies import Said, cited, f1, held, holds, put, refuses
from ingest.read import Read, read
from rag.embedder import Embedder
from rag.errors import ConfigurationError
from rag.types import Article
from tests.scripted import Reply, ScriptedLLM

FIRE = Article.create(
    article_id="fire",
    title="Fire on the pier",
    text="A fire broke out on the pier.\n\n\nIt burned for two days, the mayor said.",
)
TEXTS = {"fire": squeezed(FIRE.text), "rain": "Itrainedfortwodays."}
HOW_LONG = Asked(
    id="how long",
    question="How long did the fire burn?",
    relevant=("fire",),
    spots=(spot(FIRE, FIRE.text.index("two days"), "two days"),),
    golds=("two days",),
)


def said(text: str, *, refused: bool = False, short: str | None = None) -> Said:
    return Said(text, refused, short)


def test_a_spot_is_counted_without_white_space() -> None:
    assert HOW_LONG.spots == (Spot("fire", 34, 41),)
    assert TEXTS["fire"][34:41] == "twodays"


def test_the_passage_that_covers_the_spot_is_gold_and_no_other() -> None:
    found = [
        Found("rain", "It rained for two days."),  # the same words elsewhere
        Found("fire", "A fire broke out on the pier."),
        Found("fire", "It burned for two days,"),
        Found("fire", "pier. It burned for two days, the"),  # covers it again
    ]
    # 19 and 23 characters before, 18 of the third.
    assert judge(found, HOW_LONG, TEXTS) == Judged(
        articles=("rain", "fire"), passages=("0", "1", "gold"), read_chars=60
    )


def test_a_passage_that_ends_within_the_answer_does_not_cover_it() -> None:
    assert judge([Found("fire", "It burned for two")], HOW_LONG, TEXTS) == Judged(
        articles=("fire",), passages=("0",), read_chars=None
    )


def test_rankings_are_measured_question_by_question() -> None:
    late = [*"bcdefghijk", "a"]
    found = measured(
        {"first": ["a", "b"], "third": ["c", "b", "a"], "eleventh": late, "nothing": []},
        {key: ["a"] for key in ("first", "third", "eleventh", "nothing")},
    )
    assert found == {
        "hit@1": {"first": 1, "third": 0, "eleventh": 0, "nothing": 0},
        "hit@4": {"first": 1, "third": 1, "eleventh": 0, "nothing": 0},
        "hit@10": {"first": 1, "third": 1, "eleventh": 0, "nothing": 0},
        "MRR@10": {"first": 1, "third": pytest.approx(1 / 3), "eleventh": 0, "nothing": 0},
        "nDCG@10": {"first": 1, "third": 0.5, "eleventh": 0, "nothing": 0},
    }


def test_a_difference_is_paired_by_question_and_drawn_by_article() -> None:
    asked = [HOW_LONG._replace(id=f"{n}", relevant=(f"article {n // 2}",)) for n in range(8)]
    one = {"0": 1.0, "1": 1.0, "2": 1.0, "3": 0.0, "4": 0.0, "5": 0.0, "6": 1.0, "7": 1.0}
    other = {"0": 0.0, "1": 0.0, "2": 1.0, "3": 0.0, "4": 0.0, "5": 0.0, "6": 1.0, "7": 0.0}
    # By article 1, 0, 0 and .5: of all draws of four of them 5 in 256 come to .875 or more, 19 to
    # .75 or more.
    assert difference(one, other, asked) == Difference(value=0.375, low=0.0, high=0.75)
    assert difference(one, one, asked) == Difference(value=0.0, low=0.0, high=0.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Empty Response",
        "I don't know.",
        "The context provided does not say how long it burned.",
        "The length of the fire is not mentioned in the passage.",
    ],
)
def test_words_that_say_that_nobody_knows_are_a_refusal(text: str) -> None:
    assert refuses(text)


@pytest.mark.parametrize("text", ["Two days.", "The mayor said that it did not burn for long."])
def test_an_answer_is_no_refusal(text: str) -> None:
    assert not refuses(text)


@pytest.mark.parametrize(
    ("text", "golds", "is_held"),
    [
        ("It burned for Two\nDays, he said.", ["two days."], True),
        ("It burned for two.", ["two days"], False),
        ("It burned.", ["three days", "burned"], True),
        ("It burned.", ["..."], False),
    ],
)
def test_a_gold_answer_is_held_in_any_case(text: str, golds: list[str], is_held: bool) -> None:
    assert holds(text, golds) is is_held


def test_what_is_refused_is_neither_right_nor_scored() -> None:
    asked = [HOW_LONG, HOW_LONG._replace(id="again")]
    answers = {
        "how long": said("It burned for two days.", short="two days"),
        "again": said("I do not know whether it was two days.", refused=True),
    }
    assert held(answers, asked) == {"how long": 1.0, "again": 0.0}
    # Two words of five and of two: F1 4/7, half of it over both questions.
    assert f1(answers, asked, short=False) == pytest.approx(2 / 7)
    assert f1(answers, asked, short=True) == 0.5
    without = {key: one._replace(short=None) for key, one in answers.items()}
    assert f1(without, asked, short=True) is None


def test_citations_are_counted_where_there_are_any() -> None:
    assert cited([Said("a", False), Said("b", False)]) == "none given"
    assert cited([Said("a", False, None, (True, True)), Said("", True, None, ())]) == "2 of 2"
    assert cited([Said("a", False, None, (True, False))]) == "1 of 2"


def test_answers_are_timed_and_kept_by_question() -> None:
    found = put(lambda question: said(question.upper()), [HOW_LONG])
    assert {key: one.text for key, one in found.items()} == {
        "how long": "HOW LONG DID THE FIRE BURN?"
    }
    assert 0 <= found["how long"].elapsed_s < 60


def test_a_program_that_is_not_installed_is_named_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    needed = {"haystack": ("no_such_package.below", "json"), "txtai": ("json",)}
    monkeypatch.setattr(programs, "NEEDED", needed)
    require(["txtai"])
    with pytest.raises(ConfigurationError) as caught:
        require(["haystack", "txtai"])
    assert str(caught.value) == (
        "no_such_package.below is not installed: pip install 'dateline[peers]'"
    )


@pytest.fixture(scope="module")
def sample() -> list[Article]:
    """The articles of the sample archive."""
    return [found.article for found in read([SAMPLE_CORPUS]) if isinstance(found, Read)]


@pytest.fixture(scope="module")
def asked(sample: list[Article]) -> list[Asked]:
    """Twenty of the sample questions whose answer is quoted."""
    every = []
    for case in load(SAMPLE_SET):
        spots = [
            spot(article, article.text.index(quote), quote)
            for quote in case.quotes
            for article in sample
            if quote in article.text
        ]
        if spots and case.answerable and not case.history:
            golds = tuple(case.answers or case.must_include)
            every.append(
                Asked(case.id, case.question, case.relevant_article_ids, tuple(spots), golds)
            )
    return every[::8][:20]


BUILDERS: dict[str, Callable[[list[Article], Embedder, Path], Built]] = {
    "llamaindex": lambda a, e, folder: llama_index(a, e, folder),
    "haystack": lambda a, e, _: haystack(a, e),
    "haystack, hybrid": lambda a, e, _: haystack(a, e, bm25=True, headline=True),
    "txtai": lambda a, e, _: txtai(a, e),
    "txtai, hybrid": lambda a, e, _: txtai(a, e, hybrid=True, headline=True),
}


@pytest.fixture(params=sorted(BUILDERS))
def built(
    request: pytest.FixtureRequest, sample: list[Article], embedder: Embedder, tmp_path: Path
) -> Built:
    """Each of the programs that are installed, over the sample archive."""
    module = request.param.split(",")[0]
    if module != "llamaindex":
        pytest.importorskip(module, reason=f"{module} is not installed: {programs.INSTALL}")
    return BUILDERS[request.param](sample, embedder, tmp_path)


def test_a_program_finds_the_articles_of_the_sample_questions(
    built: Built, sample: list[Article], asked: list[Asked]
) -> None:
    texts = {article.article_id: squeezed(article.text) for article in sample}
    found = ranked("program", built.rank, asked, texts)
    assert len(found.articles["hit@10"]) == len(asked) == 20
    assert sum(found.articles["hit@10"].values()) >= 18
    assert sum(found.passages["hit@10"].values()) >= 15


def test_every_passage_of_a_program_stands_in_its_article(
    built: Built, sample: list[Article], asked: list[Asked]
) -> None:
    texts = {article.article_id: squeezed(article.text) for article in sample}
    found = {piece for one in asked for piece in built.rank(one.question)}
    assert len(found) > 10
    assert [piece for piece in found if squeezed(piece.text) not in texts[piece.article_id]] == []


def test_a_program_answers_with_what_it_found(built: Built, scripted_llm: ScriptedLLM) -> None:
    message = {"role": "assistant", "content": "Kataib Hezbollah."}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    body = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    scripted_llm.replies = [Reply(body=json.dumps(body).encode())]
    llm = Llm(scripted_llm.url, "m", max_tokens=50, context_tokens=2_048, timeout_s=60)
    question = "Who was blamed for the Taji attack?"
    asyncio.set_event_loop(None)
    assert built.answer_with(llm)(question) == "Kataib Hezbollah."
    with pytest.raises(RuntimeError, match="no current event loop"):
        asyncio.get_event_loop()  # one left here would be told of in whatever test comes later
    [sent] = scripted_llm.requests
    prompt = " ".join(message["content"] for message in sent["messages"])
    assert question in prompt
    assert built.rank(question)[0].text[:60] in prompt
    assert (sent["model"], sent["max_tokens"], sent["temperature"]) == ("m", 50, 0.0)


def test_the_benchmark_prints_a_row_for_each_of_our_modes(
    sample: list[Article], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    newsqa = tmp_path / "newsqa"
    newsqa.mkdir()
    articles = [{"id": a.article_id, "title": a.title, "text": a.text} for a in sample]
    (newsqa / "articles.jsonl").write_text("".join(json.dumps(a) + "\n" for a in articles))
    rockets = next(article for article in sample if "Basmaya" in article.title)
    question = {
        "id": "1",
        "question": rockets.title,
        "relevant_article_ids": [rockets.article_id],
        "answers": [{"text": rockets.text[:20], "start": 0}],
    }
    (newsqa / "questions.jsonl").write_text(json.dumps(question) + "\n")
    bench.main(["systems", "--data", str(tmp_path), "--peers", "none", "--answers", "0"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"1 questions, {len(sample)} articles"
    assert [line.split("|")[1:7] for line in lines if line.startswith("| Dateline")][:3] == [
        [f" Dateline, {mode} ", *[" 1.000 "] * 5] for mode in ("dense", "BM25", "hybrid (default)")
    ]
