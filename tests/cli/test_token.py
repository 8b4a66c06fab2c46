"""`ulak token`: made once, listed without its secret, gone when it is removed."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from ulak.accounts.access import SCOPES, hashed
from ulak.accounts.sqlite import SqliteAccessTokens
from ulak.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(*words: str) -> tuple[int, str, str]:
        line = ["token", *words, "--data", str(tmp_path), "--lang", "en"]
        done = CliRunner().invoke(main, line)
        return done.exit_code, done.stdout, done.stderr

    return run


def test_a_token_is_shown_once_and_only_its_hash_is_kept(run: Run, tmp_path: Path) -> None:
    code, out, err = run("add", "backup job", "--scope", "queue:read", "--days", "30")
    token = out.strip()
    assert code == 0
    assert token.startswith("ulak_")
    assert "backup job" in err
    kept = (tmp_path / "access.db").read_bytes()
    assert token.encode() not in kept
    assert stat.S_IMODE((tmp_path / "access.db").stat().st_mode) == 0o600
    found = SqliteAccessTokens(tmp_path / "access.db").find(hashed(token))
    assert found is not None
    assert found.scopes == ("queue:read",)
    assert found.until == pytest.approx(time.time() + 30 * 86_400, abs=60)
    code, out, _ = run("list")
    assert "backup job" in out
    assert token not in out


def test_no_two_tokens_have_one_name(run: Run) -> None:
    assert run("add", "one", "--scope", "queue:read")[0] == 0
    code, out, err = run("add", "one", "--scope", "queue:read")
    assert (code, out) == (1, "")
    assert "ulak token remove" in err


@pytest.mark.parametrize("name", ["", " x", "x" * 61, "a\nb", "a\x1bb"])
def test_a_name_can_be_printed(run: Run, name: str) -> None:
    code, out, err = run("add", name, "--scope", "queue:read")
    assert (code, out) == (2, "")
    assert "A name has 1 to 60" in err


def test_scopes_are_those_that_there_are(run: Run) -> None:
    assert run("add", "x", "--scope", "everything")[0] == 2
    assert run("add", "x")[0] == 2
    every = [word for scope in SCOPES for word in ("--scope", scope)]
    assert run("add", "x", *every)[0] == 2  # nobody to send as
    assert run("add", "x", *every, "--account", "ada@example.org")[0] == 1  # no such account
    others = [scope for scope in SCOPES if scope != "messages:send"]
    alone = [word for scope in others for word in ("--scope", scope)]
    assert run("add", "x", *alone)[0] == 0


def test_what_is_removed_is_gone(run: Run, tmp_path: Path) -> None:
    token = run("add", "one", "--scope", "queue:write")[1].strip()
    file = SqliteAccessTokens(tmp_path / "access.db")
    assert file.find(hashed(token)) is not None
    assert run("remove", "one")[0] == 0
    assert file.find(hashed(token)) is None
    assert run("remove", "one")[0] == 1
    assert "no access tokens" in run("list")[1]


def test_json_has_it_all_but_the_secret(run: Run) -> None:
    made = json.loads(run("add", "one", "--scope", "status:read", "--json")[1])
    assert made["token"].startswith("ulak_")
    (listed,) = json.loads(run("list", "--json")[1])["tokens"]
    assert listed == {k: v for k, v in made.items() if k != "token"}


def test_looking_makes_no_file(run: Run, tmp_path: Path) -> None:
    run("list")
    assert not (tmp_path / "access.db").exists()
