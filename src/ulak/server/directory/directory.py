"""Who gets the mail for an address: names of the configuration first, then what lies beyond.

An address is looked for under its whole local-part, and then, where its domain has a separator,
under what stands before that (RFC 5233 §4); each time among aliases, names that have moved and
mailboxes, and then in the roster. A catch-all comes last.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass

import idna

from ulak.dns.names import to_ascii
from ulak.mail.address import Address, ascii_lower, fold
from ulak.rosters.roster import Answer, Known, Roster, RosterError, Unsure
from ulak.server.directory.found import Foreign, Found, How, Moved, Result, Trouble, Unknown
from ulak.server.directory.local import Domain, Local, lower
from ulak.smtp.grammar import GrammarError, parse_mailbox, parse_user

_MOST_MEMBERS = 5000  # addresses that are followed from one alias of a roster

Question = tuple[Roster, str]


@dataclass(frozen=True, slots=True)
class _Alias:
    """An alias, with its members; `start` is its own name."""

    start: Address
    members: tuple[Address, ...]
    how: How
    detail: str | None


class Directory:
    """The local domains. `hostname` counts as the domain of a bare `<postmaster>`, and has one.

    The answer names a mailbox as it is configured, however the client wrote it. A domain is the
    same in U-labels and in A-labels (RFC 5890 §2.3.2). `returns` says of an address in a domain of
    ours, or in that which is for nothing else, whether it is a sender that was rewritten here, and
    whose. GrammarError for an alias to what is no address.
    """

    def __init__(
        self,
        hostname: str,
        domains: Mapping[str, Domain],
        returns: Callable[[Address], Result | None] | None = None,
        homes_of_returns: Sequence[str] = (),
    ) -> None:
        self._returns = returns
        self._homes_of_returns = frozenset(map(ascii_lower, homes_of_returns)) - {""}
        self._domains: dict[str, Local] = {}
        self._names: dict[str, str] = {}
        for name, domain in domains.items():
            low = ascii_lower(name)
            self._domains[low] = Local.of(domain)
            self._names.update(dict.fromkeys(_spellings(low), low))
        self._hostname = ascii_lower(hostname)
        home = self._names.get(self._hostname)
        self._home = home or next(iter(self._domains), self._hostname)
        self._rosters = any(domain.roster is not None for domain in self._domains.values())

    def local(self, domain: str) -> bool:
        """Whether mail for the domain ends here."""
        return ascii_lower(domain) in self._names

    def find(self, address: Address, here: str = "", *, bounce: bool = False) -> Result | None:
        """Look an address up without waiting; None where a roster would have to be asked.

        Postmaster is always found (RFC 5321 §4.5.1). `here` is the IP address to which the client
        has come, if it has come to any. `bounce`: the mail has no sender, and goes to nobody who
        is not named: a catch-all gets no reports about what others sent in its name.
        """
        if not address.domain:
            name = self._home
        else:
            known = self._names.get(ascii_lower(address.domain))
            if known is None and not self._answers(address, here):
                return self._return_to(address) or Foreign()
            name = known or self._home
        if self._returns is not None and (returned := self._returns(address)) is not None:
            return returned
        domain = self._domains.get(name)
        if domain is None:  # no domain is local at all; postmaster still has to have mail
            return Found((f"postmaster@{name}",))
        if domain.more or (self._rosters and domain.aliases):
            return _glanced(self._search(address, name, domain, bounce=bounce))
        if domain.aliases or domain.moved:
            folded = fold(address.local)
            if folded in domain.aliases:
                start = Address(address.local, name)
                return Found(self._members(start), self._own(start))
            if folded in domain.moved:
                return Moved(domain.moved[folded])
        mailbox = domain.mailbox(address.local)
        return Unknown() if mailbox is None else Found((str(Address(mailbox, name)),))

    def _return_to(self, address: Address) -> Result | None:
        """Look an address up that may be a rewritten sender in a domain for nothing else."""
        if self._returns is None or ascii_lower(address.domain) not in self._homes_of_returns:
            return None
        return self._returns(address) or Unknown()

    async def ask(self, address: Address, here: str = "", *, bounce: bool = False) -> Result:
        """Look an address up as `find` does, and ask rosters where nothing else knows."""
        found = self.find(address, here, bounce=bounce)
        if found is not None:
            return found
        name = self._names.get(ascii_lower(address.domain), self._home)
        search = self._search(address, name, self._domains[name], bounce=bounce)
        try:
            return await _asked(search)
        except RosterError as error:
            return Trouble(error.incident)

    async def meet(self) -> None:
        """Ask every roster once, so that a large one is read, and trouble is known, beforehand."""
        for name, domain in self._domains.items():
            if domain.roster is not None:
                with contextlib.suppress(RosterError):  # it is noted, and has its incident
                    await domain.roster.ask(f"postmaster@{name}")

    async def place(self, recipient: str) -> tuple[str, str]:
        """Give the mailbox of a recipient in wire form, and the detail; `""` for none.

        Raises RosterError where the roster of its domain would have to say, and does not.
        """
        try:
            address = parse_user(recipient)
        except GrammarError:  # not from a session
            return recipient, ""
        name = self._names.get(ascii_lower(address.domain))
        domain = self._domains[name] if name is not None else None
        if domain is None or name is None or domain.separator not in address.local:
            return recipient, ""
        if not domain.separator or fold(address.local) in domain.mailboxes:
            return recipient, ""
        readings = list(domain.readings(address.local))
        if domain.roster is not None and len(readings) > 1:
            whole = await domain.roster.ask(str(Address(lower(address.local), name)))
            if whole is not None:
                return recipient, ""
        user, detail = readings[-1]
        return str(Address(domain.mailbox(user) or lower(user), name)), detail or ""

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

    async def candidates(self, local: str) -> list[Address]:
        """Give every address that a bare user name could mean (RFC 5321 §3.5.1)."""
        if fold(local) == "postmaster":
            return [Address("postmaster", self._home)]
        found: list[Address] = []
        for name, domain in self._domains.items():
            if await self._has(domain, local, name):
                found.append(Address(local, name))
        return found

    @staticmethod
    async def _has(domain: Local, local: str, name: str) -> bool:
        if domain.everybody:
            return True
        for user, _ in domain.readings(local):
            folded = fold(user)
            if folded in domain.mailboxes or folded in domain.aliases or folded in domain.moved:
                return True
            if domain.roster is not None:
                try:
                    known = await domain.roster.ask(str(Address(lower(user), name)))
                except RosterError:
                    continue
                if known is not None:
                    return True
        return False

    # -- the search -------------------------------------------------------------------------

    def _search(
        self, address: Address, name: str, domain: Local, *, bounce: bool
    ) -> Generator[Question, Answer, Result]:
        """Look an address of a domain up, asking what rosters have to answer."""
        start = Address(address.local, name)
        entry = yield from self._entry(start, domain)
        match entry:
            case Found() | Moved():
                return entry
            case _Alias():
                members = yield from self._follow(entry)
                if not members and entry.how is How.ROSTER:
                    return Unknown()  # what it leads to does not exist
                named = self._own(entry.start) if entry.detail is None else str(start)
                return Found(members, named, entry.how, entry.detail)
            case None:
                pass
        if domain.catch_all is None or bounce:
            return Unknown()
        caught = _Alias(start, (domain.catch_all,), How.CATCH_ALL, None)
        members = yield from self._follow(caught)
        return Found(members, str(start), How.CATCH_ALL) if members else Unknown()

    def _entry(
        self, address: Address, domain: Local
    ) -> Generator[Question, Answer, Found | Moved | _Alias | None]:
        """Look for what names an address of a domain of ours."""
        name = address.domain
        for user, detail in domain.readings(address.local):
            folded = fold(user)
            if folded in domain.aliases:
                start = Address(user, name)
                return _Alias(start, domain.aliases[folded], How.NAME, detail)
            if folded in domain.moved:
                return Moved(domain.moved[folded])
            if folded in domain.mailboxes:
                mailbox = _with(domain.mailboxes[folded], domain.separator, detail)
                return Found((str(Address(mailbox, name)),), detail=detail)
            if domain.roster is not None:
                asked = Address(lower(user), name)
                known = yield domain.roster, str(asked)
                if known is not None and known.members:
                    return _Alias(asked, _parsed(known), How.ROSTER, detail)
                if known is not None:
                    mailbox = _with(asked.local, domain.separator, detail)
                    return Found((str(Address(mailbox, name)),), how=How.ROSTER, detail=detail)
        if domain.everybody:
            _, detail = list(domain.readings(address.local))[-1]
            return Found((str(Address(lower(address.local), name)),), detail=detail)
        if fold(address.local) == "postmaster":
            return Found((f"postmaster@{name}",))
        return None

    def _follow(self, alias: _Alias) -> Generator[Question, Answer, tuple[str, ...]]:
        """Follow an alias to its ends; each is followed once, so that a loop ends."""
        ends: dict[str, None] = {}
        first = self._own(alias.start)
        seen = {first}
        waiting = [(first, member) for member in alias.members]
        while waiting and len(seen) < _MOST_MEMBERS:
            by, address = waiting.pop(0)
            own = self._own(address)
            if own in seen:
                if own == by:
                    ends[own] = None  # an alias that names itself keeps a copy
                continue
            seen.add(own)
            name = self._names.get(ascii_lower(address.domain))
            if name is None:
                ends[own] = None
                continue
            domain = self._domains[name]
            entry = yield from self._entry(Address(address.local, name), domain)
            match entry:
                case _Alias():
                    waiting += [(own, member) for member in entry.members]
                case Found():
                    ends.update(dict.fromkeys(entry.members))
                case None if domain.roster is not None:
                    pass  # it knows nobody of this name
                case _:
                    ends[own] = None
        return tuple(ends)

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


def _with(mailbox: str, separator: str, detail: str | None) -> str:
    return mailbox if detail is None else f"{mailbox}{separator}{detail}"


def _parsed(known: Known) -> tuple[Address, ...]:
    return tuple(map(parse_mailbox, known.members))


def _glanced(search: Generator[Question, Answer, Result]) -> Result | None:
    """Bring a search to its end with what rosters know without being asked; None if it stops."""
    try:
        roster, asked = next(search)
        while True:
            answer = roster.glance(asked)
            if isinstance(answer, Unsure):
                search.close()
                return None
            roster, asked = search.send(answer)
    except StopIteration as end:
        result: Result = end.value
        return result


async def _asked(search: Generator[Question, Answer, Result]) -> Result:
    """Bring a search to its end. Raises RosterError."""
    try:
        roster, asked = next(search)
        while True:
            roster, asked = search.send(await roster.ask(asked))
    except StopIteration as end:
        result: Result = end.value
        return result


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
