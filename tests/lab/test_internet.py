"""The internet in a box does what its servers' names say, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import pytest

from ulak.checks.dnsbl import Result, check_zone, probe
from ulak.dns.records import MX, Status
from ulak.dns.resolver import DnsResolver
from ulak.lab.internet import (
    BAD_TLS,
    BLOCKLIST,
    BROKEN_BLOCKLIST,
    GOOD,
    GREYLISTING,
    HANGS_UP,
    KNOWS_NOBODY,
    LISTED,
    NEIGHBOURS,
    OVERLOADED,
    REASON,
    TARPIT,
    UNREACHABLE,
    Internet,
    Neighbour,
)
from ulak.lab.mx import ScriptedServer

T = TypeVar("T")


def on_it(scene: Callable[[Internet], Awaitable[T]], *, drip: float = 1.0) -> T:
    async def main() -> T:
        async with Internet(drip=drip) as net:
            return await scene(net)

    return asyncio.run(main())


@contextlib.asynccontextmanager
async def resolving(net: Internet) -> AsyncIterator[DnsResolver]:
    resolver = DnsResolver([(net.names.host, net.names.port)], timeout=0.2, attempts=1)
    try:
        yield resolver
    finally:
        await resolver.close()


def talking(neighbour: Neighbour, client: Callable[[smtplib.SMTP], T], **how: float) -> T:
    """Talk to one of its servers with Python's own client."""

    async def scene(net: Internet) -> T:
        def in_thread() -> T:
            with smtplib.SMTP(neighbour.address, net.port, "client.example", timeout=5) as smtp:
                return client(smtp)

        return await asyncio.to_thread(in_thread)

    return on_it(scene, **how)


def send(smtp: smtplib.SMTP, *recipients: str) -> dict[str, tuple[int, bytes]]:
    return smtp.sendmail("ada@example.org", recipients, b"From: ada@example.org\r\n\r\nHi\r\n")


def test_the_mx_record_of_every_server_leads_to_where_it_listens() -> None:
    async def scene(net: Internet) -> None:
        async with resolving(net) as resolver:
            for neighbour in NEIGHBOURS:
                answer = await resolver.resolve(neighbour.domain, "MX")
                assert answer.exchanges == (MX(10, neighbour.host),)
                answer = await resolver.resolve(neighbour.host, "A")
                assert answer.texts == (neighbour.address,)
                reader, writer = await asyncio.open_connection(neighbour.address, net.port)
                assert await reader.read(1) in (b"2", b"4")
                writer.close()

    on_it(scene)


def test_domains_without_a_server_fail_each_in_its_way() -> None:
    async def scene(net: Internet) -> None:
        async with resolving(net) as resolver:
            assert (await resolver.resolve("null.example", "MX")).exchanges == (MX(0, ""),)
            address = await resolver.resolve("mx.unreachable.example", "A")
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(address.texts[0], net.port)
            assert address.texts == (UNREACHABLE,)
            for name, kind, status in (
                ("mx.nohost.example", "A", Status.NO_DATA),
                ("servfail.example", "MX", Status.SERVFAIL),
                ("silent.example", "MX", Status.TIMEOUT),
                ("nowhere.example", "MX", Status.NXDOMAIN),
            ):
                assert (await resolver.resolve(name, kind)).status is status, name

    on_it(scene)


def test_the_blocklist_works_and_lists_one_address_with_its_reason() -> None:
    async def scene(net: Internet) -> None:
        async with resolving(net) as resolver:
            assert (await probe(resolver, zone=BLOCKLIST)).works
            listed = await check_zone(resolver, ip=LISTED, zone=BLOCKLIST)
            assert (listed.listed, listed.text) == (True, REASON)
            other = await check_zone(resolver, ip="127.0.0.1", zone=BLOCKLIST)
            assert other.result is Result.NOT_LISTED

    on_it(scene)


