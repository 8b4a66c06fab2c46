"""A recipient on the suppression list is refused as it is named, to one's own users alone."""

from __future__ import annotations

from pathlib import Path

from ulak.suppression.gate import Gate
from ulak.suppression.sqlite import SqliteSuppressions
from ulak.suppression.suppressed import Rules, Suppressed

from .dialogue import Client, Server
from .test_desk import opened, server

SINCE = 999_999_000.0


def listed(folder: Path, *addresses: str) -> Server:
    made = server(folder)
    store = SqliteSuppressions(folder / "suppressions.db")
    for address in addresses:
        store.add(Suppressed(address, reply="550 5.1.1 gone", since=SINCE))
    made.site.gate = Gate(
        store,
        store,
        Rules(),
        local=made.site.directory.local,
        clock=made.site.clock,
        incident=str,
    )
    return made


def test_a_recipient_on_the_list_is_refused_with_the_reason(tmp_path: Path) -> None:
    made = listed(tmp_path, "far@example.net", "ada@example.org")

    async def talk(client: Client) -> list[str]:
        await opened(client)
        return await client.ask(
            "MAIL FROM:<ada@example.org>",
            "RCPT TO:<far@EXAMPLE.net>",
            "RCPT TO:<Far@example.net>",
            "RCPT TO:<ada@example.org>",
        )

    said = made.play(talk)
    assert said[1] == (
        "550 5.7.1 <far@EXAMPLE.net>: this server has sent nothing there since 2001-09-09 "
        "(550 5.1.1 gone); its postmaster can take the address off the suppression list"
    )
    assert said[2].startswith("250"), "whose local part is another one is somebody else"
    assert said[3].startswith("250"), "who has a mailbox here has it"
    refused = next(entry for entry in made.notes.entries if entry.cause == "on-suppression-list")
    assert refused.facts["address"] == "far@EXAMPLE.net"


def test_a_stranger_learns_nothing_of_the_list(tmp_path: Path) -> None:
    made = listed(tmp_path, "far@example.net")
    made.offers = made.offers.__class__()

    async def talk(client: Client) -> list[str]:
        await client.begin_tls()
        return await client.ask(
            "EHLO client.example", "MAIL FROM:<eve@example.com>", "RCPT TO:<far@example.net>"
        )

    assert "relay" in made.play(talk)[-1]
