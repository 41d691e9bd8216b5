"""Where the Python client looks for its server, by which way, and with which key."""

from errno import ECONNREFUSED
from pathlib import Path

import pytest

from api.client import Dateline
from api.client.address import Address
from rag.errors import ConfigurationError, DependencyError, InputError
from tests.replying import Reply, Seen, replying

OUTLETS: Reply = (200, {}, b'{"sources": []}')
HERE = "127.0.0.1"


def seen_from(url: str, *, api_key: str | None = None) -> Seen:
    """Return what a server is sent that stands at `url`, where PORT is its own."""
    with replying(OUTLETS) as (served, seen):
        port = served.rpartition(":")[2]
        with Dateline(url.replace("PORT", port), api_key=api_key) as client:
            assert client.outlets() == ()
    [sent] = seen
    return sent


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:PORT/desk",
        " HTTP://127.0.0.1:PORT/desk// ",
        "http://127.0.0.1:PORT/desk/v1/",
    ],
)
def test_a_server_behind_a_path_is_asked_there(url: str) -> None:
    assert seen_from(url).path == "/desk/v1/sources"


@pytest.mark.parametrize(
    ("named", "part"),
    [("..", "%2E%2E"), (".", "%2E"), ("../a", "..%2Fa"), ("a?b#c", "a%3Fb%23c"), ("é", "%C3%A9")],
)
def test_whatever_an_id_is_it_names_nothing_else(named: str, part: str) -> None:
    with replying((204, {}, b"")) as (url, seen), Dateline(url) as client:
        client.delete_session(named)
    assert seen[0].path == f"/v1/sessions/{part}"


@pytest.mark.parametrize(
    "url",
    [
        "not an address",
        "",
        "http://",
        "ftp://127.0.0.1",
        "http://[::1",
        "http://127.0.0.1:port",
        "http://127.0.0.1:73857",
        "http://127.0.0.1:0",
        "http://127.0.0.1?key=1",
        f"http://{'a' * 64}.example",
        "http://\udcff.example",
    ],
)
def test_what_is_no_address_is_said_at_once(url: str) -> None:
    with pytest.raises(InputError, match="no address"):
        Dateline(url)


def test_nobody_there_is_no_wrong_address() -> None:
    for host in (HERE, "[::1]"):
        with (
            Dateline(f"http://{host}:9", retries=0) as nobody,
            pytest.raises(DependencyError, match=r"http://.*:9 does not answer"),
        ):
            nobody.outlets()


def test_a_password_in_an_address_is_sent_and_never_shown() -> None:
    sent = seen_from("http://desk:secret@127.0.0.1:PORT/x")
    assert sent.authorization == "Basic ZGVzazpzZWNyZXQ="
    with Dateline("http://desk:secret@127.0.0.1:9", retries=0) as nobody:
        assert nobody.url == "http://127.0.0.1:9"
        with pytest.raises(DependencyError) as failed:
            nobody.outlets()
    assert "secret" not in str(failed.value)
    for wrong in ("http://desk:se/cret@127.0.0.1", "desk:se/cret@127.0.0.1"):
        with pytest.raises(InputError) as refused:
            Dateline(wrong)
        assert "cret" not in str(refused.value)


def test_a_password_and_a_key_exclude_each_other() -> None:
    with pytest.raises(InputError, match="leave one of them out"):
        Dateline("http://desk:secret@127.0.0.1:9", api_key="dl_1")


def test_a_key_from_a_file_may_end_with_its_line() -> None:
    sent = seen_from("http://127.0.0.1:PORT/x", api_key="dl_1\n")
    assert sent.authorization == "Bearer dl_1"


@pytest.mark.parametrize("key", ["dl_\n1", "dl_é", "dl_\x01", "dl 1"])
def test_what_is_no_key_is_said_and_not_shown(key: str) -> None:
    with pytest.raises(ConfigurationError, match="DATELINE_API_KEY") as refused:
        Dateline("http://127.0.0.1:9", api_key=key)
    assert "dl" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["http://", ""])
