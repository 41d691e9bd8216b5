"""What a run came to, case by case and in all: values that are stored, compared and printed.

>>> report.metrics["false_answer_rate"].value
0.0556

A metric is a pure function of one case's result, see METRICS: so a report, a baseline and the gate
cannot mean different things by one name. A refusal is a class of its own and never a zero: a metric
that has nothing to say about a case gets no value from it.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from pydantic import Field

from evals.metrics import Estimate, Reliability, RiskCoverage
from rag.types import Answer, Turn, UtcTime, Value

Outcome = Literal["answered", "refused", "failed"]
# What a claim without a citation is, beside what a judge may say of one with some.
Supported = Literal["supported", "contradicted", "unsupported", "unscored", "uncited"]


class Claim(Value):
    """A sentence of an answer, judged beside what it cites; offsets are into the answer's text."""

    start: int = Field(ge=0)
    end: int = Field(ge=0)
    text: str
    cited: tuple[int, ...] = Field(description="numbers of the citations that stand for it")
    support: Supported = Field(description="by the passages that it cites")
    probability: float | None = Field(default=None, ge=0, le=1)
    reasons: tuple[str, ...] = ()
    quoted_support: Supported = Field(description="by the quoted characters alone")
    quotes_exact: bool | None = Field(
        default=None, description="its quotations stand in what it cites; None: it has none"
    )
    needed: tuple[bool, ...] = Field(
        default=(), description="of each of `cited`: whether it proves the claim, or helps to"
    )


class CitationCheck(Value):
    """What came of checking a citation independently of the program that gave it."""

    index: int = Field(ge=1, description="its number in the answer")
    verified: bool = Field(description="its offsets hold its characters in the stored article")
    attribution_right: bool | None = Field(description="None where no label says who speaks")


class CaseResult(Value):
    """What one gold question came to; None where the case has nothing to say."""

    id: str
    slice: str
    question: str
    case_hash: str | None = Field(default=None, description="of the gold case, all its fields")
    history: tuple[Turn, ...] = Field(default=(), description="what was said before the question")
    article_id: str | None = Field(description="the first that is relevant: cases of it cluster")
    answerable: bool
    golds: tuple[str, ...] = Field(default=(), description="what a right answer says")
    outcome: Outcome
    error: str | None = Field(default=None, description="of a case that failed")
    answer: Answer | None = Field(default=None, description="None of a case that failed")
    right: bool | None = Field(default=None, description="of what was answered, else None")
    right_if_answered: bool | None = Field(
        default=None, description="of an answerable case: what would be said without a threshold"
    )
    confidence: float | None = Field(default=None, ge=0, le=1)
    exact_match: float | None = Field(default=None, ge=0, le=1)
    f1: float | None = Field(default=None, ge=0, le=1)
    ranking: dict[str, float] = Field(default={}, description="measures of what was retrieved")
    claims: tuple[Claim, ...] = ()
    citations: tuple[CitationCheck, ...] = ()
    status_right: bool | None = None
    payloads_kept_out: bool | None = None
    clean: bool | None = None
    latency_ms: float | None = Field(default=None, ge=0)
    total_tokens: int = 0
    cost: float | None = Field(default=None, description="in the currency of the prices given")


class Fingerprints(Value):
    """What was measured with what.

    Two runs can be compared when `corpus` and `scorers` are the same and nearly all the cases; the
    others are what is under test.
    """

    cases: str = Field(description="sha256 of the gold questions")
    corpus: str | None = Field(description="sha256 of the articles; None: the target does not say")
    scorers: str = Field(description="of the judge and the definitions of the metrics")
    index: str | None
    models: str | None
    prompts: str | None
    program: str | None = Field(description="the version of Dateline that answered")
    target: str = Field(description="`library`, or the address that was asked")
    now: UtcTime | None = Field(default=None, description="the clock of the questions")


class JudgeReport(Value):
    """The judge of a run and how far people agree with it; advisory while nobody knows."""

    name: str
    fingerprint: str
    is_advisory: bool
    balanced_accuracy: dict[str, Estimate] = Field(description="by set of labelled pairs")
    auc: dict[str, Estimate] = Field(description="by set of labelled pairs")


class Report(Value):
    """All metrics of a run, over all cases and by slice."""

    cases: int
    answered: int
    refused: int
    failed: int
    metrics: dict[str, Estimate]
    slices: dict[str, dict[str, Estimate]] = Field(description="slice -> metric -> value")
    risk_coverage: RiskCoverage
    reliability: Reliability
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    total_tokens: int
    cost: float | None
    elapsed_s: float = Field(description="asking and scoring, wall clock; indexing aside")
    made_with: Fingerprints
    judge: JudgeReport | None
    results: tuple[CaseResult, ...]


class Metric(NamedTuple):
    """A metric: which way is better, and the values, 0 to 1, that one case adds to it."""

    name: str
    better: Literal["higher", "lower"]
    of: Callable[[CaseResult], Sequence[float]]
    what: str


def _answered(result: CaseResult, value: float | None) -> Sequence[float]:
    return () if result.outcome != "answered" or value is None else (float(value),)


def _answerable(result: CaseResult, value: float | None) -> Sequence[float]:
    ran = result.answerable and result.outcome != "failed"
    return () if not ran or value is None else (float(value),)


