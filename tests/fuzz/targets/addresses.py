"""Mailboxes (RFC 5321 §4.1.2, RFC 6531 §3.3): written, they are read as the same."""

from __future__ import annotations

from tests.fuzz.octets import Octets

from ulak.mail.address import Address
from ulak.mail.envelope import domain_of
from ulak.server.directory import Directory, Domain, Found
from ulak.smtp import grammar
from ulak.smtp.commands import text_of
from ulak.smtp.grammar import GrammarError

_DIRECTORY = Directory(
    "mx.example.org",
    {
        "example.org": Domain(
            frozenset({"ada", "*"}), {"team": ("ada@example.org", "far@example.net")}, {}
        ),
        "örnek.example": Domain(frozenset({"çağrı"}), {"ığüş": ("ada@example.org",)}, {}),
    },
)


def one(data: bytes) -> None:
    given = Octets(data)
    read_first = given.flag()
    octets = given.rest()
    try:
        text = text_of(octets)
        if read_first:
            address = grammar.parse_mailbox(text)
        else:
            local, _, domain = text.rpartition("@")
            if not local:
                return
            address = Address(local, grammar.parse_domain(domain))
    except GrammarError:
        return

    wire = str(address)
    try:
        read = grammar.parse_mailbox(wire)
    except GrammarError as error:
        # Quotes and backslashes count; and not every text can be a local-part.
        if read_first and "longer" not in str(error):
            raise
        return
    assert read == address
    assert str(read) == wire
    assert read.key == address.key
    assert domain_of(wire) == domain_of(f"x@{address.domain}")
    holds(address, wire)


def holds(address: Address, wire: str) -> None:
    """Hold an address that can be written against every place that reads one."""
    assert "\r" not in wire
    assert "\n" not in wire
    assert grammar.parse_path(f"<{wire}>") == (address, "")
    assert grammar.parse_path(f"<{wire}> SIZE=1") == (address, "SIZE=1")
    assert grammar.parse_path(f"<@a.example,@b.example:{wire}>") == (address, "")
    assert grammar.parse_user(wire) == address
    assert grammar.parse_user(f"<{wire}>") == address
    found = _DIRECTORY.find(address)
    if isinstance(found, Found):
        for member in found.members:
            assert _DIRECTORY.local(domain_of(member)) or domain_of(member) == "example.net"
