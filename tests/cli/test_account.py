"""`ulak account` makes, changes and shows who may log in, beside a running server or without."""

from __future__ import annotations

import json
import os
import pty
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from ulak.accounts import password
from ulak.accounts.account import Account, Role
from ulak.accounts.attempts import Attempts
from ulak.accounts.sqlite import SqliteAccounts, SqliteRecords
from ulak.cli import main

SECRET = "correct horse battery"


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


class Desk:
    """The command line on one configuration."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "ulak.toml"
        self.file.write_text('data = "data"\n[domains."example.org"]\nmailboxes = ["*"]\n')
        self.data = folder / "data"

    def __call__(self, *words: str, given: str | bytes = SECRET + "\n", lang: str = "en") -> Ran:
        line = ["account", *words, "--config", str(self.file), "--lang", lang]
        done = CliRunner().invoke(main, line, input=given)
        return Ran(done.exit_code, done.stdout, done.stderr)

    def find(self, address: str) -> Account | None:
        accounts = SqliteAccounts(self.data / "accounts.db")
        try:
            return accounts.find(address)
        finally:
            accounts.close()

    def fail(self, ip: str, name: str, times: int) -> None:
        records = SqliteRecords(self.data / "attempts.db")
        for _ in range(times):
            Attempts(records).failed(ip, name, time.time())
        records.close()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_an_account_is_added_with_the_password_on_standard_input(desk: Desk) -> None:
    ran = desk(
        "add", "Ada@example.org", "--send-as", "info@example.org", "--send-as", "*@x.example"
    )
    assert ran == Ran(0, "Ada@example.org can log in now.\n", "")
    account = desk.find("ada@example.org")
    assert account is not None
    assert password.matches(account.password, SECRET)
    assert account.scram is not None
    assert account.scram.matches(SECRET)
    assert account.addresses == ("Ada@example.org", "info@example.org", "*@x.example")
    assert account.messages_per_hour is None
    assert SECRET.encode() not in b"".join(f.read_bytes() for f in desk.data.iterdir())


@pytest.mark.parametrize(
    ("option", "ways"), [("--no-plain", (False, True)), ("--no-scram", (True, False))]
)
def test_a_way_of_logging_in_can_be_left_out(
    desk: Desk, option: str, ways: tuple[bool, bool]
) -> None:
    assert desk("add", "ada@example.org", option).code == 0
    assert desk("password", "ada@example.org", given="another horse\n").code == 0
    account = desk.find("ada@example.org")
    assert account is not None
    assert (bool(account.password), account.scram is not None) == ways


def test_limits_are_kept(desk: Desk) -> None:
    desk("add", "ada@example.org", "--messages-per-hour", "5", "--recipients-per-hour", "0")
    account = desk.find("ada@example.org")
    assert account is not None
    assert (account.messages_per_hour, account.recipients_per_hour) == (5, 0)


def test_mail_for_a_foreign_domain_is_spoken_of(desk: Desk) -> None:
    ran = desk("add", "ada@example.net")
    assert ran.code == 0
    assert "Mail for example.net does not end on this server" in ran.err


@pytest.mark.parametrize(
    ("words", "given", "code", "sentence"),
    [
        (["ada"], SECRET, 2, "ada is no mail address; write it whole"),
        (["ada@example.org", "--send-as", "*"], SECRET, 2, "* is no mail address"),
        (["ada@example.org", "--send-as", "*@"], SECRET, 2, "*@ is no mail address"),
        (["ada@example.org"], "", 1, "A password has to be given"),
        (["ada@example.org"], "\n", 1, "A password has to be given"),
        (["ada@example.org"], "1234567\n", 1, "fewer than 8 characters"),
        (["ada@example.org"], "ADA@example.org\n", 1, "The password is the address"),
        (["ada@example.org"], "tab\tulator\n", 1, "not every keyboard has"),
        (["ada@example.org"], b"\xff\xfe12345678\n", 1, "The password is not UTF-8"),
        (["ada@example.org"], "abcdefgh\u05d0\n", 1, "SCRAM does not allow"),
        (["ada@example.org"], "x" * 1001, 1, "more than 1,000 characters"),
        (["ada@example.org", "--no-plain", "--no-scram"], SECRET, 2, "could not log in at all"),
        (["ada@example.org", "--messages-per-hour", "-1"], SECRET, 2, "--messages-per-hour"),
    ],
)
def test_what_is_no_account_is_said_in_a_sentence(
    desk: Desk, words: Sequence[str], given: str | bytes, code: int, sentence: str
) -> None:
    ran = desk("add", *words, given=given)
    assert (ran.code, ran.out) == (code, "")
    assert sentence in ran.err
    assert ran.err.count("\n") == 1
    assert desk.find("ada@example.org") is None


def test_an_account_is_not_overwritten_unasked(desk: Desk) -> None:
    desk("add", "ada@example.org", "--send-as", "info@example.org")
    before = desk.find("ada@example.org")
    ran = desk("add", "ADA@example.org", given="another horse\n")
    assert ran.code == 1
    assert "There is an account ada@example.org already" in ran.err
    assert desk.find("ada@example.org") == before
    ran = desk("add", "ada@example.org", "--replace", given="another horse\n")
    assert ran.out == "ada@example.org was made anew and can log in with the new password.\n"
    after = desk.find("ada@example.org")
    assert before is not None
    assert after is not None
    assert password.matches(after.password, "another horse")
    assert (after.send_as, after.made) == ((), before.made)


def test_a_password_is_changed_and_all_else_stays(desk: Desk) -> None:
    desk("add", "ada@example.org", "--send-as", "info@example.org")
    assert desk("password", "ada@example.org", given="another horse\r\n").code == 0
    account = desk.find("ada@example.org")
    assert account is not None
    assert password.matches(account.password, "another horse")
    assert not password.matches(account.password, SECRET)
    assert account.send_as == ("info@example.org",)


def test_an_account_is_disabled_and_enabled(desk: Desk) -> None:
    desk("add", "ada@example.org")
    for verb, disabled in (("disable", True), ("enable", False)):
        assert desk(verb, "Ada@Example.org").code == 0
        account = desk.find("ada@example.org")
        assert account is not None
        assert account.disabled is disabled


def test_an_account_is_removed(desk: Desk) -> None:
    desk("add", "ada@example.org")
    assert desk("remove", "Ada@Example.org").out.startswith("The account ada@example.org is gone")
    assert desk.find("ada@example.org") is None


@pytest.mark.parametrize("verb", ["remove", "password", "disable", "enable"])
def test_who_is_not_there_is_said_not_to_be(desk: Desk, verb: str) -> None:
    ran = desk(verb, "nobody@example.org")
    assert (ran.code, ran.out) == (1, "")
    assert "There is no account nobody@example.org" in ran.err
    assert not desk.data.exists(), "looking makes nothing"


def test_accounts_are_listed(desk: Desk) -> None:
    assert desk("list").out == "There are no accounts yet; `ulak account add` makes one.\n"
    desk("add", "ada@example.org", "--send-as", "info@example.org", "--messages-per-hour", "9")
    desk("add", "grace@example.org", "--no-plain")
    desk("disable", "grace@example.org")
    ada, grace = desk("list").out.split("\n")[1:3]
    assert ada.split()[:5] == ["ada@example.org", "info@example.org", "plain,", "scram", "9"]
    assert "disabled" in grace
    (first, second) = json.loads(desk("list", "--json").out)["accounts"]
    assert first["send_as"] == ["info@example.org"]
    assert first["messages_per_hour"] == 9
    assert (second["ways"], second["disabled"]) == (["scram"], True)
    assert not {"password", "scram"} & first.keys()


def test_who_is_shut_out_is_listed_and_let_in_again(desk: Desk) -> None:
    assert desk("bans").out == "Nobody is shut out.\n"
    assert desk("unban", "192.0.2.1").code == 1
    desk.fail("192.0.2.1", "ada@example.org", 10)
    told = desk("bans").out
    assert "192.0.2.1 " in told
    assert "ada@example.org, from 192.0.2.0/24 " in told
    bans = json.loads(desk("bans", "--json").out)["bans"]
    assert {(b["account"], b.get("address"), b.get("network")) for b in bans} == {
        (None, "192.0.2.1", None),
        ("ada@example.org", None, "192.0.2.0/24"),
    }
    assert desk("unban", "Ada@example.org").code == 0
    assert desk("unban", "192.0.2.1").out.endswith("1 ban was lifted.\n")
    assert desk("bans").out == "Nobody is shut out.\n"


def test_a_damaged_file_is_said_to_be_one(desk: Desk) -> None:
    desk.data.mkdir()
    (desk.data / "accounts.db").write_bytes(b"nonsense" * 1000)
    ran = desk("list")
    assert ran.code == 2
    assert "accounts.db cannot be used: file is not a database." in ran.err


def test_it_speaks_turkish(desk: Desk) -> None:
    assert (
        desk("add", "ada@example.org", lang="tr").out == "ada@example.org artık oturum açabilir.\n"
    )
    assert "8 karakterden kısa" in desk("add", "x@example.org", given="kısa\n", lang="tr").err


def at_a_terminal(desk: Desk, *answers: str) -> tuple[int, str]:
    """Type passwords at a terminal; give the exit code and all that it showed."""
    words = ["account", "add", "ada@example.org", "--config", str(desk.file), "--lang", "en"]
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-m", "ulak", *words])
    shown = b""
    waiting = list(answers)
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            piece = b""
        if not piece:
            break
        shown += piece
        if waiting and shown.count(b": ") == len(answers) - len(waiting) + 1:
            os.write(terminal, waiting.pop(0).encode() + b"\n")
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()


def test_at_a_terminal_the_password_is_asked_for_twice_and_not_shown(desk: Desk) -> None:
    code, shown = at_a_terminal(desk, SECRET, SECRET)
    assert code == 0, shown
    assert SECRET not in shown
    assert "Password: " in shown
    account = desk.find("ada@example.org")
    assert account is not None
    assert password.matches(account.password, SECRET)


def test_two_passwords_that_differ_are_no_password(desk: Desk) -> None:
    code, shown = at_a_terminal(desk, SECRET, SECRET + "!")
    assert code == 1
    assert "The two passwords are not the same" in shown
    assert desk.find("ada@example.org") is None


def test_a_role_is_given_shown_and_taken(desk: Desk) -> None:
    desk("add", "ada@example.org")
    before = desk.find("ada@example.org")
    assert before is not None
    assert desk("role", "ada@example.org", "admin").out.startswith("ada@example.org may see")
    after = desk.find("ada@example.org")
    assert after is not None
    assert after.role is Role.ADMIN
    assert after.changed > before.changed
    assert "admin" in desk("list").out
    assert json.loads(desk("list", "--json").out)["accounts"][0]["role"] == "admin"
    assert desk("role", "ada@example.org", "none", lang="tr").code == 0
    gone = desk.find("ada@example.org")
    assert gone is not None
    assert not gone.role
    assert desk("role", "ada@example.org", "root").code == 2
    assert desk("role", "grace@example.org", "admin").code == 1


def test_a_role_without_a_password_is_warned_of(desk: Desk) -> None:
    desk("add", "ada@example.org", "--no-plain")
    assert "SCRAM" in desk("role", "ada@example.org", "read-only").err
    assert desk("role", "ada@example.org", "none").err == ""
