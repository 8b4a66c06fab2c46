"""`ulak why` tells stories from the journals of all workers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ulak.cli import main
from ulak.journal.entry import Entry, Kind
from ulak.journal.sqlite import SqliteJournal


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose data folder has the journals of two workers."""
    for worker, entry in (
        (
            0,
            Entry(
                1.7e9,
                Kind.ACCEPTED,
                session="session-1",
                message="message-1",
                facts={"sender": "ada@example.org", "recipients": "grace@example.net"},
            ),
        ),
        (
            1,
            Entry(
                1.7e9 + 1,
                Kind.DELIVERED,
                message="message-1",
                facts={"recipient": "grace@example.net"},
            ),
        ),
        (1, Entry(1.7e9, Kind.ACCEPTED, message="message-2")),
    ):
        journal = SqliteJournal(tmp_path / "data/journal" / str(worker), clock=lambda: 1.7e9)
        journal.write(entry)
        journal.close()
    file = tmp_path / "ulak.toml"
    file.write_text('hostname = "mx.example.org"\ndata = "data"\n')
    return file


def run(*words: object) -> int:
    return main.main([str(word) for word in words], standalone_mode=False)


def test_a_message_is_told_over_all_workers(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("why", "message-1", "--config", config, "--lang", "en") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "The message from ada@example.org for grace@example.net was accepted" in told
    assert "The message is delivered to all of its recipients." in told


def test_a_story_is_told_in_turkish(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("why", "message-1", "--config", config, "--lang", "tr") == 0
    assert "İleti bütün alıcılarına teslim edildi." in capsys.readouterr().out


def test_a_story_is_one_json_object(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("why", "session-1", "--config", config, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["what"], told["id"]) == ("session", "session-1")
    assert told["entries"][0]["facts"]["sender"] == "ada@example.org"


@pytest.mark.parametrize(
    "given", ["7k3m9q2xw4tz", "7K3M9Q2XW4TZ", "https://mx.example.org/why/7k3m9q2xw4tz", "7k3m9q"]
)
def test_a_refusal_is_told_by_its_id_or_its_link(
    config: Path, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    journal = SqliteJournal(config.parent / "data/journal/1", clock=lambda: 1.7e9)
    facts = {"ip": "192.0.2.1", "refusal": "7k3m9q2xw4tz", "reply": "554 5.7.1 no"}
    journal.write(Entry(1.7e9, Kind.REFUSED, "client-denied", session="session-9", facts=facts))
    journal.close()
    assert run("why", given, "--config", config, "--json") == 0
    assert json.loads(capsys.readouterr().out)["id"] == "session-9"


@pytest.mark.parametrize(
    ("identifier", "code", "sentence"),
    [
        ("unknown", 1, "The journal knows nothing of unknown."),
        ("mess", 1, "A shortened id needs six characters or more."),
        ("messag", 2, "messag could be any of message-1, message-2. Please give more of the id."),
    ],
)
def test_an_id_that_leads_nowhere_is_said_to(
    identifier: str, code: int, sentence: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("why", identifier, "--config", config, "--lang", "en") == code
    said = capsys.readouterr()
    assert said.out == ""
    assert sentence in said.err


def test_a_server_that_never_ran_is_said_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "ulak.toml"
    file.write_text('hostname = "mx.example.org"\ndata = "nowhere"\n')
    assert run("why", "message-1", "--config", file, "--lang", "en") == 2
    assert "Has the server run with this data folder?" in capsys.readouterr().err


def test_a_damaged_file_is_told_and_the_rest_is_told_all_the_same(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = config.parent / "data/journal/0/journal-00000001.db"
    damaged.write_bytes(b"nonsense" * 1000)
    assert run("why", "message-1", "--config", config, "--lang", "en") == 0
    said = capsys.readouterr()
    assert "cannot be read in full" in said.err
    assert "was delivered to grace@example.net" in said.out
