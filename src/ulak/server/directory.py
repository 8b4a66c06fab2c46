"""Whose mail is ours: local domains, their mailboxes and aliases (RFC 5321 §3.9)."""

from __future__ import annotations

import ipaddress
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

import idna

from ulak.dns.names import to_ascii
from ulak.mail.address import Address, ascii_lower, fold
from ulak.smtp.grammar import parse_mailbox


@dataclass(frozen=True, slots=True)
class Domain:
    """A local domain. `mailboxes` are local-parts, or `*` for every one.

    `aliases` name whole addresses in wire form; a member may be anywhere. `moved` are mailboxes
    that have gone elsewhere: their mail is not taken, the client is told the new address (551).
    """

    mailboxes: frozenset[str] = frozenset()
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    moved: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """A local mailbox or alias: the addresses to which its mail goes.

    `alias` is the alias as it is configured, `""` for a mailbox.
    """

    members: tuple[str, ...]
    alias: str = ""


@dataclass(frozen=True, slots=True)
class Moved:
    """The mailbox is elsewhere now (RFC 5321 §3.4)."""

    to: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The domain is ours and has no such mailbox."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """The domain is not ours."""


@dataclass(frozen=True, slots=True)
class _Local:
    """A domain made ready: everything by the folded local-part."""

    mailboxes: dict[str, str]  # as it is configured
    aliases: dict[str, tuple[Address, ...]]
    moved: dict[str, str]
    everybody: bool

    @classmethod
    def of(cls, domain: Domain) -> _Local:
        return cls(
            {fold(local): local for local in domain.mailboxes},
            {
                fold(local): tuple(map(parse_mailbox, members))
                for local, members in domain.aliases.items()
            },
            {fold(local): to for local, to in domain.moved.items()},
            "*" in domain.mailboxes,
        )

    def mailbox(self, local: str) -> str | None:
        """Give the mailbox of a local-part, if there is one."""
        folded = fold(local)
        if folded in self.mailboxes:
            return self.mailboxes[folded]
        if self.everybody:
            return unicodedata.normalize("NFC", local).lower()
        return "postmaster" if folded == "postmaster" else None


class Directory:
    """The local domains. `hostname` counts as the domain of a bare `<postmaster>`, and has one.

    The answer names a mailbox as it is configured, however the client wrote it. A domain is the
    same in U-labels and in A-labels (RFC 5890 §2.3.2). GrammarError for an alias to what is no
    address.
    """

    def __init__(self, hostname: str, domains: Mapping[str, Domain]) -> None:
        self._domains: dict[str, _Local] = {}
        self._names: dict[str, str] = {}
        for name, domain in domains.items():
            lower = ascii_lower(name)
            self._domains[lower] = _Local.of(domain)
            self._names.update(dict.fromkeys(_spellings(lower), lower))
        self._hostname = ascii_lower(hostname)
        home = self._names.get(self._hostname)
        self._home = home or next(iter(self._domains), self._hostname)

    def local(self, domain: str) -> bool:
        """Whether mail for the domain ends here."""
        return ascii_lower(domain) in self._names

    def find(self, address: Address, here: str = "") -> Found | Moved | Unknown | Foreign:
        """Look an address up. Postmaster is always found (RFC 5321 §4.5.1).

        `here` is the IP address to which the client has come, if it has come to any.
        """
        if not address.domain:
            name = self._home
        else:
            known = self._names.get(ascii_lower(address.domain))
            if known is None and not self._answers(address, here):
                return Foreign()
            name = known or self._home
        domain = self._domains.get(name)
        if domain is None:  # no domain is local at all; postmaster still has to have mail
            return Found((f"postmaster@{name}",))
        if domain.aliases or domain.moved:
            folded = fold(address.local)
            if folded in domain.aliases:
                start = Address(address.local, name)
                return Found(self._members(start), self._own(start))
            if folded in domain.moved:
                return Moved(domain.moved[folded])
        mailbox = domain.mailbox(address.local)
        return Unknown() if mailbox is None else Found((str(Address(mailbox, name)),))

    def _answers(self, address: Address, here: str) -> bool:
        """Whether this is the postmaster of this very machine.

        By its name that is who signs this server's reports, and people answer them; by its
        address (§4.1.3) whom those write to who have no name that works.
        """
        if fold(address.local) != "postmaster":
            return False
        if address.literal:
            return bool(here) and _is_literal_of(address.domain, here)
        return ascii_lower(address.domain) == self._hostname

    def candidates(self, local: str) -> list[Address]:
        """Give every address that a bare user name could mean (RFC 5321 §3.5.1)."""
        folded = fold(local)
        if folded == "postmaster":
            return [Address("postmaster", self._home)]
        return [
            Address(local, name)
            for name, domain in self._domains.items()
            if domain.everybody
            or folded in domain.mailboxes
            or folded in domain.aliases
            or folded in domain.moved
        ]

    def _members(self, start: Address) -> tuple[str, ...]:
        """Follow aliases to their ends; each is followed once, so that a loop ends."""
        ends: dict[str, None] = {}
        seen = {self._own(start)}
        waiting = [start]
        while waiting:
            address = waiting.pop(0)
            own = self._own(address)
            domain = self._domains.get(own.rpartition("@")[2])
            members = domain.aliases.get(fold(address.local)) if domain else None
            if members is None:
                ends[own] = None
                continue
            for member in members:
                other = self._own(member)
                if other not in seen:
                    seen.add(other)
                    waiting.append(member)
                elif other == own:
                    ends[own] = None  # an alias that names itself keeps a copy
        return tuple(ends)

    def _own(self, address: Address) -> str:
        """Give an address in wire form, one of ours as it is configured."""
        name = self._names.get(ascii_lower(address.domain))
        if name is None:
            return str(address)
        mailbox = self._domains[name].mailbox(address.local)
        return str(Address(fold(address.local) if mailbox is None else mailbox, name))


def _is_literal_of(literal: str, ip: str) -> bool:
    text = literal[1:-1]
    if ascii_lower(text[:5]) == "ipv6:":
        text = text[5:]
    try:
        return ipaddress.ip_address(text) == ipaddress.ip_address(ip)
    except ValueError:  # with a tag that nobody has registered
        return False


def _spellings(name: str) -> set[str]:
    """Give a domain as it is, in A-labels and in U-labels."""
    ascii_name = to_ascii(name) or name
    try:
        labels = [
            idna.ulabel(label) if label.startswith("xn--") else label
            for label in ascii_name.split(".")
        ]
    except UnicodeError:  # no A-label, whatever it looks like
        return {name, ascii_name}
    return {name, ascii_name, ".".join(labels)}
