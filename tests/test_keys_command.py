"""`dateline keys`: made once, shown once, revoked for good, also beside a running server."""

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from rag.settings import Settings
from tests.commands import dateline


def make(data_dir: Path, *more: str) -> str:
    ran = dateline("keys", "create", "newsroom", "--data-dir", data_dir, *more)
    assert ran.code == 0
    return ran.out.strip()


def test_a_key_is_shown_once_and_alone_on_standard_output(tmp_path: Path) -> None:
    ran = dateline("keys", "create", "newsroom", "--scope", "write", "--data-dir", tmp_path)
    assert ran.code == 0
    assert re.fullmatch(r"dl_[0-9a-f]{12}_[0-9a-f]{64}\n", ran.out)
    assert "cannot be shown again" in ran.err
    listed = dateline("keys", "list", "--data-dir", tmp_path)
    key_id, secret = ran.out.strip().split("_")[1:]
    assert listed.out == f"{key_id}  newsroom  write  valid  last used never\n"
    assert secret not in listed.out + ran.err


def test_a_key_as_json_has_its_token_and_the_list_has_not(tmp_path: Path) -> None:
    options = ("--scope", "read", "--scope", "admin", "--expires", "90d", "--data-dir", tmp_path)
    made = dateline("keys", "create", "newsroom", *options, "--json").json
    assert set(made) == {
        *("id", "name", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at"),
        "token",
    }
    assert (made["name"], made["scopes"]) == ("newsroom", ["read", "admin"])
    del made["token"]
    assert dateline("keys", "list", "--data-dir", tmp_path, "--json").json == [made]


def test_a_key_may_only_read_unless_it_is_said(tmp_path: Path) -> None:
    make(tmp_path)
    assert dateline("keys", "list", "--data-dir", tmp_path, "--json").json[0]["scopes"] == ["read"]


def test_a_revoked_key_is_listed_as_such(tmp_path: Path) -> None:
    key_id = make(tmp_path).split("_")[1]
    ran = dateline("keys", "revoke", key_id, "--data-dir", tmp_path)
    assert (ran.code, ran.out) == (0, f"{key_id} (newsroom) is revoked\n")
    assert "revoked 20" in dateline("keys", "list", "--data-dir", tmp_path).out
    again = dateline("keys", "revoke", key_id, "--data-dir", tmp_path, "--json")
    assert (again.code, again.json["id"]) == (0, key_id)
    assert again.json["revoked_at"] is not None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("create", "a", "--scope", "reed"), "no scope is called 'reed'; there are read, write"),
        (("create", "a", "--expires", "soon"), "--expires 'soon' cannot be read: write 12h"),
        (("create", "a", "--expires", "0d"), "--expires '0d' cannot be read"),
        (("create", " "), "a key's name has 1 to 100 printable characters"),
        (("create", "a\x1b[31m"), "a key's name has 1 to 100 printable characters"),
        (("create", "a" * 101), "a key's name has 1 to 100 printable characters"),
        (("revoke", "nothing"), "no key has the id 'nothing'; `dateline keys list` shows them"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_way_out(
    tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    make(tmp_path)
    ran = dateline("keys", *arguments, "--data-dir", tmp_path)
    assert ran.code == 2
    assert told in ran.err
    assert len(dateline("keys", "list", "--data-dir", tmp_path, "--json").json) == 1


@pytest.mark.parametrize("command", [("list",), ("revoke", "x")])
def test_a_mistyped_folder_is_not_made(tmp_path: Path, command: tuple[str, ...]) -> None:
    ran = dateline("keys", *command, "--data-dir", tmp_path / "typo")
    assert ran.code == 2
    assert "there is no archive in" in ran.err
    assert not (tmp_path / "typo").exists()


def test_an_archive_without_a_key_says_so(tmp_path: Path) -> None:
    with TestClient(create_app(Settings(data_dir=tmp_path))):
        ran = dateline("keys", "list", "--data-dir", tmp_path)
    assert (ran.code, ran.out) == (0, "no key was ever made\n")


def test_keys_are_made_and_revoked_while_a_server_holds_the_archive(tmp_path: Path) -> None:
    with TestClient(create_app(Settings(data_dir=tmp_path))) as client:
        assert client.get("/v1/documents").status_code == 200
        token = make(tmp_path)
        headers = {"Authorization": f"Bearer {token}"}
        assert client.get("/v1/documents").status_code == 401
        assert client.get("/v1/documents", headers=headers).status_code == 200
        dateline("keys", "revoke", token.split("_")[1], "--data-dir", tmp_path)
        assert client.get("/v1/documents", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("arguments", "auth", "told"),
    [
        (("--host", "0.0.0.0"), "auto", "0.0.0.0 can be reached from other machines"),  # noqa: S104
        ((), "on", "DATELINE_AUTH=on asks for keys and there is none"),
    ],
)
def test_serve_refuses_to_stand_open(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    auth: str,
    told: str,
) -> None:
    monkeypatch.setenv("DATELINE_AUTH", auth)
    ran = dateline("serve", "--data-dir", tmp_path, *arguments)
    assert ran.code == 2
    assert told in ran.err
    assert "dateline keys create" in ran.err
