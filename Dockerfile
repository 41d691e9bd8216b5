# docker build -t dateline .
# docker run --rm -v dateline:/data dateline dateline keys create me --scope read --scope write
# docker run -p 127.0.0.1:8321:8321 -v dateline:/data dateline
FROM python:3.12-slim AS build
WORKDIR /src
# The pinned versions change less often than our code: their layer is kept.
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY rag rag
COPY ingest ingest
COPY api api
COPY evals evals
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir -c constraints.txt '.[llm,mcp,otel,postgres,slack]'

FROM python:3.12-slim
# A fixed id, so that a volume keeps its owner when the image is built anew.
RUN useradd --uid 10001 --create-home dateline && mkdir /data && chown dateline:dateline /data
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DATELINE_DATA_DIR=/data \
    DATELINE_HOST=0.0.0.0 \
    DATELINE_PORT=8321
# Other machines can reach 0.0.0.0: without a key the server says how to make one and stops (exit 2).
# Where something before the container decides who may come in: docker run -e DATELINE_AUTH=off ...
USER 10001
WORKDIR /home/dateline
VOLUME /data
EXPOSE 8321
# Readiness, not liveness: an index that cannot answer is not healthy.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8321/readyz', timeout=4)"]
CMD ["dateline", "serve"]
