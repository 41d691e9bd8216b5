"""A citation looked up after its answer: unchanged, in an article that changed, or gone."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from rag.settings import Settings

SAID = "Captain Orla Dunne was the last to leave."
FERRY = {
    "id": "ferry.2020_02",
    "title": "Ferry to Lusk sinks",
    "text": f"The ferry to Lusk sank on Friday. {SAID}",
    "source": "harbour.example",
    "author": "Tomas Beck",
    "published_at": "2020-02-07",
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(data_dir=tmp_path_factory.mktemp("data")))) as opened:
        yield opened


@pytest.fixture
def cited(client: TestClient) -> Iterator[dict[str, object]]:
    """What an answer cites of the ferry's first version, which is live."""
    client.post("/v1/documents", json=FERRY)
    [citation] = client.post("/v1/chat", json={"message": "Who left the ferry last?"}).json()[
        "citations"
    ]
    yield citation
    client.delete("/v1/documents/ferry.2020_02")


def test_a_citation_of_the_current_version_is_found_whole(
    client: TestClient, cited: dict[str, object]
) -> None:
    assert client.get(f"/v1/citations/{cited['id']}").json() == {
        "id": cited["id"],
        "article_id": "ferry.2020_02",
        "title": "Ferry to Lusk sinks",
        "source": "harbour.example",
        "author": "Tomas Beck",
        "url": None,
        "published_at": "2020-02-07T00:00:00Z",
        "content_hash": cited["content_hash"],
        "cited_text": SAID,
        "start_char_index": 34,
        "end_char_index": 75,
        "article_state": "current",
        "current_content_hash": cited["content_hash"],
        "current_start_char_index": 34,
    }


@pytest.mark.parametrize(
    ("text", "where"), [(f"Updated. {FERRY['text']}", 43), ("The ferry did not sink.", None)]
)
def test_a_citation_of_an_article_that_changed_says_where_its_words_stand_now(
    client: TestClient, cited: dict[str, object], text: str, where: int | None
) -> None:
    now = client.post("/v1/documents", json={**FERRY, "text": text}).json()["content_hash"]
    found = client.get(f"/v1/citations/{cited['id']}").json()
    assert (found["cited_text"], found["content_hash"]) == (SAID, cited["content_hash"])
    assert (found["article_state"], found["current_content_hash"]) == ("changed", now)
    assert found["current_start_char_index"] == where


def test_a_citation_of_a_deleted_article_is_not_found(
    client: TestClient, cited: dict[str, object]
) -> None:
    client.delete("/v1/documents/ferry.2020_02")
    response = client.get(f"/v1/citations/{cited['id']}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert "'ferry.2020_02'" in response.json()["detail"]


@pytest.mark.parametrize("suffix", ["0123456789ab.34-75", "{hash}.0-1000"])
def test_a_quotation_that_no_version_has_is_not_found(
    client: TestClient, cited: dict[str, object], suffix: str
) -> None:
    short_hash = str(cited["content_hash"]).removeprefix("sha256:")[:12]
    suffix = suffix.replace("{hash}", short_hash)
    response = client.get(f"/v1/citations/cit_ferry.2020_02.{suffix}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "wrong",
    ["x", "cit_", "cit_a.0123456789ab.5-5", "cit_a.0123456789ab.9-3", "cit_a.0123456789ab.-1-3",
     "cit_a.%25.0-3", "cit_a.0123456789AB.0-3", "cit_a.0123456789ab.0-3.0", "cit_%00.b.0-3",
     "cit_a.0123456789ab.0-" + "9" * 200, "cit_a.0123456789ab.٠-٣", "cit_" + "a" * 400],
)  # fmt: skip
def test_what_is_no_citation_id_is_refused(client: TestClient, wrong: str) -> None:
    response = client.get(f"/v1/citations/{wrong}")
    assert (response.status_code, response.json()["code"]) == (422, "invalid_input")
