"""`ulak suppression` shows and changes whom nothing is sent to."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ulak.app.operator import caller
from ulak.app.supervisor import lock
from ulak.cli import main
from ulak.journal.entry import Kind
from ulak.journal.reader import JournalReader
from ulak.language import LANGUAGES
from ulak.suppression.sqlite import SqliteSuppressions
from ulak.suppression.suppressed import Suppressed

BOB = "bob@example.net"


class Desk:
    def __init__(self, folder: Path) -> None:
        self.file = folder / "ulak.toml"
        self.file.write_text('data = "data"\n')
        self.data = folder / "data"
        self.store = SqliteSuppressions(self.data / "suppressions.db")

    def __call__(self, *words: str, lang: str = "en") -> Result:
        line = ["suppression", *words, "--config", str(self.file), "--lang", lang]
        return CliRunner().invoke(main, line)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_an_address_is_put_there_shown_and_taken_off(desk: Desk) -> None:
    assert "no address on the suppression list" in desk("list").stdout
    assert desk("show", BOB).exit_code == 1
    added = desk("add", "bob@EXAMPLE.net", "--note", "asked by phone", "--days", "30")
    assert added.exit_code == 0
    assert "bob@example.net is on the suppression list" in added.stdout
    shown = desk("show", BOB)
    assert shown.exit_code == 0
    assert "whoever writes" in shown.stdout
    assert "asked by phone" in shown.stdout
    assert "It ends at" in shown.stdout
    listed = desk("list").stdout
    assert BOB in listed
    assert "by-hand" in listed
    removed = desk("remove", "bob@Example.net")
    assert (removed.exit_code, "is off the suppression list" in removed.stdout) == (0, True)
    assert desk("remove", BOB).exit_code == 1
    assert not desk.store.any()


def test_an_entry_may_be_for_the_senders_of_one_domain(desk: Desk) -> None:
    assert desk("add", BOB, "--for", "Example.ORG").exit_code == 0
    assert desk.store.find(BOB, "example.org", 0.0) is not None
    assert desk.store.find(BOB, "example.com", 0.0) is None
    assert "from addresses in example.org" in " ".join(desk("show", BOB).stdout.split())
    assert desk("remove", BOB, "--for", "example.com").exit_code == 1
    assert desk("remove", BOB, "--for", "example.org").exit_code == 0


def test_what_a_server_put_there_names_the_message_and_goes_to_programs(desk: Desk) -> None:
    reply = "550 5.1.1 no such \x1b[31muser"
    desk.store.add(Suppressed(BOB, "", "no-such-mailbox", reply, "M1", 1000.0))
    shown = desk("show", BOB).stdout
    assert "ulak why M1" in shown
    assert "\x1b" not in shown
    told = json.loads(desk("list", "--json").stdout)["addresses"]
    assert told == json.loads(desk("show", BOB, "--json").stdout)["addresses"]
    assert told == [
        {
            "address": BOB,
            "for": None,
            "cause": "no-such-mailbox",
            "reply": reply,
            "message": "M1",
            "since": 1000.0,
            "until": None,
        }
    ]
    assert json.loads(desk("list", "--domain", "EXAMPLE.com", "--json").stdout)["addresses"] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_no_address_is_a_sentence(desk: Desk, lang: str) -> None:
    for verb in ("add", "remove", "show"):
        done = desk(verb, "bob", lang=lang)
        assert done.exit_code == 2
        assert "ada@example.org" in done.stderr


def test_a_file_that_is_none_is_a_sentence(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "suppressions.db").write_bytes(b"nonsense" * 1000)
    done = desk("list")
    assert done.exit_code == 1
    assert "cannot be used" in done.stderr


def test_who_changed_what_is_in_the_audit(desk: Desk) -> None:
    desk("add", BOB, "--for", "Example.ORG", "--note", "asked by phone")
    desk("add", BOB)
    desk("remove", BOB, "--for", "example.com")
    desk("remove", BOB)
    desk("remove", BOB)
    journal = JournalReader([desk.data / "journal" / "0"])
    noted = [dict(entry.facts) for entry in journal.recent(9, (Kind.OPERATED,))]
    who = {"who": caller().who, "from": "command", "recipient": BOB}
    assert noted == [
        {"verb": "unsuppress", **who},
        {"verb": "suppress", **who},
        {"verb": "suppress", "for": "example.org", **who},
    ]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_a_server_does_not_note_is_told_and_done_all_the_same(desk: Desk, lang: str) -> None:
    held = lock(desk.data)
    try:
        done = desk("add", BOB, lang=lang)
    finally:
        os.close(held)
    assert done.exit_code == 1
    assert "No worker of the running server" in done.stderr
    assert desk.store.find(BOB, "", 0.0) is not None