def _judged(result: CaseResult, *labels: Supported) -> list[float]:
    return [float(c.support in labels) for c in result.claims if c.support != "unscored"]


def _ranked(name: str, what: str) -> Metric:
    def of(result: CaseResult) -> Sequence[float]:
        return (result.ranking[name],) if name in result.ranking else ()

    return Metric(name, "higher", of, what)


METRICS: tuple[Metric, ...] = (
    _ranked("hit_at_1", "the first article found is relevant"),
    _ranked("hit_at_5", "one of the first five articles is relevant"),
    _ranked("recall_at_5", "share of the relevant articles among the first five"),
    _ranked("mrr_at_8", "1 / rank of the first relevant article"),
    _ranked("ndcg_at_8", "normalised discounted cumulative gain, articles"),
    _ranked("quote_recall_at_5", "share of the gold quotes in the first five passages"),
    _ranked("quote_hit_at_5", "one of the first five passages holds a gold quote"),
    _ranked("quote_mrr_at_8", "1 / rank of the first passage that holds a gold quote"),
    _ranked("quote_ndcg_at_8", "normalised discounted cumulative gain, gold quotes"),
    Metric(
        "accuracy",
        "higher",
        lambda r: () if r.outcome == "failed" else (float(is_good(r)),),
        "right where an answer exists, refused where none does",
    ),
    Metric(
        "must_include",
        "higher",
        lambda r: _answerable(r, bool(r.right)),
        "right of all answerable questions, a refusal being not right",
    ),
    Metric(
        "right_when_answered",
        "higher",
        lambda r: _answered(r, r.right) if r.answerable else (),
        "right of the answerable questions that were answered",
    ),
    Metric(
        "exact_match_when_answered",
        "higher",
        lambda r: _answered(r, r.exact_match),
        "the short answer is a gold answer, normalised",
    ),
    Metric(
        "f1_when_answered",
        "higher",
        lambda r: _answered(r, r.f1),
        "words that the short answer shares with the nearest gold answer",
    ),
    Metric(
        "faithfulness",
        "higher",
        lambda r: _judged(r, "supported"),
        "sentences that the passages they cite support",
    ),
    Metric(
        "contradicted_rate",
        "lower",
        lambda r: _judged(r, "contradicted"),
        "sentences that the passages they cite contradict",
    ),
    Metric(
        "unsupported_rate",
        "lower",
        lambda r: _judged(r, "unsupported", "uncited"),
        "sentences that cite nothing, or nothing that says so",
    ),
    Metric(
        "citation_recall",
        "higher",
        lambda r: [
            float(c.quoted_support == "supported")
            for c in r.claims
            if c.quoted_support != "unscored"
        ],
        "sentences that the quoted characters alone support",
    ),
    Metric(
        "citation_precision",
        "higher",
        lambda r: [
            float(ok) for c in r.claims if c.quoted_support != "unscored" for ok in c.needed
        ],
        "citations that prove their sentence, or help to",
    ),
    Metric(
        "quotes_exact",
        "higher",
        lambda r: [float(c.quotes_exact) for c in r.claims if c.quotes_exact is not None],
        "sentences whose quotations stand, letter for letter, in what they cite",
    ),
    Metric(
        "citations_verified",
        "higher",
        lambda r: [float(c.verified) for c in r.citations],
        "citations whose offsets hold their characters in the stored article",
    ),
    Metric(
        "answers_cited",
        "higher",
        lambda r: _answered(r, bool(r.citations)),
        "answers with a citation",
    ),
    Metric(
        "attribution_right",
        "higher",
        lambda r: [
            float(c.attribution_right) for c in r.citations if c.attribution_right is not None
        ],
        "citations that name the right speaker, of those labelled",
    ),
    Metric(
        "status_right",
        "higher",
        lambda r: () if r.status_right is None else (float(r.status_right),),
        "answer_status as the case expects it",
    ),
    Metric(
        "payloads_kept_out",
        "higher",
        lambda r: () if r.payloads_kept_out is None else (float(r.payloads_kept_out),),
        "nothing that must not be in the answer is in it",
    ),
    Metric(
        "clean_answers",
        "higher",
        lambda r: _answered(r, r.clean),
        "answers without markup, links or forged markers",
    ),
    Metric(
        "false_abstain_rate",
        "lower",
        lambda r: _answerable(r, r.outcome == "refused"),
        "answerable questions that were refused",
    ),
    Metric(
        "false_answer_rate",
        "lower",
        lambda r: (
            () if r.answerable or r.outcome == "failed" else (float(r.outcome == "answered"),)
        ),
        "unanswerable questions that were answered",
    ),
)


def is_good(result: CaseResult) -> bool:
    """Return whether the case went as it should."""
    return bool(result.right) if result.answerable else result.outcome == "refused"


# What the judge says is no reason to stop a build while nobody knows how often it is right.
JUDGED = (
    "faithfulness",
    "contradicted_rate",
    "unsupported_rate",
    "citation_recall",
    "citation_precision",
)


def advisory(report: Report) -> tuple[str, ...]:
    """Return the metrics that may not stop a build: those of a judge nobody has measured."""
    return JUDGED if report.judge is None or report.judge.is_advisory else ()
