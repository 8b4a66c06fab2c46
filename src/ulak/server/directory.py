"""Whose mail is ours: local domains, their mailboxes and aliases (RFC 5321 §3.9)."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from ulak.mail.address import Address, ascii_lower
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
    """A local mailbox or alias: the addresses to which its mail goes."""

    members: tuple[str, ...]
    alias: bool = False


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


class Directory:
    """The local domains. `hostname` counts as the domain of a bare `<postmaster>`.

    Mailboxes are told apart without regard to case, as everybody expects; the answer names one
    as it is configured. A domain is the same in U-labels and in A-labels (RFC 5890 §2.3.2).
    """

    def __init__(self, hostname: str, domains: Mapping[str, Domain]) -> None:
        self._domains: dict[str, Domain] = {}
        self._names: dict[str, str] = {}
        for name, domain in domains.items():
            lower = ascii_lower(name)
            self._domains[lower] = Domain(
                frozenset(map(fold, domain.mailboxes)),
                {fold(local): members for local, members in domain.aliases.items()},
                {fold(local): to for local, to in domain.moved.items()},
            )
            self._names[lower] = self._names[_other_spelling(lower)] = lower
        home = self._names.get(ascii_lower(hostname))
        self._home = home or next(iter(self._domains), ascii_lower(hostname))

    def local(self, domain: str) -> bool:
        """Whether mail for the domain ends here."""
        return ascii_lower(domain) in self._names

    def find(self, address: Address) -> Found | Moved | Unknown | Foreign:
        """Look an address up. Postmaster is always found (RFC 5321 §4.5.1)."""
        if not address.domain:
            name = self._home
        else:
            known = self._names.get(ascii_lower(address.domain))
            if known is None:
                return Foreign()
            name = known
        local = fold(address.local)
        domain = self._domains.get(name)
        if domain is None:  # no domain is local at all; postmaster still has to have mail
            return Found((f"postmaster@{name}",))
        if local in domain.aliases:
            return Found(self._members(Address(local, name)), alias=True)
        if local in domain.moved:
            return Moved(domain.moved[local])
        if local in domain.mailboxes or "*" in domain.mailboxes or local == "postmaster":
            return Found((str(Address(local, name)),))
        return Unknown()

    def candidates(self, local: str) -> list[str]:
        """Give every address that a bare user name could mean (RFC 5321 §3.5.1)."""
        local = fold(local)
        return [
            str(Address(local, name))
            for name, domain in self._domains.items()
            if local in domain.mailboxes
            or local in domain.aliases
            or local in domain.moved
            or (local == "postmaster" and name == self._home)
        ]

    def _members(self, start: Address) -> tuple[str, ...]:
        """Follow aliases to their ends; each is followed once, so that a loop ends."""
        ends: dict[str, None] = {}
        seen = {self._own(start)}
        waiting = [start]
        while waiting:
            address = waiting.pop(0)
            key = self._own(address)
            domain = self._domains.get(key.rpartition("@")[2])
            members = domain.aliases.get(fold(address.local)) if domain else None
            if members is None:
                ends[key] = None
                continue
            for member in map(parse_mailbox, members):
                other = self._own(member)
                if other not in seen:
                    seen.add(other)
                    waiting.append(member)
                elif other == key:
                    ends[key] = None  # an alias that names itself keeps a copy
        return tuple(ends)

    def _own(self, address: Address) -> str:
        """Give an address in wire form, one of ours as it is configured."""
        name = self._names.get(ascii_lower(address.domain))
        return str(address if name is None else Address(fold(address.local), name))


def fold(local: str) -> str:
    """Bring a local-part of ours into the form in which local-parts are compared."""
    return local.lower() if local.isascii() else unicodedata.normalize("NFC", local).lower()


def _other_spelling(name: str) -> str:
    """Give a domain in A-labels where it is in U-labels, and in U-labels where in A-labels."""
    try:
        if not name.isascii():
            return ".".join(
                label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")
                for label in name.split(".")
            )
        return ".".join(
            label[4:].encode("ascii").decode("punycode") if label.startswith("xn--") else label
            for label in name.split(".")
        )
    except UnicodeError:  # no A-label, whatever it looks like
        return name