def test_the_broken_blocklist_lists_nobody() -> None:
    async def scene(net: Internet) -> None:
        async with resolving(net) as resolver:
            finding = await check_zone(resolver, ip=LISTED, zone=BROKEN_BLOCKLIST)
            assert finding.result is Result.COULD_NOT_ASK

    on_it(scene)


def test_the_good_server_takes_mail_over_tls() -> None:
    async def scene(net: Internet) -> None:
        def in_thread() -> None:
            trusting = ssl.create_default_context(cadata=net.authority.certificate.decode())
            trusting.check_hostname = False  # it is known here by its address
            with smtplib.SMTP(GOOD.address, net.port, "client.example", timeout=5) as smtp:
                smtp.starttls(context=trusting)
                assert send(smtp, "bob@good.example") == {}

        await asyncio.to_thread(in_thread)
        (taken,) = net.server(GOOD).messages
        assert (taken.recipients, taken.tls) == (("bob@good.example",), "TLSv1.3")

    on_it(scene)


def test_the_greylisting_server_puts_every_recipient_off_once() -> None:
    def client(smtp: smtplib.SMTP) -> None:
        for recipient in ("bob@greylist.example", "eve@greylist.example"):
            with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
                send(smtp, recipient)
            assert refused.value.recipients[recipient][0] == 451
            assert send(smtp, recipient) == {}

    talking(GREYLISTING, client)


def test_a_server_knows_nobody() -> None:
    def client(smtp: smtplib.SMTP) -> None:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            send(smtp, "bob@nobody.example")
        assert refused.value.recipients["bob@nobody.example"][0] == 550

    talking(KNOWS_NOBODY, client)


def test_the_overloaded_server_sends_everybody_away_for_now() -> None:
    async def scene(net: Internet) -> None:
        for _ in range(2):
            reader, writer = await asyncio.open_connection(OVERLOADED.address, net.port)
            assert (await reader.read())[:4] == b"421 "
            writer.close()

    on_it(scene)


def test_a_server_hangs_up_after_the_message() -> None:
    def client(smtp: smtplib.SMTP) -> None:
        with pytest.raises(smtplib.SMTPServerDisconnected):
            send(smtp, "bob@hangup.example")

    talking(HANGS_UP, client)


def test_the_tarpit_greets_octet_by_octet() -> None:
    async def scene(net: Internet) -> bytes:
        reader, writer = await asyncio.open_connection(TARPIT.address, net.port)
        first = await reader.read(1)
        writer.close()
        return first

    assert on_it(scene, drip=60.0) == b"2"
    assert talking(TARPIT, lambda smtp: smtp.noop()[0], drip=0.0) == 250


def test_a_server_fails_at_tls_and_takes_mail_in_the_clear() -> None:
    def with_tls(smtp: smtplib.SMTP) -> None:
        with pytest.raises(ssl.SSLError):
            smtp.starttls()

    talking(BAD_TLS, with_tls)
    assert talking(BAD_TLS, lambda smtp: send(smtp, "bob@badtls.example")) == {}


def test_a_port_that_is_taken_at_one_address_is_given_up_for_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The last server finds its address taken the first time."""
    start = ScriptedServer.start
    taken: list[socket.socket] = []

    async def first_taken(server: ScriptedServer) -> int:
        if server.host == NEIGHBOURS[-1].address and not taken:
            taken.append(socket.create_server((server.host, server.port)))
        return await start(server)

    monkeypatch.setattr(ScriptedServer, "start", first_taken)

    async def scene(net: Internet) -> int:
        for neighbour in NEIGHBOURS:
            _, writer = await asyncio.open_connection(neighbour.address, net.port)
            writer.close()
        return net.port

    port = on_it(scene)
    assert port != taken[0].getsockname()[1]
    taken[0].close()


def test_nobody_listens_any_more_when_it_is_stopped() -> None:
    async def main() -> None:
        net = Internet()
        await net.start()
        await net.stop()
        for neighbour in NEIGHBOURS:
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(neighbour.address, net.port)

    asyncio.run(main())
