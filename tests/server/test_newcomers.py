"""Strangers at the door: what is told of them, what is counted, and that trouble refuses none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

import pytest

from ulak.clients.memory import MemoryStore
from ulak.clients.reputation import Counts
from ulak.clients.store import ClientsError, Known
from ulak.journal.entry import Kind
from ulak.journal.memory import MemoryJournal
from ulak.journal.printed import printed
from ulak.journal.story import tell

from .dialogue import Client, Server
from .strangers import newcomers
from .worded import worded

HELLO = ("EHLO client.example.net", "MAIL FROM:<joe@client.example.net>")
MAIL = "From: joe@client.example.net\r\n\r\n{}\r\n."
NET = "192.0.2.0/24"
AGAIN = (
    "451 4.7.1 <ada@example.org>: this server does not know you yet, please try again in 2 minutes"
)


def server(folder: Path, store: MemoryStore, delay: str = "120") -> Server:
    return Server(folder, newcomers=newcomers(delay, store))


def played(
    made: Server, talk: Callable[[Client], Awaitable[list[str]]], peer: str = "192.0.2.9"
) -> list[str]:
    """Play a dialogue, and have what was remembered written."""

    async def whole(client: Client) -> list[str]:
        said = await talk(client)
        assert made.newcomers is not None
        await made.newcomers._keeper._write()
        return said

    return made.play(whole, peer)


def story(made: Server, language: str = "en") -> str:
    """Tell what the journal has of the session, on one line."""
    journal = MemoryJournal()
    for entry in made.notes.entries:
        journal.write(entry)
    found = journal.trace(made.notes.entries[0].session)
    assert found is not None
    return " ".join(printed(tell(found, language)).split())


async def put_off(client: Client) -> list[str]:
    client.take()
    return (await client.ask(*HELLO, "RCPT TO:<ada@example.org>"))[-1:]


async def let_in(client: Client) -> list[str]:
    await put_off(client)
    await client.wait(121)
    said = await client.ask("RCPT TO:<ada@example.org>", "DATA")
    return said + await client.ask(MAIL.format("hello"))


@pytest.mark.parametrize("language", ["en", "tr", "ar"])
def test_the_story_says_why_a_sender_has_to_come_again(tmp_path: Path, language: str) -> None:
    made = server(tmp_path, MemoryStore())
    (said,) = played(made, put_off)
    assert said.startswith(AGAIN)
    (refused,) = [entry for entry in made.notes.entries if entry.kind is Kind.REFUSED]
    assert refused.cause == "greylisted-here"
    assert refused.facts["address"] == "ada@example.org"
    assert refused.facts["sender"] == "joe@client.example.net"
    told = story(made, language)
    assert NET in told
    assert "{" not in told


def test_the_story_says_why_a_sender_was_let_in(tmp_path: Path) -> None:
    made = server(tmp_path, MemoryStore())
    assert played(made, let_in)[-1].startswith("250 2.0.0")
    (checked,) = [entry for entry in made.notes.entries if entry.kind is Kind.CHECKED]
    assert checked.facts["check"] == "greylist"
    (accepted,) = [entry for entry in made.notes.entries if entry.kind is Kind.ACCEPTED]
    assert checked.message == accepted.message
    told = story(made)
    assert "The sender was put off at " in told
    assert f"came again from {NET} after 2 min" in told


def test_what_clients_bring_is_counted(tmp_path: Path) -> None:
    store = MemoryStore()
    made = server(tmp_path, store)
    made.site.scanners = worded()

    async def talk(client: Client) -> list[str]:
        said = await let_in(client)
        for what in ("spam", "later", "down"):
            await client.ask(HELLO[1], "RCPT TO:<ada@example.org>", "DATA")
            said += await client.ask(MAIL.format(what))
        return said + await client.ask(HELLO[1], "RCPT TO:<nobody@example.org>")

    said = played(made, talk)
    assert [line[:3] for line in said if not line.startswith("354")] == [
        *("250", "250"),
        *("550", "451", "451"),
        *("250", "550"),
    ]
    counts = store.counts[NET]
    assert (counts.accepted, counts.unwanted, counts.unknown) == pytest.approx((1, 1, 1))


def test_a_network_of_good_reputation_is_let_in_at_once(tmp_path: Path) -> None:
    store = MemoryStore()
    store.counts[NET] = Counts(100, 1, 0, 1_000_000_000.0 + 10**9)
    made = server(tmp_path, store)
    assert played(made, put_off)[0].startswith("250")


def test_exempt_networks_wait_for_nothing_and_are_not_counted(tmp_path: Path) -> None:
    store = MemoryStore()
    made = server(tmp_path, store)
    assert played(made, put_off, peer="203.0.113.7")[0].startswith("250")
    assert not store.counts
    assert not store.records


class Away(MemoryStore):
    """A store that is away, or never answers."""

    def __init__(self, *, hangs: bool = False) -> None:
        super().__init__()
        self._hangs = hangs

    async def read(self, triplets: Collection[bytes], networks: Collection[str]) -> Known:
        del triplets, networks
        if self._hangs:
            await asyncio.Event().wait()
        problem = "away"
        raise ClientsError(problem)


@pytest.mark.parametrize("hangs", [False, True])
def test_a_store_that_is_away_refuses_nobody(tmp_path: Path, *, hangs: bool) -> None:
    made = server(tmp_path, Away(hangs=hangs))

    async def talk(client: Client) -> list[str]:
        said = await put_off(client)
        await client.ask("DATA")
        return said + await client.ask(MAIL.format("hello"))

    assert [line[:3] for line in played(made, talk)] == ["250", "250"]
    assert "could not be asked in time" in story(made)
    assert not made.incidents


def test_a_client_that_goes_meanwhile_leaves_nothing_behind(tmp_path: Path) -> None:
    made = server(tmp_path, Away(hangs=True))

    async def talk(client: Client) -> None:
        client.take()
        data = "".join(f"{line}\r\n" for line in (*HELLO, "RCPT TO:<ada@example.org>"))
        client.session.data_received(data.encode())
        client.transport.close()
        await client.settle()

    made.play(talk)
    assert made.site.connections == 0
    assert not made.incidents
