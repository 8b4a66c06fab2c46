"""What one session does when the world around it does not do as it should."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from ulak.journal.entry import Kind
from ulak.mail.address import Address
from ulak.queue.item import Lease
from ulak.replies import catalog
from ulak.server.directory import Directory
from ulak.server.site import Rules
from ulak.smtp.server import Limits

from .dialogue import Client, Server, kept, told

RULES = Rules("mx.example.org")
ENVELOPE = ("EHLO c.example", "MAIL FROM:<grace@example.net>", "RCPT TO:<ada@example.org>", "DATA")
MESSAGE = ("From: g@example.net", "", "hi", ".")


def files(folder: Path) -> list[Path]:
    """Give the messages that lie in files."""
    return list(folder.iterdir())


async def begin(client: Client) -> None:
    """Come as far as 354."""
    assert (await client.ask(*ENVELOPE))[-1].startswith("354")


# -- a client that does not read, or goes away ----------------------------------------------------


def test_nothing_is_done_for_a_client_that_does_not_read(tmp_path: Path) -> None:
    server = Server(tmp_path, replace(RULES, limits=Limits(cheap_commands=10_000_000)))

    async def talk(client: Client) -> None:
        client.take()
        client.session.pause_writing()
        assert not client.transport.reading
        await client.send(b"NOOP\r\n" * 1000)
        assert client.take() == []
        client.session.resume_writing()
        assert client.transport.reading
        assert len(client.take()) == 1000

    server.play(talk)


def test_a_client_that_floods_while_it_waits_is_not_read(tmp_path: Path) -> None:
    server = Server(tmp_path, replace(RULES, limits=Limits(cheap_commands=10_000_000)))

    async def talk(client: Client) -> None:
        server.store.gate = asyncio.Event()
        await begin(client)
        client.session.data_received("\r\n".join([*MESSAGE, ""]).encode())
        sent = 0
        while client.transport.reading:
            client.session.data_received(b"NOOP\r\n" * 1000)
            sent += 1000
        assert sent < 60_000
        assert client.session.core.waiting < 300_000
        server.store.gate.set()
        await client.settle()
        assert client.transport.reading
        assert len(client.take()) == 1 + sent

    server.play(talk)


def test_a_message_is_ours_though_its_client_has_gone(tmp_path: Path) -> None:
    server = Server(tmp_path)

    async def talk(client: Client) -> None:
        server.store.gate = asyncio.Event()
        await begin(client)
        client.session.data_received("\r\n".join([*MESSAGE, ""]).encode())
        client.transport.abort()
        await asyncio.sleep(0)
        server.store.gate.set()
        await client.settle()

    server.play(talk)
    assert len(server.store.messages) == 1
    assert told(server) == ["connected", "closed", "accepted"]


@pytest.mark.parametrize("threshold", [10, 1000])
def test_half_a_message_is_forgotten(tmp_path: Path, threshold: int) -> None:
    server = Server(tmp_path, replace(RULES, body_threshold=threshold))

    async def talk(client: Client) -> None:
        await begin(client)
        await client.send(b"From: g@example.net\r\n\r\n" + b"x" * 50)
        assert bool(files(tmp_path)) == (threshold == 10)
        assert server.site.held == (0 if threshold == 10 else 73)

    server.play(talk)
    assert not files(tmp_path)
    assert server.site.held == 0


def test_a_client_that_goes_while_its_message_is_written_leaves_nothing(tmp_path: Path) -> None:
    server = Server(tmp_path, replace(RULES, body_threshold=10))

    async def talk(client: Client) -> None:
        await begin(client)
        client.session.data_received(b"From: g@example.net\r\n\r\n" + b"x" * 50)
        client.transport.abort()
        await client.settle()

    server.play(talk)
    assert not files(tmp_path)


def test_a_client_that_says_no_more_still_hears_the_answer(tmp_path: Path) -> None:
    server = Server(tmp_path)

    async def talk(client: Client) -> None:
        server.store.gate = asyncio.Event()
        await begin(client)
        client.session.data_received("\r\n".join([*MESSAGE, ""]).encode())
        assert client.session.eof_received()  # the connection stays
        server.store.gate.set()
        await client.settle()
        assert [line[:6] for line in client.take()] == ["250 2.", "CLOSED"]

    server.play(talk)


# -- a disk that is full --------------------------------------------------------------------------


@contextmanager
def files_of(octets: int) -> Iterator[None]:
    """Let no file of this process grow beyond so many octets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_message_for_which_there_is_no_room_is_drained_and_put_off(tmp_path: Path) -> None:
    server = Server(tmp_path, replace(RULES, body_threshold=1000))

    async def talk(client: Client) -> None:
        await begin(client)
        with files_of(3_000_000):
            await client.send(*[(b"x" * 998 + b"\r\n") * 250] * 16)
        assert server.site.held == 0
        assert not files(tmp_path)
        assert await client.ask(".") == [
            "452 4.3.1 Not enough disk space at the moment, try again later"
        ]
        await client.ask(*ENVELOPE)
        assert (await client.ask(*MESSAGE))[0].startswith("250")

    server.play(talk)
    assert len(server.store.messages) == 1


