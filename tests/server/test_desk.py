"""Mail of one's own users on its way in: put in order, in memory or into a file, and counted."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from ulak.accounts.account import Account
from ulak.accounts.allowance import Allowance, Sent
from ulak.accounts.memory import MemoryLedger
from ulak.accounts.purser import Purser
from ulak.accounts.store import AccountsError
from ulak.journal.entry import Kind
from ulak.journal.printed import printed
from ulak.journal.story import tell
from ulak.journal.trace import Trace, What

from .dialogue import Client, Server, configured, kept
from .doors import SECRET

STAMPS = b"Date: Sun, 09 Sep 2001 01:46:40 -0000\r\nMessage-ID: <id2@mx.example.org>\r\n"
FULL = "From: ada@example.org\r\nBcc: b@example.net\r\nTo: far@example.net\r\n\r\n"


def server(folder: Path, **settings: str) -> Server:
    return configured(folder, {"login": "PLAIN", "tls": "implicit", "size": "5000000", **settings})


async def opened(client: Client) -> None:
    await client.begin_tls()
    login = base64.b64encode(f"\0ada@example.org\0{SECRET}".encode()).decode()
    assert (await client.ask("EHLO client.example", f"AUTH PLAIN {login}"))[-1].startswith("235")


async def ready(client: Client) -> None:
    said = await client.ask("MAIL FROM:<ada@example.org>", "RCPT TO:<far@example.net>", "DATA")
    assert said[-1].startswith("354"), said


def hand_in(made: Server, *pieces: str) -> list[str]:
    """Send a message in pieces, each after the server has done what it does with the last."""

    async def talk(client: Client) -> list[str]:
        await opened(client)
        await ready(client)
        await client.send(*(piece.encode() for piece in pieces), b"\r\n.\r\n")
        return client.take()

    return made.play(talk)


def test_a_message_is_put_in_order(tmp_path: Path) -> None:
    made = server(tmp_path)
    assert hand_in(made, FULL, "hello")[0].startswith("250")
    assert kept(made) == [
        b"From: ada@example.org\r\nTo: far@example.net\r\n" + STAMPS + b"\r\nhello\r\n"
    ]


def test_a_large_one_is_so_before_it_goes_into_a_file(tmp_path: Path) -> None:
    made = server(tmp_path, threshold="10")
    body = ["x" * 1000 + "\r\n"] * 20
    assert hand_in(made, "From: ada@exam", "ple.org\r\nBcc: b@", "x.example\r\n\r", "\n", *body)[
        0
    ].startswith("250")
    whole = b"From: ada@example.org\r\n" + STAMPS + b"\r\n" + "".join(body).encode() + b"\r\n"
    assert kept(made) == [whole]
    assert made.store.messages[0].body.path is not None
    assert made.store.messages[0].body.size == len(made.store.bodies[0])


@pytest.mark.parametrize("threshold", ["10", "1000000"])
def test_so_is_one_in_chunks(tmp_path: Path, threshold: str) -> None:
    made = server(tmp_path, threshold=threshold)
    pieces = [b"Bcc: b@x.exam", b"ple\r\nFrom: ada@example.org\r", b"\n\r", b"\nhello\r\n"]

    async def talk(client: Client) -> list[str]:
        await opened(client)
        await client.ask("MAIL FROM:<ada@example.org>", "RCPT TO:<far@example.net>")
        for piece in pieces:
            await client.send(b"BDAT %d\r\n" % len(piece) + piece)
        return await client.ask("BDAT 0 LAST")

    assert made.play(talk)[-1].startswith("250 2.0.0 Message")
    assert kept(made) == [b"From: ada@example.org\r\n" + STAMPS + b"\r\nhello\r\n"]


@pytest.mark.parametrize("threshold", ["10", "1000000"])
@pytest.mark.parametrize(
    ("header", "refusal"),
    [
        ("From: grace@example.org\r\n\r\n", "550 5.7.1 The From field names <grace@example.org>"),
        ("From: ?\r\n\r\n", "550 5.6.0"),
        ("no field\r\n\r\n", "554 5.6.0"),
        ("From: ada@example.org\r\n" * 2 + "\r\n", "554 5.6.0"),
        ("X: " + "x" * 900 + "\r\n", "554 5.6.0"),
    ],
)
def test_what_is_refused_leaves_nothing(
    tmp_path: Path, threshold: str, header: str, refusal: str
) -> None:
    made = server(tmp_path, threshold=threshold)
    pieces = [header] if header.endswith("\r\n\r\n") else [header] * 2000
    (said,) = hand_in(made, *pieces, *["y" * 500 + "\r\n"] * 10)
    assert said.startswith(refusal), said
    assert not made.store.messages
    assert not list(tmp_path.iterdir())
    assert not made.site.held


def test_without_a_login_a_submitted_message_is_put_in_order_all_the_same(tmp_path: Path) -> None:
    made = configured(tmp_path, {"kind": "submission", "relay": "192.0.2.0/24"})

    async def talk(client: Client) -> list[str]:
        await client.ask("EHLO client.example")
        await client.ask("MAIL FROM:<x@example.net>", "RCPT TO:<far@example.net>", "DATA")
        return await client.ask("From: x@example.net", "Bcc: b@example.net", "", "hello", ".")

    assert made.play(talk)[0].startswith("250")
    stamps = STAMPS.replace(b"id2", b"id2")
    assert kept(made) == [b"From: x@example.net\r\n" + stamps + b"\r\nhello\r\n"]


def test_mail_of_other_servers_is_left_as_it_is(tmp_path: Path) -> None:
    made = server(tmp_path)

    async def talk(client: Client) -> list[str]:
        await client.begin_tls()
        await client.ask("EHLO client.example")
        await client.ask("MAIL FROM:<x@example.net>", "RCPT TO:<ada@example.org>", "DATA")
        return await client.ask("From: x@example.net", "Bcc: b@example.net", "", "hello", ".")

    assert made.play(talk)[0].startswith("250")
    assert kept(made) == [b"From: x@example.net\r\nBcc: b@example.net\r\n\r\nhello\r\n"]


_BROKEN = AccountsError("sent.db", "a secret")


class Broken(Purser):
    """Cannot do what it is `told` not to be able to."""

    def __init__(self, told: str) -> None:
        super().__init__(MemoryLedger(), Allowance(9, 9), clock=lambda: 0.0)
        self.told = told

    async def sent(self, account: Account) -> Sent:
        if self.told == "sent":
            raise _BROKEN
        return await super().sent(account)

    async def take(self, account: Account, recipients: int) -> bool:
        if self.told == "take":
            raise _BROKEN
        return False if self.told == "full" else await super().take(account, recipients)


def with_purser(folder: Path, purser: Purser) -> Server:
    made = server(folder)
    assert made.desk is not None
    desk = type(made.desk)(made.desk.hostname, made.desk.submission, purser)
    made.desk = made.site.desk = desk
    return made


def test_where_counts_cannot_be_read_the_client_is_to_come_back(tmp_path: Path) -> None:
    made = with_purser(tmp_path, Broken("sent"))

    async def talk(client: Client) -> list[str]:
        await opened(client)
        return await client.ask("MAIL FROM:<ada@example.org>", "NOOP")

    assert [line[:9] for line in made.play(talk)] == ["451 4.3.0", "250 2.0.0"]
    assert isinstance(made.incidents[0][0], AccountsError)


def test_where_counts_cannot_be_written_the_message_is_not_taken(tmp_path: Path) -> None:
    made = with_purser(tmp_path, Broken("take"))
    (said,) = hand_in(made, FULL, "hello")
    assert said.startswith("451 4.3.0")
    assert "secret" not in said
    assert not made.store.messages


def race(ledger: MemoryLedger) -> Callable[[], float]:
    """Give a clock that lets somebody else send whenever it is looked at for the last time."""
    looks = iter((False, True, False, False, False))

    def clock() -> float:
        if next(looks):
            ledger.take("ada@example.org", 0.0, 1, lambda _sent: True)
        return 0.0

    return clock


def test_who_is_overtaken_by_another_session_is_told_at_the_end(tmp_path: Path) -> None:
    ledger = MemoryLedger()
    made = with_purser(tmp_path, Purser(ledger, Allowance(1, 0), clock=race(ledger)))
    (said,) = hand_in(made, FULL, "hello")
    assert said.startswith("450 4.7.1 ada@example.org may send 1 messages an hour and has done so")
    assert not made.store.messages


def test_the_journal_tells_whom_a_failed_login_has_shut_out(tmp_path: Path) -> None:
    made = server(tmp_path, ban="2")

    async def talk(client: Client) -> list[str]:
        await client.begin_tls()
        await client.ask("EHLO client.example")
        for guess in ("one", "two", SECRET):
            login = base64.b64encode(f"\0ada@example.org\0{guess}".encode()).decode()
            said = await client.ask(f"AUTH PLAIN {login}")
        return said

    assert made.play(talk)[0].startswith("421 4.7.0 ")
    refused = [entry for entry in made.notes.entries if entry.kind is Kind.REFUSED]
    assert [entry.facts.get("banned") for entry in refused] == [
        None,
        "192.0.2.9, ada@example.org 192.0.2.0/24",
        None,
    ]
    assert [entry.facts["denied"] for entry in refused] == [
        "wrong-secret",
        "wrong-secret",
        "shut-out",
    ]
    told = printed(
        tell(Trace(What.SESSION, refused[0].session, tuple(made.notes.entries)), "en"), 100
    )
    assert "shut out for a while: 192.0.2.9, ada@example.org 192.0.2.0/24." in " ".join(
        told.split()
    )


def test_the_queue_knows_which_account_a_message_is_from(tmp_path: Path) -> None:
    made = server(tmp_path)
    assert hand_in(made, FULL, "hello")[0].startswith("250")
    (message,) = made.store.messages
    assert message.account == "ada@example.org"
