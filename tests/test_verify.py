"""What a model wrote is shown as far as a passage says it, and every marker is a proof."""

import pytest

from rag.draft import Sentence
from rag.support import SupportJudge
from rag.types import Article, Hit, Passage, Reading, Scores, Verification
from rag.verify import Checked, takes_another_number

TAJI = Article.create(
    title="US strikes after rockets",
    text="The attack on Wednesday killed three soldiers at Camp Taji. It wounded 14 others.\n"
    "The Pentagon blamed Kataib Hezbollah for the attack.",
    article_id="taji",
)
MALDEN = Article.create(
    title="Mayor resigns",
    text="The mayor of Malden resigned on Friday. The council elects a new one in May.",
    article_id="malden",
)


@pytest.fixture(scope="module")
def judge() -> SupportJudge:
    return SupportJudge(threads=2)


def hit(article: Article) -> Hit:
    passage = Passage.cut(article, 0, 0, len(article.text))
    return Hit(passage=passage, article=article.meta(), scores=Scores(fused=0.1))


def checked(judge: SupportJudge, *articles: Article) -> Checked:
    stored = {article.article_id: article for article in articles}
    hits = [hit(article) for article in (TAJI, MALDEN)]
    blamed = TAJI.text.index("The Pentagon")
    reading = Reading(
        hit=hits[0],
        start=blamed,
        end=len(TAJI.text),
        answer_start=blamed + 20,
        answer_end=blamed + 36,
        probability=0.7,
    )
    return Checked(judge, hits, [reading], stored.get)


@pytest.fixture
def page(judge: SupportJudge) -> Checked:
    return checked(judge, TAJI, MALDEN)


def sentence(text: str, *cited: int, invalid: int = 0, listed: bool = False) -> Sentence:
    return Sentence(text, cited, invalid, listed)


BLAME = "The Pentagon blamed Kataib Hezbollah for the attack."
MAYOR = "The mayor of Malden resigned on Friday."


def counts(page: Checked) -> dict[str, int]:
    """Return the counts that are not zero."""
    found = page.verification().model_dump(exclude={"unsupported_spans"})
    return {name: n for name, n in found.items() if n}


def test_what_the_cited_passage_says_is_shown_with_its_quote(page: Checked) -> None:
    assert page.add(sentence(BLAME, 1)) == f"{BLAME} [1]"
    [citation] = page.citations
    assert (citation.cited_text, citation.score, citation.support) == (BLAME, 0.7, "supported")
    assert TAJI.text[citation.start_char_index : citation.end_char_index] == BLAME
    span = citation.answer_spans[0]
    assert page.text[span.start_index : span.end_index] == BLAME
    assert counts(page) == {"sentences": 1, "supported": 1}


def test_a_sentence_that_cites_nothing_gets_the_citation_it_lacks(page: Checked) -> None:
    assert page.add(sentence(MAYOR)) == f"{MAYOR} [1]"
    assert page.citations[0].article_id == "malden"
    assert page.citations[0].score == 0.0
    assert counts(page) == {"sentences": 1, "supported": 1}


def test_a_marker_of_a_passage_that_does_not_say_it_is_replaced(page: Checked) -> None:
    assert page.add(sentence(MAYOR, 1, 2, invalid=1)) == f"{MAYOR} [1]"
    assert [citation.article_id for citation in page.citations] == ["malden"]
    assert counts(page) == {"sentences": 1, "supported": 1, "markers_invalid": 2}
    page.add(sentence(BLAME, 2))
    assert [citation.article_id for citation in page.citations] == ["malden", "taji"]


def test_an_altered_number_is_removed_and_counted(page: Checked) -> None:
    assert page.add(sentence("The attack wounded nine others.", 1)) == ""
    assert (page.text, page.citations) == ("", [])
    assert counts(page) == {"sentences": 1, "contradicted_removed": 1, "markers_invalid": 1}


FLOOD = "The flood in the valley wounded 14 people and killed three."


@pytest.mark.parametrize(
    ("claim", "evidence", "other"),
    [
        ("The flood killed 14 people.", FLOOD, True),
        ("The flood wounded three people.", FLOOD, True),
        ("The flood killed fourteen people and wounded three.", FLOOD, True),
        ("The flood injured three people.", FLOOD, True),
        ("The flood killed three people.", FLOOD, False),
        ("The flood wounded fourteen people.", FLOOD, False),
        ("The flood killed people.", FLOOD, False),
        ("In 2020 the flood killed three.", FLOOD, False),
        ("It killed 14.", "It killed three on Monday and killed 14 on Tuesday.", False),
        ("", "", False),
    ],
)
def test_a_number_that_stands_behind_another_word_is_noticed(
    claim: str, evidence: str, other: bool
) -> None:
    assert takes_another_number(claim, evidence) is other


