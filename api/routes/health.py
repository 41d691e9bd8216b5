"""Whether the process is alive, and whether it can answer; what to do when it cannot.

GET /readyz
"""

from fastapi import APIRouter, Response

from api.deps import Facts, Served
from api.schemas.health import Health, QueueState, Readiness

router = APIRouter(tags=["health"])


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz")
async def healthz() -> Health:
    """Say that the process is alive, whatever the stores do."""
    return Health()


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", responses={503: {"model": Readiness, "description": "Not ready"}})
async def readyz(services: Served, facts: Facts, response: Response) -> Readiness:
    """Ask every store and model for a sign of life; 503 when one gives none.

    A full queue is no reason: the turns that are taken come up again. What was found is told for
    two seconds.
    """
    checks, counts = await services.probe.state()
    failed = [name for name, said in checks.items() if said != "ok"]
    if failed:
        response.status_code = 503
        facts.update(not_ready=failed)
    return Readiness(
        status="not_ready" if failed else "ready",
        checks=checks,
        queue=QueueState(waiting=services.questions.waiting, running=services.questions.running),
        articles=counts and counts.articles,
        passages=counts and counts.passages,
    )
