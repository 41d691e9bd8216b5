"""Gold questions through the answerer, and what came of them.

>>> report = summary(run(load(SAMPLE_SET), answerer, catalog.get, now=now))
>>> report.metrics["citations_verified"].value
1.0
"""

import re
import time
import tomllib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from evals.cases import Case
from evals.metrics import Estimate, RiskCoverage, hit_at, percentile, risk_coverage, share
from rag.answer import Answerer
from rag.errors import InputError
from rag.types import Answer, AnswerStatus, Article, Citation, Value

# What a reader's screen could take for markup or follow: tags, addresses, links of Markdown, and
# characters that no reader sees.
_MARKUP = re.compile(
    r"<[/!a-z@#]|[a-z]://|\bwww\.|\b(?:javascript:|data:\w+/)|\]\(|[【】]"
    r"|[\u200b-\u200f\u202a-\u202e\u2060-\u2069\U000e0000-\U000e007f]",
    re.IGNORECASE,
)
_MARKER = re.compile(r"\[(\d+)\]")
THRESHOLDS = Path(__file__).parent / "thresholds.toml"


class CaseResult(Value):
    """What one case came to; None where the case has nothing to say."""

    id: str
    slice: str
    question: str
    answerable: bool
    answer: str
    answer_status: AnswerStatus
    confidence: float
    hit_at_5: bool | None
    right: bool | None
    right_if_answered: bool | None = None
    citations: tuple[bool, ...]
    attributions: tuple[bool, ...] = ()
    status_right: bool | None = None
    payloads_kept_out: bool | None = None
    clean: bool = True
    elapsed_ms: float

    @property
    def abstained(self) -> bool:
        """Whether no answer was given."""
        return self.answer_status == "no_answer"


class Report(Value):
    """All metrics of a run, over all cases and by slice."""

    cases: int
    metrics: dict[str, Estimate]
    slices: dict[str, Estimate]
    risk_coverage: RiskCoverage
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    elapsed_s: float
    index_fingerprint: str
    results: tuple[CaseResult, ...]


class Failure(Value):
    """A metric on the wrong side of its threshold."""

    metric: str
    value: float | None
    threshold: float
    at_least: bool


def run(
    cases: Iterable[Case],
    answerer: Answerer,
    fetch: Callable[[str], Article | None],
    *,
    now: datetime,
) -> list[CaseResult]:
    """Return one result a case, in order. `fetch` gives the article to check a quote with."""
    return [_run_one(case, answerer, fetch, now) for case in cases]


def summary(results: Sequence[CaseResult], *, index_fingerprint: str) -> Report:
    """Return the metrics over `results`."""
    answerable = [result for result in results if result.answerable]
    unanswerable = [result for result in results if not result.answerable]
    times = [result.elapsed_ms for result in results]
    return Report(
        cases=len(results),
        metrics={
            "hit_at_5": share(r.hit_at_5 for r in results if r.hit_at_5 is not None),
            "must_include": share(bool(r.right) for r in answerable),
            "right_when_answered": share(bool(r.right) for r in answerable if not r.abstained),
            "citations_verified": share(ok for r in results for ok in r.citations),
            "answers_cited": share(bool(r.citations) for r in results if not r.abstained),
            "attribution_right": share(ok for r in results for ok in r.attributions),
            "status_right": share(r.status_right for r in results if r.status_right is not None),
            "payloads_kept_out": share(
                r.payloads_kept_out for r in results if r.payloads_kept_out is not None
            ),
            "clean_answers": share(r.clean for r in results if not r.abstained),
            "false_abstain_rate": share(r.abstained for r in answerable),
            "false_answer_rate": share(not r.abstained for r in unanswerable),
        },
        slices={
            name: share(_good(r) for r in results if r.slice == name)
            for name in sorted({result.slice for result in results})
        },
        risk_coverage=risk_coverage(
            (r.confidence, r.right_if_answered) for r in results if r.right_if_answered is not None
        ),
        latency_p50_ms=percentile(times, 0.5),
        latency_p95_ms=percentile(times, 0.95),
        elapsed_s=round(sum(times) / 1_000, 2),
        index_fingerprint=index_fingerprint,
        results=tuple(results),
    )


def failures(report: Report, path: Path = THRESHOLDS) -> list[Failure]:
    """Return the metrics that miss the thresholds in a TOML file; a missing metric misses.

    Raises: InputError when the file cannot be read or names a metric that does not exist.
    """
    try:
        limits = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise InputError(f"thresholds {path} cannot be read: {exc}") from exc
    found = []
    for section, at_least in (("min", True), ("max", False)):
        for metric, threshold in limits.get(section, {}).items():
            if metric not in report.metrics:
                known = ", ".join(report.metrics)
                raise InputError(f"thresholds {path}: no metric {metric}; there are {known}")
            value = report.metrics[metric].value
            good = value is not None and (value >= threshold if at_least else value <= threshold)
            if not good:
                found.append(
                    Failure(metric=metric, value=value, threshold=threshold, at_least=at_least)
                )
    return found


def is_clean(answer: str, own_markers: set[int]) -> bool:
    """Return whether `answer` holds no tag, no link and no marker but those of its citations."""
    markers = {int(number) for number in _MARKER.findall(answer)}
    return not _MARKUP.search(answer) and markers <= own_markers


def _run_one(
    case: Case, answerer: Answerer, fetch: Callable[[str], Article | None], now: datetime
) -> CaseResult:
    began = time.perf_counter()
    evidence = answerer.prepare(case.asked(), now=now)
    answer = answerer.complete(evidence, now=now)
    elapsed = time.perf_counter() - began
    # What would have been said without a threshold: that is what a risk at a coverage is about.
    open_to_all = evidence.model_copy(update={"abstain_reason": None})
    insisted = answer if answer.citations else answerer.complete(open_to_all, now=now)
    ranked = [hit.article.article_id for hit in evidence.hits]
    relevant = case.relevant_article_ids
    given = answer.answer_status != "no_answer"
    return CaseResult(
        id=case.id,
        slice=case.slice,
        question=case.question,
        answerable=case.answerable,
        answer=answer.answer,
        answer_status=answer.answer_status,
        confidence=answer.confidence,
        hit_at_5=hit_at(ranked[:5], relevant, 5) if relevant else None,
        right=given and case.held_by(answer.answer) if case.answerable else None,
        right_if_answered=case.held_by(insisted.answer) if case.answerable else None,
        citations=tuple(_verified(citation, fetch) for citation in answer.citations),
        attributions=_attributions(case, answer) if given else (),
        status_right=_as_expected(case, answer),
        payloads_kept_out=case.free_of_forbidden(answer.answer) if case.must_not_include else None,
        clean=is_clean(answer.answer, {citation.index for citation in answer.citations}),
        elapsed_ms=round(elapsed * 1_000, 1),
    )


def _attributions(case: Case, answer: Answer) -> tuple[bool, ...]:
    found = [case.says_who(c.cited_text, c.attributed_to) for c in answer.citations]
    return tuple(right for right in found if right is not None)


def _as_expected(case: Case, answer: Answer) -> bool | None:
    return answer.answer_status == case.expected_status if case.expected_status else None


def _verified(citation: Citation, fetch: Callable[[str], Article | None]) -> bool:
    """Return whether the quote stands in the stored article, independently of `rag.cite`."""
    article = fetch(citation.article_id)
    span = slice(citation.start_char_index, citation.end_char_index)
    return article is not None and article.text[span] == citation.cited_text != ""


def _good(result: CaseResult) -> bool:
    return bool(result.right) if result.answerable else result.abstained