def test_a_file_that_cannot_be_made_is_an_incident(tmp_path: Path) -> None:
    server = Server(tmp_path / "none", replace(RULES, body_threshold=10))

    async def talk(client: Client) -> None:
        await begin(client)
        await client.send(b"x" * 5000)
        assert await client.ask("", ".") == [
            "451 4.3.0 The message could not be stored safely, try again later (incident INC1)"
        ]
        assert await client.ask("NOOP") == ["250 2.0.0 Nothing done, as asked"]

    server.play(talk)
    assert [(s, m) for _, s, m in server.incidents] == [("id1", "id2")]


def test_a_message_that_says_it_is_larger_than_the_disk_is_not_begun(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.site.room = lambda size: size < 1000

    async def talk(client: Client) -> None:
        answers = await client.ask(
            "HELO c", "EHLO c", "MAIL FROM:<g@example.net> SIZE=1000", "MAIL FROM:<g@example.net>"
        )
        assert [line[:9] for line in answers[-2:]] == ["452 4.3.1", "250 2.1.0"]

    server.play(talk)


# -- errors of our own ----------------------------------------------------------------------------


class Broken(Directory):
    def find(self, address: Address) -> object:  # type: ignore[override]
        message = f"secret detail about {address}"
        raise RuntimeError(message)


def test_an_error_inside_costs_one_command_and_tells_nothing(tmp_path: Path) -> None:
    server = Server(tmp_path, replace(RULES, limits=Limits(errors=3)))
    server.site.directory = Broken("mx.example.org", {})

    async def talk(client: Client) -> None:
        answers = await client.ask(*ENVELOPE)
        assert answers[-2:] == [
            "451 4.3.0 Something failed here, try again later (incident INC1)",
            "554 5.5.1 No valid recipients",
        ]
        assert await client.ask("NOOP") == ["250 2.0.0 Nothing done, as asked"]
        # it cannot be made to fail for ever
        await client.ask("RCPT TO:<a@example.org>", "RCPT TO:<a@example.org>")
        assert client.transport.closed

    server.play(talk)
    assert [session for _, session, _ in server.incidents] == ["id1"] * 2


def test_an_error_while_a_message_is_judged_is_an_incident(tmp_path: Path) -> None:
    server = Server(tmp_path)

    def broken(_message: bytes, **_: bool) -> None:
        message = "secret"
        raise RuntimeError(message)

    server.site.judge = broken

    async def talk(client: Client) -> None:
        await begin(client)
        assert await client.ask(*MESSAGE) == [
            "451 4.3.0 Something failed here, try again later (incident INC1)"
        ]
        await begin(client)
        server.site.judge = lambda _message, **_: None
        assert (await client.ask(*MESSAGE))[0].startswith("250")

    server.play(talk)
    assert len(server.store.messages) == 1


def test_an_error_before_the_greeting_is_a_421(tmp_path: Path) -> None:
    server = Server(tmp_path)
    clock = server.site.clock

    def broken() -> float:
        server.site.clock = clock
        message = "secret"
        raise OSError(message)

    server.site.clock = broken

    async def talk(client: Client) -> None:
        assert client.take() == [
            catalog.SESSION_FAILED.reply(hostname="mx.example.org", id="INC1")
            .to_wire()
            .decode()
            .strip(),
            "CLOSED",
        ]

    server.play(talk)
    assert server.site.connections == 0


def test_an_error_that_cannot_even_be_noted_closes_the_connection(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.site.directory = Broken("mx.example.org", {})

    def broken(error: BaseException, *, session: str = "", message: str = "") -> str:
        del error, session, message
        words = "no disk, no memory, no hope"
        raise MemoryError(words)

    server.site.incident = broken

    async def talk(client: Client) -> None:
        assert "CLOSED" in await client.ask(*ENVELOPE)

    server.play(talk)


# -- time -----------------------------------------------------------------------------------------


def test_a_message_may_come_slowly_but_not_for_ever(tmp_path: Path) -> None:
    server = Server(tmp_path, replace(RULES, message_timeout=2000))

    async def talk(client: Client) -> int:
        await begin(client)
        minutes = 0
        while not client.transport.closed:
            await client.send((b"x" * 998 + b"\r\n") * 50)
            await client.wait(60)
            minutes += 1
        return minutes

    assert server.play(talk) == 34


def test_the_time_that_we_need_is_not_the_clients(tmp_path: Path) -> None:
    server = Server(tmp_path)

    async def talk(client: Client) -> None:
        server.store.gate = asyncio.Event()
        await begin(client)
        client.session.data_received("\r\n".join([*MESSAGE, ""]).encode())
        client.loop.ahead += 10_000
        assert client.session.deadline > client.loop.time()
        server.store.gate.set()
        await client.settle()
        assert client.take()[0].startswith("250")
        assert 299 < client.session.deadline - client.loop.time() <= 300

    server.play(talk)


# -- what is handed on ----------------------------------------------------------------------------


def test_aliases_are_followed_and_everybody_gets_one_copy(tmp_path: Path) -> None:
    server = Server(tmp_path)

    async def talk(client: Client) -> None:
        await client.ask(
            "EHLO c.example",
            "MAIL FROM:<Grace@Example.net> SMTPUTF8 BODY=8BITMIME",
            "RCPT TO:<ADA@example.org>",
            "RCPT TO:<team@example.org>",
            "RCPT TO:<ada@EXAMPLE.ORG>",
            "RCPT TO:<ÇAĞRI@örnek.example>",
            "RCPT TO:<postmaster>",
            "DATA",
        )
        await client.ask(*MESSAGE)

    server.play(talk)
    (message,) = server.store.messages
    assert message.envelope.sender == "Grace@Example.net"
    assert message.envelope.recipients == (
        "ada@example.org",
        "far@example.net",
        "çağrı@xn--rnek-4qa.example",
        "postmaster@example.org",
    )
    assert message.envelope.smtputf8
    assert message.envelope.body == "8BITMIME"
    assert [p.domain for p in server.store.pending[0]] == [
        "example.org",
        "example.net",
        "xn--rnek-4qa.example",
        "example.org",
    ]
    # several recipients: none of them learns of another
    assert b"\tfor <" not in server.store.bodies[0]
    assert b" with UTF8SMTP id " in server.store.bodies[0]


def test_the_trace_of_one_recipient_names_the_address_that_was_asked_for(tmp_path: Path) -> None:
    server = Server(tmp_path)

    async def talk(client: Client) -> None:
        await client.ask("HELO [192.0.2.9]", "MAIL FROM:<>", "RCPT TO:<away@example.org>", "DATA")
        await client.ask(*MESSAGE)

    server.play(talk)
    assert server.store.bodies[0].startswith(
        b"Received: from [192.0.2.9] ([192.0.2.9])\r\n"
        b"\tby mx.example.org with SMTP id id2\r\n\tfor <away@example.org>;\r\n"
    )


@pytest.mark.parametrize("wanted", [False, True])
def test_a_lease_is_taken_only_when_the_worker_has_room(tmp_path: Path, *, wanted: bool) -> None:
    server = Server(tmp_path)
    asked: list[Collection[str]] = []
    leases: list[Lease] = []

    def wants(domains: Collection[str], sender: str) -> bool:
        assert sender == "grace@example.net"
        asked.append(set(domains))
        return wanted

    server.site.wants, server.site.accepted = wants, leases.append

    async def talk(client: Client) -> None:
        await begin(client)
        await client.ask(*MESSAGE)

    server.play(talk)
    assert asked == [{"example.org"}]
    assert server.store.leases == [wanted]
    assert len(leases) == wanted


def test_without_a_worker_no_lease_is_taken(tmp_path: Path) -> None:
    server = Server(tmp_path)

    async def talk(client: Client) -> None:
        await begin(client)
        await client.ask(*MESSAGE)

    server.play(talk)
    assert server.store.leases == [False]


def test_the_judge_sees_the_message_or_the_header_of_a_large_one(tmp_path: Path) -> None:
    server = Server(tmp_path, replace(RULES, body_threshold=100))
    seen: list[bytes] = []

    def judge(message: bytes, **_: bool) -> None:
        seen.append(message)

    server.site.judge = judge

    async def talk(client: Client) -> None:
        await begin(client)
        await client.ask(*MESSAGE)
        await begin(client)
        await client.send(*[b"%d: %s\r\n" % (i, b"x" * 90) for i in range(4)], b"\r\n")
        await client.ask("y" * 200, ".")

    server.play(talk)
    assert seen[0] == b"From: g@example.net\r\n\r\nhi\r\n"
    assert seen[1] == b"".join(b"%d: %s\r\n" % (i, b"x" * 90) for i in range(4)) + b"\r\n"
    assert kept(server)[1] == seen[1] + b"y" * 200 + b"\r\n"


def test_a_judge_of_large_messages_can_refuse_them_too(tmp_path: Path) -> None:
    server = Server(tmp_path, replace(RULES, body_threshold=10))
    server.site.judge = lambda _message, **_: catalog.MISSING_FROM.reply()

    async def talk(client: Client) -> None:
        await begin(client)
        assert await client.ask("x" * 100, ".") == [
            "554 5.6.0 The message has no From header field"
        ]

    server.play(talk)
    assert not files(tmp_path)


def test_a_nul_far_behind_the_header_of_a_large_message_is_found(tmp_path: Path) -> None:
    server = Server(tmp_path, replace(RULES, body_threshold=10))

    async def talk(client: Client) -> None:
        await begin(client)
        await client.send(b"From: g@example.net\r\n\r\n")
        await client.send((b"x" * 70 + b"\r\n") * 5000)
        await client.send(b"\0")
        at = 23 + 72 * 5000
        assert await client.ask("", ".") == [
            f"554 5.6.0 The message has a NUL octet at offset {at}"
        ]

    server.play(talk)
    assert not files(tmp_path)


def test_when_memory_is_short_messages_go_into_files_early(tmp_path: Path) -> None:
    server = Server(tmp_path, replace(RULES, memory=100_000))

    async def talk(client: Client) -> None:
        await begin(client)
        await client.send((b"x" * 998 + b"\r\n") * 70)
        assert not files(tmp_path)
        server.site.held += 100_000  # those of others
        await client.send(b"\r\n")
        assert files(tmp_path)
        server.site.held -= 100_000
        assert server.site.held == 0

    server.play(talk)


# -- what the journal is told ---------------------------------------------------------------------


def test_the_journal_knows_who_came_what_was_taken_and_how_it_ended(tmp_path: Path) -> None:
    server = Server(tmp_path)

    async def talk(client: Client) -> None:
        await begin(client)
        await client.ask(*MESSAGE)
        await client.ask("QUIT")

    server.play(talk)
    came, taken, gone = server.notes.entries
    assert (came.kind, came.session, came.facts["ip"]) == (Kind.CONNECTED, "id1", "192.0.2.9")
    assert (taken.kind, taken.session, taken.message) == (Kind.ACCEPTED, "id1", "id2")
    assert taken.cause == "message-queued"
    assert taken.facts == {
        "ip": "192.0.2.9",
        "client": "c.example",
        "sender": "grace@example.net",
        "recipients": "ada@example.org",
        "size": "27",
    }
    assert gone.kind is Kind.CLOSED
    assert gone.facts["accepted"] == "1"
    assert gone.facts["refused"] == "0"
    assert gone.dialogue == ()


def test_what_was_refused_is_told_with_its_dialogue(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.site.judge = lambda _message, **_: catalog.SEVERAL_FROM.reply(count=2)

    async def talk(client: Client) -> None:
        await begin(client)
        await client.ask(*MESSAGE)
        await client.send(b"VRFY \x1b[2J\xff\r\n")

    server.play(talk)
    _, message, command, gone = server.notes.entries
    assert (message.kind, message.cause, message.message) == (Kind.REFUSED, "several-from", "id2")
    assert message.facts["count"] == "2"
    assert message.dialogue[0] == "S: 220 mx.example.org ESMTP Ulak"
    assert message.dialogue[1] == "C: EHLO c.example"
    assert message.dialogue[-2:] == (
        "C: DATA",
        "S: 354 Go ahead, end with <CRLF>.<CRLF>",
    )
    assert (command.kind, command.cause) == (Kind.REFUSED, "syntax-error")
    assert gone.dialogue[-2] == "C: VRFY \\x1b[2J\N{REPLACEMENT CHARACTER}"
    assert all(line[:3] in ("C: ", "S: ") and line.isprintable() for line in gone.dialogue)


def test_a_dialogue_has_its_bounds(tmp_path: Path) -> None:
    server = Server(tmp_path, replace(RULES, limits=Limits(cheap_commands=10_000, errors=10_000)))

    async def talk(client: Client) -> None:
        await client.ask(*["NOOP " + "x" * 2000, "XYZZY"] * 200)

    server.play(talk)
    gone = server.notes.entries[-1]
    assert gone.facts["refused"] == "200"
    assert len(gone.dialogue) <= 80
    assert max(map(len, gone.dialogue)) < 600
    assert gone.dialogue[0].startswith("S: 220")
    assert gone.dialogue[-1].startswith("S: 500")
    assert told(server).count("refused") == 50


# -- one client -----------------------------------------------------------------------------------


def test_a_network_of_ipv6_is_one_client(tmp_path: Path) -> None:
    server = Server(tmp_path, replace(RULES, max_connections_per_client=1))
    site = server.site
    assert site.enter("2001:db8::1", trusted=False) is None
    refusal = site.enter("2001:db8::2", trusted=False)
    assert refusal is not None
    assert refusal.cause == "too-many-from-client"
    assert site.enter("2001:db8:0:1::1", trusted=False) is None
    assert site.enter("192.0.2.1", trusted=False) is None
    for ip in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "192.0.2.1"):
        site.leave(ip)
    assert not site.per_client
    assert site.connections == 0


def test_an_ipv4_client_on_an_ipv6_socket_is_an_ipv4_client(tmp_path: Path) -> None:
    server = Server(tmp_path)

    async def talk(client: Client) -> str:
        return client.session.ip

    assert server.play(talk, peer="::ffff:192.0.2.7") == "192.0.2.7"


def test_the_journal_is_told_by_which_names_recipients_were_reached(tmp_path: Path) -> None:
    server = Server(tmp_path)

    async def talk(client: Client) -> None:
        await client.ask("EHLO c.example", "MAIL FROM:<g@example.net>")
        for name in ("team@example.org", "crew@more.example", "nobody@more.example"):
            await client.ask(f"RCPT TO:<{name}>")
        await client.ask("DATA")
        await client.ask("From: g@example.net", "", "x", ".")

    server.play(talk)
    (entry,) = [one for one in server.notes.entries if one.kind is Kind.ACCEPTED]
    assert entry.facts["through"] == "team@example.org crew@more.example"
    assert entry.facts["caught"] == "nobody@more.example"
