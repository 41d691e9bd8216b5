"""Gold questions to a target, several at once, and what came of each.

>>> results = run(load(SAMPLE_SET), target, SupportJudge())
>>> sum(result.outcome == "failed" for result in results)
0

A case that fails is counted apart and never scored. When more fail than a valid run may have, the
rest is not asked: a server that is down costs no more time, and a language model no more money.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from evals.cache import Cache, key_of
from evals.cases import Case
from evals.metrics import Prices
from evals.results import CaseResult
from evals.score import failed, score
from evals.targets import Reply, System, Target
from rag.errors import DatelineError, DependencyError
from rag.prompts import NOTES, Fallback
from rag.types import Question
from rag.verify import Judge

MAX_FAILED_SHARE = 0.05
_UNREACHED: tuple[Fallback, ...] = (
    "busy",
    "slow",
    "unavailable",
    "rate_limited",
    "rejected",
    "cut",
)
# How such a note begins, before any figure in it.
_NOT_WRITTEN = tuple(NOTES[reason].partition("{")[0] for reason in _UNREACHED)
_ALWAYS_ALLOWED = 2


def run(
    cases: Sequence[Case],
    target: Target,
    judge: Judge,
    *,
    concurrency: int = 2,
    cache: Cache | None = None,
    prices: Prices | None = None,
    max_failed_share: float = MAX_FAILED_SHARE,
    system: System | None = None,
    progress: Callable[[CaseResult], object] = lambda _: None,
) -> list[CaseResult]:
    """Return one result a case, in order.

    Args: cache: replies in it are not asked for again, so that an interrupted run goes on.
          system: what `target` says of itself, where that was asked before.
          progress: called with each result, from several threads, one at a time.
    """
    runner = _Runner(
        target,
        system or target.system(),
        judge,
        cache or Cache(),
        prices,
        progress,
        allowed=max(_ALWAYS_ALLOWED, int(max_failed_share * len(cases))),
    )
    with ThreadPoolExecutor(max_workers=concurrency) as pool:
        return list(pool.map(runner.run, cases))


class _Runner:
    """Counts what failed; shared by the threads."""

    def __init__(
        self,
        target: Target,
        system: System,
        judge: Judge,
        cache: Cache,
        prices: Prices | None,
        progress: Callable[[CaseResult], object],
        *,
        allowed: int,
    ) -> None:
        self._target = target
        self._judge = judge
        self._cache = cache
        self._prices = prices
        self._progress = progress
        self._allowed = allowed
        self._failed = 0
        self._lock = Lock()
        self._system = system

    def run(self, case: Case) -> CaseResult:
        """Return what came of one case; nothing is raised."""
        if self._failed > self._allowed:
            result = failed(case, "not asked: too many cases before it failed")
        else:
            result = self._asked(case)
        with self._lock:
            self._failed += result.outcome == "failed"
            self._progress(result)
        return result

    def _asked(self, case: Case) -> CaseResult:
        try:
            reply = self._reply(case)
            return score(case, reply, self._target.article, self._judge, prices=self._prices)
        except DatelineError as exc:
            return failed(case, str(exc))
        except Exception as exc:  # whatever breaks one case must not lose the others
            return failed(case, f"{type(exc).__name__}: {exc}")

    def _reply(self, case: Case) -> Reply:
        question = case.asked()
        insist = case.answerable
        asked = question.model_dump(mode="json")
        key = key_of("reply", self._system.model_dump(mode="json"), asked, insist)
        made = self._cache.get_or_make(key, lambda: self._asked_now(question, insist=insist))
        return Reply.model_validate_json(made)

    def _asked_now(self, question: Question, *, insist: bool) -> str:
        reply = self._target.ask(question, insist=insist)
        # The answer without the model stands in for it; it is not what is measured here.
        if reply.answer.note and reply.answer.note.startswith(_NOT_WRITTEN):
            raise DependencyError(reply.answer.note)
        return reply.model_dump_json()
