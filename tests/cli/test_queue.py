"""`ulak queue list` and `show` tell what a sender asked for and why a message waits."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from ulak.cli import main
from ulak.mail.envelope import DeliverBy, Envelope, RecipientWishes, Wishes
from ulak.queue.item import Body, Message, Pending
from ulak.queue.sqlite import SqliteStore
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
            replace(PLAIN, id="wishing", envelope=envelope),
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
