"""`ulak queue list` and `show` tell what a sender asked for and why a message waits."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import free_port
from tests.delivery.site.said import SAID, Said

from ulak.cli import main
from ulak.cli.frame import FAILED, USAGE
from ulak.delivery.site.rules import Act, default
from ulak.journal.entry import Kind
from ulak.journal.reader import JournalReader
from ulak.language import LANGUAGES
from ulak.mail.envelope import DeliverBy, Envelope, RecipientWishes, Wishes
from ulak.queue.item import Body, Message, Pending, Selection, State
from ulak.queue.sqlite import SqliteStore, open_reader
from ulak.replies import catalog

NOON = 1_793_707_200.0
LATER = 4_000_000_000.0  # 2 October 2096
PLAIN = Message(
    "plain", Envelope("ada@example.org", ("b@example.net",)), Body(8, b"a: b\r\n\r\n"), NOON
)
WISHES = Wishes(
    envid="QQ\x1b314",
    priority=3,
    deliver_by=DeliverBy(NOON + 7200, "N"),
    hold_until=LATER,
    require_tls=True,
    quarantine="dmarc-quarantine",
)
ASKED = {"b@example.net": RecipientWishes(frozenset({"SUCCESS", "DELAY"}), "rfc822;B@example.net")}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose queue has a plain message and one that is to be sent later."""

    async def fill() -> None:
        store = SqliteStore(tmp_path / "data/queue/0")
        await store.put(PLAIN, [Pending("b@example.net", "example.net", due=NOON)])
        held = catalog.HELD_FOR_RELEASE.reply(until="later")
        envelope = replace(PLAIN.envelope, wishes=WISHES, asked=ASKED)
        await store.put(
            replace(PLAIN, id="wishing", envelope=envelope, received=time.time()),
            [
                Pending(
                    "b@example.net",
                    "example.net",
                    due=LATER,
                    cause=held.cause,
                    reply=str(held),
                )
            ],
        )
        await store.close()

    asyncio.run(fill())
    file = tmp_path / "ulak.toml"
    file.write_text('hostname = "mx.example.org"\ndata = "data"\n')
    return file


def run(*words: object) -> int:
    return main.main([str(word) for word in words], standalone_mode=False)


def test_a_listing_names_the_cause_of_waiting_and_the_wishes(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("queue", "list", "--config", config, "--lang", "en") == 0
    assert "held-for-release" in capsys.readouterr().out
    assert run("queue", "list", "--config", config, "--json") == 0
    plain, wishing = json.loads(capsys.readouterr().out)["recipients"]
    assert plain["wishes"] == {}
    assert wishing["cause"] == "held-for-release"
    assert wishing["wishes"] == {
        "envid": "QQ\x1b314",
        "require_tls": True,
        "priority": 3,
        "hold_until": LATER,
        "quarantine": "dmarc-quarantine",
        "deliver_by": {"until": NOON + 7200, "mode": "N", "trace": False},
    }


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((), ["plain", "wishing"]),
        (("--state", "held"), []),
        (("--state", "ready", "--domain", "example.net"), ["plain", "wishing"]),
        (("--domain", "example.com", "--domain", "example.net"), ["plain", "wishing"]),
        (("--older-than", "1h"), ["plain"]),
        (("--older-than", "1h", "--cause", "held-for-release"), []),
        (("--older-than", "0s", "--all"), ["plain", "wishing"]),
    ],
)
def test_a_listing_is_narrowed_down_as_in_the_console(
    config: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], found: list[str]
) -> None:
    assert run("queue", "list", *words, "--config", config, "--json") == 0
    rows = json.loads(capsys.readouterr().out)["recipients"]
    assert [row["id"] for row in rows] == found
    assert run("queue", "list", *words, "--config", config, "--lang", "en") == 0
    assert ("No recipient in the queue fits" in capsys.readouterr().out) is (not found)


