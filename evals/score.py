"""A gold question and the reply to it, to what came of it.

>>> score(case, reply, target.article, judge).outcome
'answered'
"""

import re
from collections.abc import Callable

from evals.cases import Case
from evals.faithfulness import claims, read_cited
from evals.metrics import Prices, exact_match, token_f1
from evals.ranking import quote_ranking, ranking
from evals.results import CaseResult, CitationCheck
from evals.targets import Reply
from rag.types import Answer, Article, Citation
from rag.verify import Judge

# Of everything in this package that decides a value; a change of it makes baselines unlike.
SCORERS_VERSION = "1"
# What a reader's screen could take for markup or follow: tags, addresses, links of Markdown, and
# characters that no reader sees.
_MARKUP = re.compile(
    r"<[/!a-z@#]|[a-z]://|\bwww\.|\b(?:javascript:|data:\w+/)|\]\(|[【】]"
    r"|[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]",
    re.IGNORECASE,
)
_MARKER = re.compile(r"\[(\d+)\]")

Fetch = Callable[[str], Article | None]


def score(
    case: Case, reply: Reply, fetch: Fetch, judge: Judge, *, prices: Prices | None = None
) -> CaseResult:
    """Return what came of `case`; quotes are compared with what `fetch(article_id)` gives."""
    answer = reply.answer
    given = answer.answer_status != "no_answer"
    insisted = answer if given else reply.insisted
    spent = [answer.usage, *([reply.insisted.usage] if reply.insisted else [])]
    found = {
        "outcome": "answered" if given else "refused",
        "answer": answer,
        "confidence": answer.confidence,
        "ranking": _ranking(case, reply),
        "right_if_answered": bool(insisted and case.held_by(insisted.answer))
        if case.answerable
        else None,
        "payloads_kept_out": case.free_of_forbidden(answer.answer)
        if case.must_not_include
        else None,
        "status_right": answer.answer_status == case.expected_status
        if case.expected_status
        else None,
        "latency_ms": reply.latency_ms,
        "total_tokens": sum(usage.total_tokens for usage in spent),
        "cost": sum(prices.of(usage) for usage in spent) if prices else None,
    }
    told = _told(case, answer, reply, fetch, judge) if given else {}
    return CaseResult.model_validate(_of_case(case) | found | told)


def failed(case: Case, error: str) -> CaseResult:
    """Return what is known of a case that could not be run."""
    return CaseResult.model_validate(_of_case(case) | {"outcome": "failed", "error": error})


def is_clean(answer: str, own_markers: set[int]) -> bool:
    """Return whether `answer` holds no tag, no link and no marker but those of its citations."""
    markers = {int(number) for number in _MARKER.findall(answer)}
    return not _MARKUP.search(answer) and markers <= own_markers


def _of_case(case: Case) -> dict[str, object]:
    """Return what a result says of its case, whatever came of it."""
    return {
        "id": case.id,
        "slice": case.slice,
        "question": case.question,
        "history": case.history,
        "case_hash": case.content_hash(),
        "article_id": next(iter(case.relevant_article_ids), None),
        "answerable": case.answerable,
        "golds": case.answers or case.must_include,
    }


def _told(
    case: Case, answer: Answer, reply: Reply, fetch: Fetch, judge: Judge
) -> dict[str, object]:
    """Return what only an answer has."""
    short, golds = answer.short_answer, case.answers if case.answerable else ()
    return {
        "right": case.held_by(answer.answer) if case.answerable else False,
        "exact_match": max(float(exact_match(short or "", g)) for g in golds) if golds else None,
        "f1": max(token_f1(short or "", gold) for gold in golds) if golds else None,
        "claims": claims(answer, read_cited(answer, reply.hits, fetch), judge),
        "citations": tuple(_checked(case, citation, fetch) for citation in answer.citations),
        "clean": is_clean(answer.answer, {citation.index for citation in answer.citations}),
    }


def _ranking(case: Case, reply: Reply) -> dict[str, float]:
    relevant, quotes = case.relevant_article_ids, case.quotes
    articles = ranking([hit.article.article_id for hit in reply.hits], set(relevant))
    return articles | quote_ranking([hit.passage.text for hit in reply.hits], quotes)


def _checked(case: Case, citation: Citation, fetch: Fetch) -> CitationCheck:
    """Return whether the quote stands in the stored article, independently of `rag.cite`."""
    article = fetch(citation.article_id)
    span = slice(citation.start_char_index, citation.end_char_index)
    return CitationCheck(
        index=citation.index,
        verified=article is not None
        and article.content_hash == citation.content_hash
        and article.text[span] == citation.cited_text != "",
        attribution_right=case.says_who(citation.cited_text, citation.attributed_to),
    )