def test_the_proxy_of_the_environment_is_used_and_passed_by_as_it_says(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    with replying(OUTLETS) as (url, seen):
        monkeypatch.setenv("http_proxy", url.replace("http://", scheme))
        monkeypatch.setenv("no_proxy", HERE)
        with Dateline("http://archive.example:8321") as client:
            assert client.outlets() == ()
        assert seen[0].path == "http://archive.example:8321/v1/sources"
        with Dateline(f"http://{HERE}:9", retries=0) as direct, pytest.raises(DependencyError):
            direct.outlets()


PROXY = "http://desk:secret@127.0.0.1"


def told(monkeypatch: pytest.MonkeyPatch, variable: str, proxy: str, url: str) -> str:
    """Return what is said when `url` is asked by way of a proxy that does not lead there."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv(variable, proxy)
    with Dateline(url, retries=0) as client, pytest.raises(DependencyError) as failed:
        client.outlets()
    return str(failed.value)


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("http_proxy", "http://archive.example:8321"),
        ("https_proxy", "https://archive.example"),
        ("all_proxy", "http://archive.example:8321"),
    ],
)
@pytest.mark.parametrize("in_capitals", [False, True])
def test_a_proxy_that_is_not_there_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, variable: str, url: str, in_capitals: bool
) -> None:
    name = variable.upper() if in_capitals else variable
    assert told(monkeypatch, name, f"{PROXY}:9", url) == (
        f"the proxy http://127.0.0.1:9 of the environment ({variable}) does not lead to {url}: "
        f"[Errno {ECONNREFUSED}] Connection refused; to go without the proxy, "
        "name archive.example in no_proxy"
    )


@pytest.mark.parametrize(
    ("host", "named"), [("[fd00::1]", "[fd00::1]"), ("bücher.example", "xn--bcher-kva.example")]
)
def test_the_name_that_is_advised_leads_past_the_proxy(
    monkeypatch: pytest.MonkeyPatch, host: str, named: str
) -> None:
    said = told(monkeypatch, "http_proxy", f"{PROXY}:9", f"http://{host}:8321")
    assert said.partition("; ")[2] == f"to go without the proxy, name {named} in no_proxy"
    monkeypatch.setenv("no_proxy", named)
    assert Address.of(f"http://{host}:8321", api_key=None).through() is None


@pytest.mark.parametrize("status", ["403 Forbidden", "407 Proxy Authentication Required"])
def test_a_proxy_that_refuses_is_not_taken_for_the_server(
    monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    refusal: Reply = (int(status[:3]), {}, b"<html>Ask your administrator</html>")
    advice = "to go without the proxy, name archive.example in no_proxy"
    with replying(refusal, refusal) as (served, seen):
        proxy = served.replace("http://127.0.0.1", PROXY)
        named = f"the proxy {served} of the environment"
        assert told(monkeypatch, "https_proxy", proxy, "https://archive.example") == (
            f"{named} (https_proxy) does not lead to https://archive.example: {status}; {advice}"
        )
        assert told(monkeypatch, "http_proxy", proxy, "http://archive.example") == (
            f"{named} (http_proxy) replies {status} in the place of http://archive.example, or "
            f"what it reached is no Dateline server; {advice}"
        )
    assert [one.path for one in seen] == [
        "archive.example:443",
        "http://archive.example/v1/sources",
    ]


def test_what_a_server_says_is_its_own_behind_a_proxy_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with replying((500, {}, b'{"detail": "The disk is full."}')) as (proxy, _):
        said = told(monkeypatch, "http_proxy", proxy, "http://archive.example")
    assert said == "The disk is full."


def test_a_proxy_that_leads_somewhere_is_named_beside_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with replying((200, {}, b"no handshake")) as (proxy, _):
        said = told(monkeypatch, "https_proxy", proxy, "https://archive.example")
    assert said.startswith(f"https://archive.example does not answer by way of the proxy {proxy} ")


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_no_proxy_stands_between_two_programs_of_one_machine(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    # Where it stands, that address is its own.
    said = told(monkeypatch, "http_proxy", "http://proxy.example:3128", f"http://{host}:9")
    assert said.startswith(f"http://{host}:9 does not answer: ")


@pytest.mark.parametrize(
    "proxy", ["ftp://proxy.example", "socks5://proxy.example", "http://[::1", "http://"]
)
def test_a_proxy_that_cannot_be_used_is_named_by_its_setting(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(ConfigurationError, match="proxy of the environment"):
        Dateline("http://archive.example:8321")


@pytest.mark.parametrize("held", [None, "no certificate"])
def test_certificates_that_cannot_be_read_are_named_by_their_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, held: str | None
) -> None:
    if held:
        (tmp_path / "ca.pem").write_text(held)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
        Dateline("https://archive.example")
