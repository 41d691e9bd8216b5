"""Results of the harness made by hand: a right answer, a wrong one, a refusal and an error."""

from datetime import UTC, datetime

from evals.compare import Change, Comparison, Flip
from evals.gate import Failure, Gate, Limit
from evals.metrics import Estimate, Reliability, RiskCoverage
from evals.results import CaseResult, CitationCheck, Claim, Fingerprints, JudgeReport, Report
from rag.types import Answer, AnswerSpan, Citation, Turn

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
SAID = "Dana Reyes, said Harbour Post. [1]"


def citation(**fields: object) -> Citation:
    known: dict[str, object] = {
        "id": "cit_1",
        "index": 1,
        "article_id": "ferry",
        "passage_id": "ferry:0:0",
        "title": "A new ferry",
        "url": "https://harbour.example/ferry",
        "source": "Harbour Post",
        "author": None,
        "published_at": NOON,
        "cited_text": "Dana Reyes launched the ferry.",
        "start_char_index": 10,
        "end_char_index": 40,
        "attributed_to": "Dana Reyes",
        "answer_spans": (AnswerSpan(start_index=0, end_index=10),),
        "score": 0.9,
        "support": "supported",
        "verified": True,
        "content_hash": "sha256:0",
    }
    return Citation.model_validate(known | fields)


def answer(**fields: object) -> Answer:
    known: dict[str, object] = {
        "id": "msg_1",
        "created_at": NOON,
        "model": "extractive",
        "answer": SAID,
        "short_answer": "Dana Reyes",
        "answer_status": "answered",
        "confidence": 0.9,
        "standalone_question": "Who launched the ferry?",
        "citations": (citation(),),
        "sources": (),
        "timings_ms": {"total": 20.0},
        "index_fingerprint": "f",
        "request_id": "req_1",
    }
    return Answer.model_validate(known | fields)


def refusal(text: str = "The archive does not hold an answer.") -> Answer:
    return answer(
        answer=text,
        short_answer=None,
        answer_status="no_answer",
        abstain_reason="low_confidence",
        confidence=0.1,
        citations=(),
    )


def claim(**fields: object) -> Claim:
    known: dict[str, object] = {
        "start": 0,
        "end": len(SAID),
        "text": SAID,
        "cited": (1,),
        "support": "supported",
        "probability": 0.93,
        "quoted_support": "supported",
        "needed": (True,),
    }
    return Claim.model_validate(known | fields)


def case(**fields: object) -> CaseResult:
    """Return a question that was answered rightly, but for what `fields` say."""
    known: dict[str, object] = {
        "id": "ferry-1",
        "slice": "who",
        "question": "Who launched the ferry?",
        "article_id": "ferry",
        "answerable": True,
        "golds": ("Dana Reyes",),
        "outcome": "answered",
        "answer": answer(),
        "right": True,
        "right_if_answered": True,
        "confidence": 0.9,
        "claims": (claim(),),
        "citations": (CitationCheck(index=1, verified=True, attribution_right=True),),
        "latency_ms": 20.0,
    }
    return CaseResult.model_validate(known | fields)


RESULTS = (
    case(),
    case(
        id="ferry-2",
        question="And when?",
        history=(Turn(question="Who launched the ferry?", answer=SAID),),
        slice="when",
        golds=("2 January",),
        right=False,
        confidence=0.4,
        claims=(
            claim(
                support="contradicted",
                probability=0.02,
                reasons=("a date that no passage holds",),
                quoted_support="unsupported",
            ),
        ),
        latency_ms=31.0,
    ),
    case(
        id="moon-1",
        slice="none",
        question="Who owns the Moon?",
        article_id=None,
        answerable=False,
        golds=(),
        outcome="refused",
        answer=refusal(),
        right=None,
        right_if_answered=None,
        confidence=0.1,
        claims=(),
        citations=(),
        latency_ms=12.0,
    ),
    case(
        id="ferry-3",
        outcome="failed",
        error="the server did not answer in 30 s",
        answer=None,
        right=None,
        right_if_answered=None,
        confidence=None,
        claims=(),
        citations=(),
        latency_ms=None,
    ),
)
ACCURACY = Estimate(value=0.6667, n=3, low=0.0, high=1.0, clusters=2)
JUDGE = JudgeReport(
    name="support",
    fingerprint="1f3c77aa0912ff",
    is_advisory=False,
    balanced_accuracy={"pairs": Estimate(value=0.861, n=420, low=0.826, high=0.891)},
    auc={"pairs": Estimate(value=0.93, n=420, low=0.9, high=0.95)},
)


def report(*results: CaseResult, **fields: object) -> Report:
    """Return a run of four questions, or of `results`, with two metrics."""
    made = results or RESULTS
    known: dict[str, object] = {
        "cases": len(made),
        "answered": sum(result.outcome == "answered" for result in made),
        "refused": sum(result.outcome == "refused" for result in made),
        "failed": sum(result.outcome == "failed" for result in made),
        "metrics": {"accuracy": ACCURACY, "status_right": Estimate(value=None, n=0)},
        "slices": {"who": {"accuracy": ACCURACY}},
        "risk_coverage": RiskCoverage(points=((0.5, 0.0), (1.0, 0.5)), area=0.25, n=2),
        "reliability": Reliability(bins=((0.4, 0.0, 1), (0.9, 1.0, 1)), error=0.25, n=2),
        "latency_p50_ms": 20.0,
        "latency_p95_ms": 31.0,
        "total_tokens": 0,
        "cost": None,
        "elapsed_s": 0.1,
        "made_with": Fingerprints(
            cases="c1",
            corpus="a1",
            scorers="s1",
            index="i1",
            models="m2",
            prompts=None,
            program="0.1.0",
            target="library",
        ),
        "judge": JUDGE,
        "results": made,
    }
    return Report.model_validate(known | fields)


MISSED = (Failure(metric="accuracy", value=0.6667, threshold=0.7, at_least=True),)


def change(**fields: object) -> Change:
    known: dict[str, object] = {
        "metric": "accuracy",
        "old": 1.0,
        "new": 0.6667,
        "difference": -0.3333,
        "low": -0.6,
        "high": -0.1,
        "p_value": 0.01,
        "n": 3,
        "detectable": 0.3,
        "verdict": "worse",
    }
    return Change.model_validate(known | fields)


def comparison(**fields: object) -> Comparison:
    known: dict[str, object] = {
        "changes": (change(),),
        "slices": (change(slice="when"), change(slice="who", verdict="same")),
        "flips": (
            Flip(
                id="ferry-2",
                slice="when",
                question="And when?",
                is_good=False,
                old_answer="2 January. [1]",
                new_answer=SAID,
            ),
        ),
        "paired": 3,
        "only_old": ("gone-1",),
        "changed": (),
        "lost": (),
        "only_new": (),
        "under_test": {"models": ("m1", "m2")},
        "worse": ("accuracy",),
    }
    return Comparison.model_validate(known | fields)


def gated(failures: tuple[Failure, ...] = (), against: Comparison | None = None) -> Gate:
    """Return the gate's outcome as `evals.gate.decide` gives it for a valid run."""
    worse = against.worse if against else ()
    limits = [
        Limit(metric=name, slice=None, threshold=0.5, at_least=True)
        for name in ("accuracy", "status_right")
    ]
    return Gate(
        outcome="worse" if failures or worse else "passed",
        limits=tuple(limits),
        failures=failures,
        worse=worse,
        comparison=against,
    )
