"""A server for OpenAI's clients, and what they ask it, for the tests of several files."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
from openai.types.chat import ChatCompletionChunk

from rag.settings import Settings
from tests.test_api_chat import BRIDGE, MUSEUM, ORCHARD, QUESTION
from tests.test_streams import Served, serve
from tests.waiting import PATIENCE_S

ANSWER = (
    "Mayor Ida Quell, reports ledger.example (4 May 2021): "
    "“Mayor Ida Quell blamed the water board for the delay.” [1]"
)
DRAFT = "Mayor Ida Quell blamed the water board for the delay [1]."
WRITTEN = "Mayor Ida Quell blamed the water board for the delay. [1]"
ASKED: list[Any] = [{"role": "user", "content": QUESTION}]  # Any: the client's unions


def fill(url: str) -> None:
    for article in (BRIDGE, MUSEUM, ORCHARD):
        sent = httpx.post(f"{url}/v1/documents", json=article, timeout=PATIENCE_S)
        assert sent.status_code == 201


def serve_archive(folder: Path, **chosen: Any) -> Iterator[Served]:
    """Serve three articles on a socket."""
    for one in serve(Settings(data_dir=folder, threads=1, **chosen)):
        fill(one.url)
        yield one


def connected(url: str, api_key: str = "none", timeout: float = PATIENCE_S) -> openai.OpenAI:
    base_url = f"{url}/v1"
    return openai.OpenAI(base_url=base_url, api_key=api_key, timeout=timeout, max_retries=0)


def raw(url: str, **body: object) -> httpx.Response:
    sent = json.dumps({"model": "dateline", "messages": ASKED} | body)
    headers = {"Content-Type": "application/json"}
    address = f"{url}/v1/chat/completions"
    return httpx.post(address, content=sent, headers=headers, timeout=PATIENCE_S)


def streamed(client: openai.OpenAI, **body: Any) -> list[ChatCompletionChunk]:
    # Any: the client's overloads.
    options: Any = {"model": "dateline", "messages": ASKED, "stream": True} | body
    return list(client.chat.completions.create(**options))


def extra(model: Any) -> dict[str, Any]:  # Any: the client's models
    return dict(model.model_extra)
