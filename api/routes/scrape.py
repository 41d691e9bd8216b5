"""The numbers of this process, for Prometheus.

GET /metrics
"""

from fastapi import APIRouter, Request, Response

from api.deps import Served

router = APIRouter()


@router.head("/metrics", include_in_schema=False)
@router.get("/metrics", include_in_schema=False)
def metrics(request: Request, services: Served) -> Response:
    """Tell all metrics, in OpenMetrics if Accept asks for it and as plain text if not."""
    queues = services.questions, services.searches, services.writes
    services.metrics.queued(
        waiting=sum(queue.waiting for queue in queues),
        running=sum(queue.running for queue in queues),
    )
    body, content_type = services.metrics.exposition(request.headers.get("accept", ""))
    return Response(body, headers={"Content-Type": content_type})
