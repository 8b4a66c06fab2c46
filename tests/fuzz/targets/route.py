"""The way of mail by DNS of strangers (RFC 5321 §5.1): a bounded target, never into our network."""

from __future__ import annotations

import asyncio
from ipaddress import IPv6Address, ip_address, ip_network

from tests.fuzz.octets import Octets

from ulak.delivery.route import Route, Routes
from ulak.delivery.target import Way
from ulak.dns import wire
from ulak.dns.names import to_ascii
from ulak.dns.records import MX, Answer, Status
from ulak.mail.address import ascii_lower
from ulak.mail.envelope import domain_of
from ulak.replies.catalog import CATALOG
from ulak.smtp import grammar

_ROUTE = Route(
    Routes.of("mx.example.org", {"example.org": "maildir"}, {"smart.example": "smtp:a.example:25"}),
    chance=lambda: 0.5,
)
_OURS = [
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.168.0.0/16", "::/96", "64:ff9b:1::/48", "fc00::/7", "fe80::/10"),
        *("fec0::/10", "224.0.0.0/4", "ff00::/8"),
    )
]
_ADDRESSES = (b"\x7f\0\0\1", b"\x0a\0\0\1", b"\xc0\0\2\1", b"\x08\x08\x08\x08", b"\xa9\xfe\0\1")


class Told:
    """A resolver of a stranger: every answer is made of what is left of the input."""

    def __init__(self, given: Octets) -> None:
        self._given = given
        self.asked = 0

    async def resolve(self, name: str, kind: str) -> Answer:
        """Answer as the input says."""
        self.asked += 1
        given = self._given
        status = given.choice(tuple(Status))
        if status is not Status.OK:
            return Answer(name, kind, status, detail="so it is")
        if kind == "MX":
            names = ("", "mx.example.org", "a.example", "b.example", f"x{given.number(40)}.example")
            count = given.number(30)
            found = tuple(MX(given.number(3) * 10, given.choice(names)) for _ in range(count))
            return Answer(name, kind, Status.OK if found else Status.NO_DATA, found)
        size = 4 if kind == "A" else 16
        number = {4: 1, 16: 28}[size]
        octets = b"".join(
            b"\xc0\x0c"
            + number.to_bytes(2)
            + b"\0\1\0\0\0\x3c"
            + size.to_bytes(2)
            + self.address(size)
            for _ in range(given.number(20))
        )
        count = len(octets) // (size + 12)
        query = (
            wire.question(name, kind, 1) if name.isascii() and name else wire.question("a", kind, 1)
        )
        end = query.index(0, 12) + 5
        head = b"\0\1\x81\x80\0\1" + count.to_bytes(2) + b"\0\0\0\0"
        return wire.read(head + query[12:end] + octets, name or "a", kind)[0]

    def address(self, size: int) -> bytes:
        """Give an address, often one that should not be reached."""
        given = self._given
        four = (
            given.choice(_ADDRESSES) if given.flag() else bytes(given.number(255) for _ in range(4))
        )
        if size == 4:
            return four
        mapped = (b"\0" * 10 + b"\xff\xff", b"\0\x64\xff\x9b" + b"\0" * 8, b"\x20\x02" + four)
        before = (*mapped, b"\xfe\x80", b"\xfd", b"", b"\x20\x01\x0d\xb8", b"\x26\x20")
        return (given.choice(before) + b"\0" * 16)[: size - 4] + four


def one(data: bytes) -> None:
    given = Octets(data)
    by_name = given.flag()
    resolver = Told(given)
    domain = "far.example"
    if not by_name:
        try:
            domain = grammar.parse_domain(given.text())
        except grammar.GrammarError:
            return
        domain = to_ascii(domain) or domain
        domain = ascii_lower(domain_of(f"a@{domain}"))
    target = asyncio.run(_ROUTE.find(domain, resolver))
    assert target.way in Way
    if target.refusal is not None:
        assert target.refusal.cause in CATALOG
        assert not target.refusal.positive
        # A report tells it: a name beyond ASCII stands there as it is written (RFC 6533 §3).
        told = target.refusal.to_wire().decode()
        assert told.isascii() or not domain.isascii()
        assert all(line.isprintable() for line in target.refusal.lines)
        return
    assert resolver.asked <= 40
    assert len(target.hosts) <= 8
    for host in target.hosts:
        assert len(host.addresses) <= 8
        for text in host.addresses:
            address = ip_address(text)
            if isinstance(address, IPv6Address):
                address = address.ipv4_mapped or address.sixtofour or address
            assert not any(address in network for network in _OURS), text
            assert host.name != "mx.example.org"
