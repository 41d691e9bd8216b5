"""An answer's claims, judged beside what they cite, with the judge that ships."""

from datetime import UTC, datetime

import pytest

from evals.faithfulness import claims, read_cited
from evals.results import Claim
from rag.support import SupportJudge, Verdict
from rag.types import Answer, AnswerSpan, Article, Citation
from tests.results_made import answer, citation, refusal

TEXT = (
    "Police said on Monday that three men had died. Two of them were sailors. "
    "The mayor, Ida Quell, did not blame the water board."
)
STORY = Article.create(
    title="Three die",
    text=TEXT,
    article_id="story",
    source="Harbour Post",
    published_at=datetime(2020, 3, 13, tzinfo=UTC),
)
DEATHS = "Police said on Monday that three men had died."
BLAME = "The mayor, Ida Quell, did not blame the water board."


@pytest.fixture(scope="module")
def judge() -> SupportJudge:
    return SupportJudge(threads=1)


def made(text: str, *quotes: tuple[str, str]) -> Answer:
    """Return an answer of `text` in which each (claim, cited text) is cited in turn."""
    citations = tuple(_cited(text, n, said, quote) for n, (said, quote) in enumerate(quotes, 1))
    return answer(answer=text, citations=citations)


def _cited(text: str, number: int, said: str, quote: str) -> Citation:
    start = text.index(said)
    return citation(
        id=f"cit_{number}",
        index=number,
        article_id="story",
        passage_id="none",
        source="Harbour Post",
        published_at=STORY.published_at,
        cited_text=quote,
        start_char_index=TEXT.index(quote),
        end_char_index=TEXT.index(quote) + len(quote),
        answer_spans=(AnswerSpan(start_index=start, end_index=start + len(said)),),
    )


def judged(given: Answer, judge: SupportJudge) -> list[Claim]:
    return list(claims(given, read_cited(given, (), {"story": STORY}.get), judge))


def labels(given: Answer, judge: SupportJudge) -> list[tuple[str, str, tuple[bool, ...]]]:
    return [(c.support, c.quoted_support, c.needed) for c in judged(given, judge)]


def test_a_quotation_with_outlet_and_date_is_supported(judge: SupportJudge) -> None:
    said = f"three, reports Harbour Post (13 March 2020): “{DEATHS}”"
    assert labels(made(f"{said} [1]", (said, DEATHS)), judge) == [
        ("supported", "supported", (True,))
    ]


def test_a_changed_quotation_is_not(judge: SupportJudge) -> None:
    said = f"seven, reports Harbour Post (13 March 2020): “{DEATHS.replace('three', 'seven')}”"
    [claim] = judged(made(f"{said} [1]", (said, DEATHS)), judge)
    assert claim.support in ("contradicted", "unsupported")
    assert claim.quotes_exact is False
    assert claim.reasons == (
        "no quotation of what is cited: “Police said on Monday that seven men had died.”",
    )


def test_another_day_than_the_articles_is_judged(judge: SupportJudge) -> None:
    said = f"three, reports Harbour Post (14 May 2019): “{DEATHS}”"
    [claim] = judged(made(f"{said} [1]", (said, DEATHS)), judge)
    assert claim.support != "supported"


def test_a_claim_that_only_the_passage_supports_is_faithful_but_not_proven(
    judge: SupportJudge,
) -> None:
    said = "The mayor, Ida Quell, did not blame the water board."
    assert labels(made(f"{said} [1]", (said, DEATHS)), judge) == [
        ("supported", "unsupported", (False,))
    ]


def test_a_denial_that_is_dropped_is_noticed(judge: SupportJudge) -> None:
    said = "The mayor, Ida Quell, did blame the water board."
    [claim] = judged(made(f"{said} [1]", (said, BLAME)), judge)
    assert claim.support == "contradicted"


def test_a_citation_beside_one_that_proves_is_not_needed(judge: SupportJudge) -> None:
    said = "The mayor, Ida Quell, did not blame the water board."
    assert labels(made(f"{said} [1][2]", (said, BLAME), (said, DEATHS)), judge) == [
        ("supported", "supported", (True, False))
    ]


def test_an_article_that_also_reports_it_is_held_to_the_same_words(judge: SupportJudge) -> None:
    first = f"three men, reports Harbour Post (13 March 2020): “{DEATHS}”"
    again = "Also reported by Harbour Post (13 March 2020)."
    found = labels(made(f"{first} [1] {again} [2]", (first, DEATHS), (again, DEATHS)), judge)
    assert [support for support, *_ in found] == ["supported", "supported"]
    found = labels(made(f"{first} [1] {again} [2]", (first, DEATHS), (again, BLAME)), judge)
    assert [quoted for _, quoted, _ in found] == ["supported", "unsupported"]


def test_a_sentence_without_a_citation_is_uncited_and_a_phrase_of_ours_is_no_claim(
    judge: SupportJudge,
) -> None:
    said = f"three, reports Harbour Post (13 March 2020): “{DEATHS}”"
    text = f"Accounts differ. {said} [1] It rained all day. [unsupported]"
    found = judged(made(text, (said, DEATHS)), judge)
    assert [(c.text, c.support) for c in found] == [
        (said, "supported"),
        ("It rained all day.", "uncited"),
    ]


def test_a_denial_at_the_beginning_is_part_of_what_is_said(judge: SupportJudge) -> None:
    said = "No men had died."
    [claim] = judged(made(f"{said} [1]", (said, DEATHS)), judge)
    assert claim.support != "supported"


def test_a_no_before_a_quotation_answers_the_question_and_claims_nothing(
    judge: SupportJudge,
) -> None:
    said = f"No, reports Harbour Post (13 March 2020): “{BLAME}”"
    [claim] = judged(made(f"{said} [1]", (said, BLAME)), judge)
    assert claim.support == "supported"


def test_a_refusal_claims_nothing(judge: SupportJudge) -> None:
    assert judged(refusal(), judge) == []


class Counting:
    """The judge that ships, and how often it was asked."""

    def __init__(self, judge: SupportJudge) -> None:
        self._judge = judge
        self.asked = 0

    def judge(self, claim: str, premise: str) -> Verdict:
        self.asked += 1
        return self._judge.judge(claim, premise)


def test_a_claim_that_its_quotation_proves_is_judged_once(judge: SupportJudge) -> None:
    said = "The mayor, Ida Quell, did not blame the water board."
    given = made(f"{said} [1]", (said, BLAME))
    counting = Counting(judge)
    [claim] = claims(given, read_cited(given, (), {"story": STORY}.get), counting)
    assert (claim.support, claim.needed, counting.asked) == ("supported", (True,), 1)