def test_what_is_no_duration_is_told_and_nothing_is_done(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("queue", "drop", "--older-than", "soon", "--config", config, "--lang", "en")
    assert run(*words) == USAGE
    assert "soon is no duration: write `90s`, `4h` or `5d`" in capsys.readouterr().err


def test_what_is_old_enough_is_dropped_and_the_rest_stays(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("queue", "drop", "--older-than", "1h", "--config", config, "--lang", "en") == 0
    capsys.readouterr()
    assert run("queue", "list", "--config", config, "--json") == 0
    assert [row["id"] for row in json.loads(capsys.readouterr().out)["recipients"]] == ["wishing"]


def test_one_message_is_shown_with_what_was_asked_for_each_recipient(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("queue", "show", "wishing", "--config", config, "--lang", "en") == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    told = " ".join(out.split())
    assert "The sender asked for envid=QQ" in told
    assert "priority=3" in told
    assert "require_tls=yes" in told
    assert "The message was put apart (dmarc-quarantine)" in told
    assert "quarantine=" not in told
    assert "The sender asked for notify=DELAY+SUCCESS, orcpt=rfc822;B@example.net." in told
    assert "Held until 2096-" in told
    assert "`ulak queue retry` sends it now" in told
    assert run("queue", "show", "wishing", "--config", config, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["wishes"]["priority"] == 3
    assert shown["recipients"][0]["asked"] == {
        "notify": ["DELAY", "SUCCESS"],
        "orcpt": "rfc822;B@example.net",
    }


def test_mail_for_later_that_is_sent_now_waits_as_any_other(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("queue", "retry", "wishing", "--config", config) == 0
    capsys.readouterr()
    assert run("queue", "show", "wishing", "--config", config, "--lang", "en") == 0
    out = capsys.readouterr().out
    assert "Held until" not in out
    assert "Not tried yet" in out


def test_a_plain_message_shows_no_wishes(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("queue", "show", "plain", "--config", config, "--lang", "en") == 0
    out = capsys.readouterr().out
    assert "asked for" not in out
    assert "Not tried yet" in out


def put(folder: Path, *pending: Pending) -> Path:
    """Make a configuration whose queue has one message for these."""

    async def fill() -> None:
        store = SqliteStore(folder / "data/queue/0")
        await store.put(PLAIN, pending)
        await store.close()

    asyncio.run(fill())
    file = folder / "ulak.toml"
    file.write_text('hostname = "mx.example.org"\ndata = "data"\n')
    return file


def waiting(said: Said, number: int) -> Pending:
    """What waits after a reply of a provider, kept in the queue as it comes out of an attempt."""
    return Pending(
        f"{number}@example.net",
        "example.net",
        due=LATER,
        attempts=1,
        cause=said.cause,
        reply=said.reply.replace("\n", " "),
        host=f"{said.hosts[0]} [192.0.2.9]:25",
    )


def test_a_message_shows_by_which_rule_it_waits_and_where_that_was_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    several = [said for said in SAID if said.reply.startswith("4") and "\n" not in said.reply]
    config = put(tmp_path, *(waiting(said, number) for number, said in enumerate(several)))
    assert run("queue", "show", "plain", "--config", config, "--json") == 0
    rows = json.loads(capsys.readouterr().out)["recipients"]
    for row in rows:
        said = several[int(row["recipient"].partition("@")[0])]
        rule = default(said.rule)
        assert rule is not None
        acts = rule.act is not Act.NONE and (rule.act is not Act.RETRY or rule.wait)
        assert row.get("rule") == (rule.name if acts else None)
        read = {"source": rule.source, "date": rule.date} if rule.source else None
        assert row.get("read") == read
    assert len(rows) == len(several)
    assert run("queue", "show", "plain", "--config", config, "--lang", "en") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "It waits by the rule yahoo-deferred. The rule follows https://help.yahoo.com/" in shown
    assert "cisco-hourly. The rule follows what is generally known of the provider" in shown


def test_the_operators_rule_is_shown_in_place_of_a_default(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = next(said for said in SAID if said.rule == "yahoo-deferred")
    config = put(tmp_path, waiting(said, 0))
    with config.open("a") as file:
        file.write(f'[[delivery.rule]]\ncauses = ["{said.cause}"]\naction = "retry"\nwait = "1h"\n')
    assert run("queue", "show", "plain", "--config", config, "--lang", "en") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "It waits by the rule configured." in shown
    assert "help.yahoo.com" not in shown


def test_what_was_never_tried_or_is_held_waits_by_no_rule(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = next(said for said in SAID if said.rule == "yahoo-deferred")
    held = replace(waiting(said, 1), state=State.HELD)
    config = put(tmp_path, Pending("0@example.net", "example.net", due=LATER), held)
    assert run("queue", "show", "plain", "--config", config, "--json") == 0
    rows = json.loads(capsys.readouterr().out)["recipients"]
    assert [row.get("rule") for row in rows] == [None, None]


@pytest.fixture
def away(tmp_path: Path) -> Path:
    """A configuration whose database is away, and a message that waits here for it."""

    async def fill() -> None:
        store = SqliteStore(tmp_path / "data/spill/0")
        await store.put(PLAIN, [Pending("b@example.net", "example.net", due=NOON)])
        await store.close()

    asyncio.run(fill())
    file = tmp_path / "ulak.toml"
    file.write_text(
        'hostname = "mx.example.org"\ndata = "data"\n'
        f'[queue]\nstore = "postgresql://ulak@127.0.0.1:{free_port()}/ulak"\nspill = true\n'
    )
    return file


def state_here(config: Path) -> list[State]:
    with open_reader(config.parent / "data/spill/0") as reader:
        return [row.pending.state for row in reader.list(Selection(everything=True))]


def test_what_waits_here_is_shown_while_the_database_is_away(
    away: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("queue", "list", "--config", away, "--lang", "en") == FAILED
    said = capsys.readouterr()
    assert "b@example.net" in said.out
    assert "cannot be reached" in said.err
    assert "Messages that this machine alone has" in said.err
    assert run("queue", "list", "--config", away, "--json") == FAILED
    told = json.loads(capsys.readouterr().out)
    assert [(row["id"], row["spilled"]) for row in told["recipients"]] == [("plain", True)]
    assert "cannot be reached" in told["away"]
    assert run("queue", "show", "plain", "--config", away, "--lang", "en") == 0
    said = capsys.readouterr()
    assert "This machine alone has it" in said.out
    assert "a: b" in said.out
    for words in (("list", "--domain", "example.com"), ("show", "another")):
        assert run("queue", *words, "--config", away, "--lang", "en") == FAILED
        assert "cannot be reached" in capsys.readouterr().err


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_waits_here_is_changed_while_the_database_is_away_and_that_is_all(
    away: Path, capsys: pytest.CaptureFixture[str], lang: str
) -> None:
    states = {"hold": [State.HELD], "release": [State.READY], "retry": [State.READY], "drop": []}
    for verb, after in states.items():
        assert run("queue", verb, "--all", "--config", away, "--lang", lang) == FAILED
        said = capsys.readouterr().err
        assert ": 1. " in said
        assert "cannot be reached" in said
        assert state_here(away) == after
    assert run("queue", "hold", "--all", "--config", away, "--lang", lang) == FAILED
    assert ": 1. " not in capsys.readouterr().err, "nothing is here any more"
    journal = JournalReader([away.parent / "data/journal/0"])
    verbs = [entry.facts["verb"] for entry in journal.recent(9, (Kind.OPERATED,))]
    assert verbs == ["drop", "retry", "release", "hold"]
