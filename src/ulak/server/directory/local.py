"""One local domain, made ready to be asked."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ulak.mail.address import Address, fold
from ulak.rosters.roster import Roster
from ulak.smtp.grammar import parse_mailbox


@dataclass(frozen=True, slots=True)
class Domain:
    """A local domain. `mailboxes` are local-parts, or `*` for every one.

    `aliases` name whole addresses in wire form; a member may be anywhere. `moved` are mailboxes
    that have gone elsewhere: their mail is not taken, the client is told the new address (551).
    `separator` parts a user from a detail (RFC 5233 §4), `""`: nothing does. `catch_all` gets what
    nobody has. `roster` knows further mailboxes and aliases.
    """

    mailboxes: frozenset[str] = frozenset()
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    moved: Mapping[str, str] = field(default_factory=dict)
    separator: str = ""
    catch_all: str = ""
    roster: Roster | None = None


@dataclass(frozen=True, slots=True)
class Local:
    """A domain made ready: everything by the folded local-part.

    `more`: that an address is none of these names does not yet mean that there is none.
    """

    mailboxes: dict[str, str]  # as it is configured
    aliases: dict[str, tuple[Address, ...]]
    moved: dict[str, str]
    everybody: bool
    separator: str
    catch_all: Address | None
    roster: Roster | None
    more: bool

    @classmethod
    def of(cls, domain: Domain) -> Local:
        """Make a domain ready. GrammarError for an alias to what is no address."""
        return cls(
            {fold(local): local for local in domain.mailboxes},
            {
                fold(local): tuple(map(parse_mailbox, members))
                for local, members in domain.aliases.items()
            },
            {fold(local): to for local, to in domain.moved.items()},
            "*" in domain.mailboxes,
            domain.separator,
            parse_mailbox(domain.catch_all) if domain.catch_all else None,
            domain.roster,
            bool(domain.separator or domain.catch_all or domain.roster),
        )

    def mailbox(self, local: str) -> str | None:
        """Give the mailbox of a local-part, if the configuration has one."""
        folded = fold(local)
        if folded in self.mailboxes:
            return self.mailboxes[folded]
        if self.everybody:
            return lower(local)
        return "postmaster" if folded == "postmaster" else None

    def readings(self, local: str) -> Iterator[tuple[str, str | None]]:
        """Give the ways to read a local-part: whole, then as a user and a detail.

        It is parted at the first separator, so that a detail may have more of them.
        """
        yield local, None
        if self.separator:
            user, mark, detail = local.partition(self.separator)
            if mark and user:
                yield user, detail


def lower(local: str) -> str:
    """Bring a local-part that no list has into the form in which mailboxes are named."""
    return unicodedata.normalize("NFC", local).lower()
