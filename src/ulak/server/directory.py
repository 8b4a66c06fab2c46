"""Whose mail is ours: local domains, their mailboxes and aliases (RFC 5321 §3.9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ulak.mail.address import Address


@dataclass(frozen=True, slots=True)
class Domain:
    """A local domain. `mailboxes` are local-parts in lower case, or `*` for every one.

    `aliases` name whole addresses in wire form; a member may be anywhere.
    """

    mailboxes: frozenset[str] = frozenset()
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """A local mailbox or alias: the addresses to which its mail goes."""

    members: tuple[str, ...]
    alias: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """The domain is ours and has no such mailbox."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """The domain is not ours."""


class Directory:
    """The local domains. `hostname` counts as the domain of a bare `<postmaster>`."""

    def __init__(self, hostname: str, domains: Mapping[str, Domain]) -> None:
        self._domains = {name.lower(): domain for name, domain in domains.items()}
        self._home = hostname.lower()
        if self._home not in self._domains:
            self._home = next(iter(self._domains), self._home)

    def local(self, domain: str) -> bool:
        """Whether mail for the domain ends here."""
        return domain.lower() in self._domains

    def find(self, address: Address) -> Found | Unknown | Foreign:
        """Look an address up. Postmaster is always found (RFC 5321 §4.5.1)."""
        name = (address.domain or self._home).lower()
        domain = self._domains.get(name)
        local = address.local.lower()
        if domain is None:
            return Foreign() if address.domain else Found((f"postmaster@{name}",))
        if local in domain.aliases:
            return Found(self._members(f"{local}@{name}"), alias=True)
        if local in domain.mailboxes or "*" in domain.mailboxes or local == "postmaster":
            return Found((str(Address(address.local, name)),))
        return Unknown()

    def candidates(self, local: str) -> list[str]:
        """Give every address that a bare user name could mean (RFC 5321 §3.5.1)."""
        local = local.lower()
        return [
            str(Address(local, name))
            for name, domain in self._domains.items()
            if local in domain.mailboxes or local in domain.aliases or local == "postmaster"
        ]

    def _members(self, start: str) -> tuple[str, ...]:
        """Follow aliases to their ends; each is followed once, so that a loop ends."""
        ends: dict[str, None] = {}
        seen = {start}
        waiting = [start]
        while waiting:
            address = waiting.pop(0)
            local, _, name = address.rpartition("@")
            domain = self._domains.get(name.lower())
            members = domain.aliases.get(local.lower()) if domain else None
            if members is None:
                ends[address] = None
                continue
            for member in members:
                if member.lower() not in seen:
                    seen.add(member.lower())
                    waiting.append(member)
                elif domain and member.lower() == address.lower():
                    ends[member] = None  # an alias that names itself keeps a copy
        return tuple(ends)
