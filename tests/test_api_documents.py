"""Articles in and out over HTTP, through the real ingest pipeline and stores."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.cursors import encoded
from rag.settings import Settings

FERRY = {
    "id": "ferry",
    "title": "Ferry to Lusk sinks",
    "text": "The ferry to Lusk sank on Friday. Captain Orla Dunne was the last to leave.",
    "source": "harbour.example",
    "published_at": "2020-02-07",
}
HASH = "sha256:"


@pytest.fixture(scope="module")
def app_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    # Sixteen writers at once are refused by no slow machine.
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"), queue_wait_s=60)
    with TestClient(create_app(settings)) as opened:
        yield opened


@pytest.fixture
def client(app_client: TestClient) -> Iterator[TestClient]:
    """Yield a client whose archive is empty."""
    yield app_client
    for meta in app_client.get("/v1/documents?limit=200").json()["documents"]:
        app_client.delete(f"/v1/documents/{meta['article_id']}")


def test_a_new_article_is_created(client: TestClient) -> None:
    response = client.post("/v1/documents", json=FERRY)
    assert response.status_code == 201
    outcome = response.json()
    assert outcome.pop("content_hash").startswith(HASH)
    assert outcome == {
        "article_id": "ferry",
        "status": "created",
        "duplicate_of": None,
        "passages": 1,
    }


def test_the_same_article_again_is_unchanged(client: TestClient) -> None:
    first = client.post("/v1/documents", json=FERRY).json()
    response = client.post("/v1/documents", json=FERRY)
    assert response.status_code == 200
    assert response.json() == {**first, "status": "unchanged"}


def test_a_corrected_article_takes_the_place_of_the_old_one(client: TestClient) -> None:
    client.post("/v1/documents", json=FERRY)
    corrected = {**FERRY, "text": "The ferry to Lusk did not sink."}
    response = client.post("/v1/documents", json=corrected)
    assert (response.status_code, response.json()["status"]) == (200, "updated")
    hits = client.post("/v1/search", json={"query": "Orla Dunne captain"}).json()["hits"]
    assert [hit["text"] for hit in hits] == ["The ferry to Lusk did not sink."]


def test_the_stored_article_comes_back_with_its_text(client: TestClient) -> None:
    created = client.post("/v1/documents", json=FERRY).json()
    assert client.get("/v1/documents/ferry").json() == {
        "article_id": "ferry",
        "title": FERRY["title"],
        "text": FERRY["text"],
        "source": "harbour.example",
        "author": None,
        "url": None,
        "published_at": "2020-02-07T00:00:00Z",
        "content_hash": created["content_hash"],
    }


def test_the_text_is_cleaned_as_that_of_a_file(client: TestClient) -> None:
    client.post(
        "/v1/documents", json={"id": "x", "text": "Cafe\u0301\u00a0owner\r\nsaid\0\u200b no."}
    )
    article = client.get("/v1/documents/x").json()
    assert (article["title"], article["text"]) == ("Café owner said no.", "Café owner\nsaid no.")


def test_passages_carry_their_exact_span(client: TestClient) -> None:
    text = "\n\n".join(f"The council met on day {i}. It decided nothing at all." for i in range(60))
    client.post("/v1/documents", json={"id": "long", "text": text})
    found = client.get("/v1/documents/long/passages").json()
    assert found["article_id"] == "long"
    assert len(found["passages"]) > 1
    for passage in found["passages"]:
        assert text[passage["start_char_index"] : passage["end_char_index"]] == passage["text"]


@pytest.mark.parametrize(
    ("name", "data", "title"),
    [
        ("a.txt", b"Bridge closes\n\nIt closed on Tuesday.", "Bridge closes"),
        ("a.md", b"# Bridge closes\n\nIt closed on Tuesday.", "Bridge closes"),
        ("a.json", b'{"title": "Bridge closes", "text": "It closed."}', "Bridge closes"),
        ("a.jsonl", b'{"title": "Bridge closes", "text": "It closed."}\n', "Bridge closes"),
        ("C:\\fakepath\\a.txt", b"Bridge closes\n\nIt closed on Tuesday.", "Bridge closes"),
    ],
)
def test_a_file_with_one_article_gets_its_outcome(
    client: TestClient, name: str, data: bytes, title: str
) -> None:
    response = client.post("/v1/documents", files={"file": (name, data)})
    assert response.status_code == 201
    assert client.get(f"/v1/documents/{response.json()['article_id']}").json()["title"] == title


def test_a_file_with_several_articles_gets_a_result_for_each(client: TestClient) -> None:
    lines = [b'{"id": "a", "text": "One."}', b"nope", b'{"id": "b", "text": "Two."}']
    lines += [b'{"id": "a", "text": "Another one."}', b'{"id": "b", "text": "Two."}']
    response = client.post("/v1/documents", files={"file": ("x.jsonl", b"\n".join(lines))})
    assert response.status_code == 200
    report = response.json()
    statuses = [(result["article_id"], result["status"]) for result in report["results"]]
    assert statuses == [("a", "created"), ("b", "created"), ("b", "unchanged")]
    assert [error["reason"] for error in report["errors"]] == [
        "not JSON: Expecting value: line 1 column 1 (char 0)",
        "another article of this file has the id a already",
    ]


def test_two_uploads_of_one_name_do_not_replace_each_other(client: TestClient) -> None:
    for text in (b"One title\n\nOne story.", b"Two title\n\nTwo story."):
        client.post("/v1/documents", files={"file": ("article.txt", text)})
    assert len(client.get("/v1/documents").json()["documents"]) == 2


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.exe", b"MZ"),
        ("a", b"text"),
        ("..", b"text"),
        ("a.txt", b""),
        ("a.txt", b"\0\1\2"),
        ("a.pdf", b"%PDF-1.4 and nothing else"),
        ("a.html", b"<html><body></body></html>"),
        ("a.json", b"[" * 100_000),
        ("a.json", b'"words"'),
        ("a.json", b"[]"),
        ("a.jsonl", b"\n\n"),
        ("a.jsonl", b"nope\nnope\n"),
        ("a.json", b'{"text": "A story.", "published_at": 1e999}'),
        ("a.json", b'{"text": "A story.", "url": "http://[::1"}'),
        ("\ud800.txt".encode("utf-8", "surrogatepass").decode("latin-1"), b""),
    ],
)
def test_a_file_without_an_article_is_a_problem(client: TestClient, name: str, data: bytes) -> None:
    response = client.post("/v1/documents", files={"file": (name, data)})
    assert (response.status_code, response.json()["code"]) == (422, "ingest_failed")


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("multipart/form-data", b"", 400),
        ("multipart/form-data; boundary=x", b"", 422),
        ("multipart/form-data; boundary=x", b"--y--", 400),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\na", 400),
        ("multipart/form-data; boundary=x; charset=undefined", b"FILE", 400),
        ("multipart/form-data; boundary=x; charset=unicode_escape", b"FILE", 422),
        ("multipart/mixed; boundary=x", b"FILE", 422),
        ("multipart/form-data; boundary=x", b"TWO FILES", 400),
        ("multipart/form-data; boundary=x", b"FIELD", 422),
    ],
)
def test_a_form_that_makes_no_sense_is_a_problem(
    client: TestClient, content_type: str, body: bytes, status: int
) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="\\ud800"\r\n\r\na\r\n'
    field = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\na\r\n--x--\r\n'
    forms = {b"FILE": part + b"--x--\r\n", b"TWO FILES": part * 2 + b"--x--\r\n", b"FIELD": field}
    response = client.post(
        "/v1/documents",
        content=forms.get(body, body),
        headers={"Content-Type": content_type},
    )
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.status_code == status, response.text


@pytest.mark.parametrize(
    "change",
    [
        {"text": ""},
        {"text": "…"},
        {"text": None},
        {"text": ["a"]},
        {"title": 7},
        {"id": "a b"},
        {"id": "a/b"},
        {"id": "x" * 201},
        {"id": "\u202ea"},
        {"url": "javascript:alert(1)"},
        {"url": "http://[::1"},
        {"url": "http://a:99999999/"},
        {"published_at": "03/04/2020"},
        {"published_at": "0001-01-01T00:00:00+14:00"},
        {"published_at": "9999-12-31"},
        {"published_at": "+99999"},
        {"published_at": 10**300},
        {"published_at": True},
        {"summary": "unknown"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_an_article_that_cannot_be_used_is_refused_and_not_stored(
    client: TestClient, method: str, change: dict[str, object]
) -> None:
    path = "/v1/documents" if method == "POST" else "/v1/documents/ferry"
    response = client.request(method, path, json={**FERRY, **change})
    assert (response.status_code, response.headers["Content-Type"]) == (
        422,
        "application/problem+json",
    )
    assert client.get("/v1/documents").json()["documents"] == []


def test_put_stores_under_the_id_of_the_address(client: TestClient) -> None:
    article = {"title": "Ferry", "text": "It sank."}
    response = client.put("/v1/documents/ferry-2", json=article)
    assert (response.status_code, response.json()["article_id"]) == (201, "ferry-2")
    assert client.put("/v1/documents/ferry-2", json=article).status_code == 200


def test_put_refuses_a_body_with_another_id(client: TestClient) -> None:
    response = client.put("/v1/documents/other", json=FERRY)
    assert response.status_code == 422
    assert response.json()["detail"] == "the body says id 'ferry', the address 'other'"


def test_the_list_goes_on_at_its_cursor(client: TestClient) -> None:
    for name in ("b", "é", "a", "c"):
        client.put(f"/v1/documents/{name}", json={"text": f"Story of {name}."})
    seen, cursor = [], None
    for _ in range(3):
        page = client.get(
            "/v1/documents", params={"limit": 2, "cursor": cursor} if cursor else {"limit": 2}
        ).json()
        seen += [meta["article_id"] for meta in page["documents"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["a", "b", "c", "é"]


def pages(client: TestClient, **asked: str | int) -> list[list[str]]:
    """Return the ids of each page of a list."""
    found: list[list[str]] = []
    cursor: dict[str, str] = {}
    while True:
        response = client.get("/v1/documents", params={**asked, **cursor})
        assert response.status_code == 200, response.text
        page = response.json()
        found.append([meta["article_id"] for meta in page["documents"]])
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


@pytest.fixture
def dated(client: TestClient) -> TestClient:
    """A client of an archive of which two articles have no date, and two the same."""
    moments = {"a": None, "b": "1960-05-01", "c": "2020-02-07", "d": "2021-01-01", "e": None}
    for name, at in {**moments, "f": "2020-02-07"}.items():
        article = {**FERRY, "title": f"Story of {name}", "text": f"Of {name}.", "published_at": at}
        article |= {"id": name}
        assert client.post("/v1/documents", json=article).status_code == 201
    return client


def test_the_list_gives_the_newest_first_page_by_page(dated: TestClient) -> None:
    assert pages(dated, order="newest") == [["d", "c", "f", "b", "a", "e"]]
    assert pages(dated, order="newest", limit=3) == [["d", "c", "f"], ["b", "a", "e"]]
    one_by_one = [["d"], ["c"], ["f"], ["b"], ["a"], ["e"]]
    assert pages(dated, order="newest", limit=1) == one_by_one
    chosen = pages(dated, order="newest", limit=2, published_before="2021-01-01")
    assert chosen == [["c", "f"], ["b"]]
    assert pages(dated, order="id", limit=5) == [["a", "b", "c", "d", "e"], ["f"]]


def test_a_page_goes_on_where_it_ended_though_newer_articles_came(dated: TestClient) -> None:
    first = dated.get("/v1/documents?order=newest&limit=2").json()
    late = {**FERRY, "id": "late", "text": "The latest story.", "published_at": "2022-01-01"}
    dated.post("/v1/documents", json=late)
    dated.delete("/v1/documents/c")
    rest = pages(dated, order="newest", cursor=first["next_cursor"])
    assert rest == [["f", "b", "a", "e"]]


def test_a_cursor_of_one_order_is_none_of_the_other(dated: TestClient) -> None:
    for one, other in (("id", "newest"), ("newest", "id")):
        cursor = dated.get(f"/v1/documents?order={one}&limit=2").json()["next_cursor"]
        response = dated.get(f"/v1/documents?order={other}&cursor={cursor}")
        assert response.status_code == 422
        assert response.json()["detail"] == "cursor is not the next_cursor of an earlier page"


@pytest.mark.parametrize("place", ["x a", "12 ", " ", "", "1.5 a", "9999999999999999999 a", "١ a"])
def test_what_is_no_cursor_of_the_newest_is_refused(client: TestClient, place: str) -> None:
    asked = {"order": "newest", "cursor": encoded(place)}
    assert client.get("/v1/documents", params=asked).status_code == 422


def test_there_are_no_other_orders(client: TestClient) -> None:
    assert client.get("/v1/documents?order=oldest").status_code == 422


def test_the_list_holds_what_the_filters_let_through(client: TestClient) -> None:
    client.post("/v1/documents", json=FERRY)
    client.post("/v1/documents", json={**FERRY, "id": "later", "published_at": "2021-01-01"})
    client.post("/v1/documents", json={**FERRY, "id": "other", "source": "b.example"})
    client.post("/v1/documents", json={**FERRY, "id": "third", "source": "c.example"})
    query = "source=harbour.example&source=b.example&published_before=2020-12-31"
    listed = client.get(f"/v1/documents?{query}").json()
    assert [meta["article_id"] for meta in listed["documents"]] == ["ferry", "other"]


def test_a_deleted_article_answers_no_more(client: TestClient) -> None:
    client.post("/v1/documents", json=FERRY)
    response = client.delete("/v1/documents/ferry")
    assert response.json() == {"deleted": ["ferry"], "dry_run": False}
    assert client.post("/v1/search", json={"query": "Lusk ferry"}).json()["hits"] == []
    assert client.get("/v1/documents/ferry").status_code == 404
    assert client.get("/v1/documents/ferry/passages").status_code == 404
    assert client.delete("/v1/documents/ferry").status_code == 404


def test_deleting_by_filter_leaves_the_others(client: TestClient) -> None:
    client.post("/v1/documents", json=FERRY)
    client.post("/v1/documents", json={**FERRY, "id": "other", "source": "b.example"})
    response = client.delete("/v1/documents?source=harbour.example")
    assert response.json() == {"deleted": ["ferry"], "dry_run": False}
    listed = client.get("/v1/documents").json()["documents"]
    assert [meta["article_id"] for meta in listed] == ["other"]


def test_a_dry_run_deletes_nothing(client: TestClient) -> None:
    client.post("/v1/documents", json=FERRY)
    response = client.delete("/v1/documents?article_id=ferry&article_id=gone&dry_run=true")
    assert response.json() == {"deleted": ["ferry"], "dry_run": True}
    assert client.get("/v1/documents/ferry").status_code == 200


@pytest.mark.parametrize("query", ["", "?dry_run=false", "?dry_run=true"])
def test_deleting_without_a_filter_is_refused(client: TestClient, query: str) -> None:
    client.post("/v1/documents", json=FERRY)
    assert client.delete(f"/v1/documents{query}").status_code == 422
    assert client.get("/v1/documents/ferry").status_code == 200


def test_deleting_with_a_body_is_refused(client: TestClient) -> None:
    client.post("/v1/documents", json=FERRY)
    query = "source=harbour.example"
    response = client.request("DELETE", f"/v1/documents?{query}", json={"dry_run": True})
    assert response.status_code == 422
    assert client.get("/v1/documents/ferry").status_code == 200


def test_the_same_article_sent_many_times_at_once_is_stored_once(client: TestClient) -> None:
    with ThreadPoolExecutor(8) as pool:
        sent = pool.map(lambda _: client.post("/v1/documents", json=FERRY).status_code, range(16))
        assert set(sent) <= {200, 201}
    assert len(client.get("/v1/documents").json()["documents"]) == 1
    assert client.get("/readyz").json()["passages"] == 1


def test_the_outlets_that_filters_can_name_are_listed(client: TestClient) -> None:
    client.post("/v1/documents", json=FERRY)
    assert client.get("/v1/sources").json() == {
        "sources": [{"source": "harbour.example", "articles": 1, "newest": "2020-02-07T00:00:00Z"}]
    }