def test_two_figures_that_were_mixed_up_are_removed(judge: SupportJudge) -> None:
    flood = Article.create(title="Flood", text=FLOOD, article_id="flood")
    page = Checked(judge, [hit(flood)], [], {"flood": flood}.get)
    assert page.add(sentence("The flood killed 14 people.", 1)) == ""
    assert (
        page.add(sentence("The flood wounded 14 people.", 1)) == "The flood wounded 14 people. [1]"
    )
    assert counts(page)["contradicted_removed"] == 1


@pytest.mark.parametrize("cited", [(), (1,), (1, 2)])
def test_what_no_passage_says_is_marked(page: Checked, cited: tuple[int, ...]) -> None:
    text = "The museum in Lyon bought a painting by Corot."
    page.add(sentence(BLAME, 1))
    assert page.add(sentence(text, *cited)) == f" {text} [unsupported]"
    [span] = page.verification().unsupported_spans
    assert page.text[span.start_index : span.end_index] == text
    assert counts(page)["unsupported"] == 1


def test_the_same_quote_keeps_its_number_and_stands_for_both_sentences(page: Checked) -> None:
    page.add(sentence(MAYOR, 2))
    page.add(sentence(BLAME, 1))
    page.add(sentence("Kataib Hezbollah was blamed for the attack by the Pentagon.", 1))
    assert page.text.endswith(" [2]")
    assert [citation.index for citation in page.citations] == [1, 2]
    spans = page.citations[1].answer_spans
    assert [page.text[span.start_index : span.end_index][:8] for span in spans] == [
        "The Pent",
        "Kataib H",
    ]


def test_a_quote_of_an_article_that_is_gone_proves_nothing(judge: SupportJudge) -> None:
    page = checked(judge, MALDEN)
    assert page.add(sentence(BLAME, 1)) == f"{BLAME} [unsupported]"
    assert page.citations == []
    assert counts(page) == {"sentences": 1, "unsupported": 1, "quotes_dropped": 1}


def test_a_sentence_without_a_word_to_check_is_marked_and_unscored(page: Checked) -> None:
    assert page.add(sentence("水" * 9, 1)) == f"{'水' * 9} [unsupported]"
    assert counts(page) == {"sentences": 1, "unscored": 1, "markers_invalid": 1}


@pytest.mark.parametrize(
    "text",
    [
        "The Pentagon blamed them: https://evil.example/x.",
        "See www.evil.example for the attack.",
        "The <b>Pentagon</b> blamed Kataib Hezbollah.",
        "The [Pentagon](javascript:alert) blamed Kataib Hezbollah.",
        "![x](data:image) The Pentagon blamed Kataib Hezbollah.",
        "The Pentagon &lt;script&gt; blamed Kataib Hezbollah.",
    ],
)
def test_links_and_markup_are_removed_and_counted(page: Checked, text: str) -> None:
    assert page.add(sentence(text, 1)) == ""
    assert counts(page) == {"sentences": 1, "unsafe_removed": 1}


def test_a_model_that_repeats_itself_is_heard_once(page: Checked) -> None:
    page.add(sentence(BLAME, 1))
    assert page.add(sentence(BLAME, 1)) == ""
    assert counts(page) == {"sentences": 2, "supported": 1, "unsafe_removed": 1}


def test_what_looks_like_a_marker_in_code_is_none(page: Checked) -> None:
    added = page.add(sentence("The museum in Lyon bought `[7]` paintings by Corot."))
    assert "[7]" not in added
    assert "`(7)`" in added


def test_a_list_stays_a_list(page: Checked) -> None:
    page.add(sentence(BLAME, 1))
    page.add(sentence(MAYOR, 2, listed=True))
    assert page.text == f"{BLAME} [1]\n- {MAYOR} [2]"
    span = page.citations[1].answer_spans[0]
    assert page.text[span.start_index : span.end_index] == MAYOR


def test_an_empty_page_has_no_counts(page: Checked) -> None:
    assert counts(page) == {}
    assert page.verification() == Verification(
        sentences=0,
        supported=0,
        unsupported=0,
        contradicted_removed=0,
        unscored=0,
        unsafe_removed=0,
        markers_invalid=0,
        quotes_dropped=0,
        unsupported_spans=(),
    )
