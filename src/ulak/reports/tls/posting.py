"""Reports about TLS on their way to who wants them, each once (RFC 8460 §3, §5).

They go by the steps of those about DMARC (`reports.posting`). Mail without a signature of DKIM has
to be ignored by who gets it (§3), so what cannot be signed waits for a key, for a day. What is
wanted over HTTPS is posted; a process that dies between the answer and its being written down posts
it again: the same octets with the same report-id, by which a duplicate is known (§5.3). At most
once would be to lose it instead, and a report of that day is never made again.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import unquote

from ulak.checks import tls_rpt
from ulak.checks.tls_rpt import Result
from ulak.dns.records import Resolver
from ulak.mail.envelope import Envelope
from ulak.queue.item import Body, Message, Selection
from ulak.queue.store import QueueStore
from ulak.reports.counting import DAY
from ulak.reports.destinations import MOST, Why
from ulak.reports.making import Author
from ulak.reports.posting import (
    KEPT,
    TOO_OLD,
    UNREPORTED,
    Elsewhere,
    Telling,
    due,
    here,
    put_held,
    silent,
    unsigned,
)
from ulak.reports.store import Issue, Parcel, State
from ulak.reports.tls.counting import Counted
from ulak.reports.tls.writing import letter, packed, report_of

# What can stand in a field as it is (RFC 5322 §3.2.3).
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
_AGAIN = 1800.0  # seconds until a question is asked again, or a report posted again
_GIVE_UP = DAY  # seconds after which no more is tried (§5.5 wants a day at most)

Post = Callable[[str, bytes], Awaitable[str]]
"""Posts the octets of a report (`application/tlsrpt+gzip`) to an address of HTTPS; gives what went
wrong, `""` for nothing. Never raises."""


class TlsOutgoing(Protocol):
    """What is kept of one's own reports about TLS, as `reports.store.Outgoing` has it."""

    def add(self, counted: Sequence[Counted]) -> None:
        """Add what a worker has counted."""

    def days(self, before: int) -> list[tuple[int, str]]:
        """Name the days before one, and their domains, that there is no report about yet."""

    def counted(self, day: int, domain: str) -> Counted | None:
        """Give all that was counted for a day and a domain."""

    def issue(self, issue: Issue, parcels: Sequence[Parcel], messages: int) -> bool:
        """Put a report of so many sessions in the place of what was counted for it."""

    def forget(self, day: int, domain: str) -> None:
        """Forget what was counted: nobody wants to know."""

    def issued(self, report_id: str) -> Issue | None:
        """Give a report that was made, as long as a parcel of it is open."""

    def open(self, now: float) -> list[Parcel]:
        """Give the parcels that are not at their end and due, the oldest first."""

    def settle(self, parcel: Parcel, into: Sequence[Parcel] = ()) -> None:
        """Write down where a parcel stands."""

    def trim(self, before: int, now: float) -> None:
        """Forget counts and ended parcels of days before one."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What posting works with. `sign` gives a message with a signature on top, or as it is."""

    outgoing: TlsOutgoing
    queue: QueueStore
    resolver: Resolver
    author: Author
    new_id: Callable[[], str]
    post: Post
    elsewhere: Elsewhere = here
    sign: Callable[[bytes], bytes] = unsigned
    tell: Telling = silent


class TlsPosting:
    """Makes the reports of days that are over, and sends them."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._later: dict[tuple[int, str], float] = {}

    async def run(self, now: float, *, at_once: bool = False) -> int:
        """Do all that is due; give how many parcels went out."""
        parts = self._parts
        await self._close(now, at_once=at_once)
        sent = 0
        for parcel in await parts.elsewhere(parts.outgoing.open, now):
            sent += await self._advance(parcel, now)
        before = int(now) // DAY - KEPT
        await parts.elsewhere(parts.outgoing.trim, before, now)
        return sent

    async def plan(self, now: float) -> list[Parcel]:
        """Tell of what would go where if all that waits went out now; nothing is changed."""
        parts = self._parts
        found = await parts.elsewhere(parts.outgoing.open, float("inf"))
        for day, domain in await parts.elsewhere(parts.outgoing.days, int(now) // DAY):
            counted = await parts.elsewhere(parts.outgoing.counted, day, domain)
            if counted is not None:
                seen = await tls_rpt.check(parts.resolver, domain=domain)
                name = report_of(counted, parts.author).report_id
                found += self._parcels(name, domain, seen.rua, now)
        return found

    async def _close(self, now: float, *, at_once: bool) -> None:
        """Make the reports of days that are over, for domains that want them."""
        parts = self._parts
        today = int(now) // DAY
        for day, domain in await parts.elsewhere(parts.outgoing.days, today):
            early = now < max(due(day, domain, parts.author.hostname), self._late(day, domain))
            if early and not at_once:
                continue
            seen = await tls_rpt.check(parts.resolver, domain=domain)
            if seen.result is Result.TEMPERROR and day >= today - TOO_OLD:
                self._later[day, domain] = now + _AGAIN
                continue
            self._later.pop((day, domain), None)
            counted = await parts.elsewhere(parts.outgoing.counted, day, domain)
            if counted is None:
                continue
            if not seen.rua or day < today - TOO_OLD:
                await parts.elsewhere(parts.outgoing.forget, day, domain)
                continue
            report = report_of(counted, parts.author)
            issue = Issue(report.report_id, day, domain, domain, packed(report), now)
            parcels = self._parcels(report.report_id, domain, seen.rua, now)
            await parts.elsewhere(parts.outgoing.issue, issue, parcels, counted.sessions)

    def _late(self, day: int, domain: str) -> float:
        return self._later.get((day, domain), 0.0)

    def _parcels(self, name: str, domain: str, rua: Sequence[str], now: float) -> list[Parcel]:
        """Give a parcel for each destination; those over the limit get none, and are noted."""
        found = []
        for number, uri in enumerate(dict.fromkeys(rua)):
            scheme, _, rest = uri.partition(":")
            address = unquote(rest.partition("?")[0]) if scheme.lower() == "mailto" else ""
            parcel = Parcel(
                self._parts.new_id(),
                name,
                domain,
                uri,
                address,
                state=State.READY,
                due=now,
                changed=now,
                kind="tls",
            )
            if number >= MOST:
                parcel = replace(parcel, state=State.DROPPED, why=Why.MANY)
            elif address and not _ADDRESS.fullmatch(address):
                parcel = replace(parcel, state=State.DROPPED, address="", why=Why.SCHEME)
            found.append(parcel)
        return found

    async def _advance(self, parcel: Parcel, now: float) -> int:
        parts = self._parts
        issue = await parts.elsewhere(parts.outgoing.issued, parcel.report_id)
        if issue is None:
            await self._settle(replace(parcel, state=State.DROPPED, why=Why.OLD, changed=now))
            return 0
        if not parcel.address:
            return await self._post(parcel, issue, now)
        size = 0
        if parcel.state is State.READY:
            message = self._message(parcel, issue)
            if message is None:
                return await self._put_off(parcel, issue, now, Why.UNSIGNED)
            size = message.body.size
            await put_held(parts.queue, message)
            parcel = replace(parcel, state=State.HELD, why="", changed=now)
            await self._settle(parcel)
        await parts.queue.release(Selection(ids=(parcel.id,)), now)
        await self._settle(replace(parcel, state=State.SENT, changed=now), size)
        return 1

    async def _post(self, parcel: Parcel, issue: Issue, now: float) -> int:
        problem = await self._parts.post(parcel.uri, issue.octets)
        if not problem:
            sent = replace(parcel, state=State.SENT, why="", changed=now)
            await self._settle(sent, len(issue.octets))
            return 1
        return await self._put_off(parcel, issue, now, Why.NOT_POSTED)

    async def _put_off(self, parcel: Parcel, issue: Issue, now: float, why: Why) -> int:
        """Try it again later, for a day (§5.5). The first time is told already."""
        if now > issue.made + _GIVE_UP:
            await self._settle(replace(parcel, state=State.DROPPED, why=why, changed=now))
            return 0
        tries = parcel.tries + 1
        later = replace(parcel, tries=tries, due=now + _AGAIN * min(tries, 8), why=why)
        await self._settle(later)
        if tries == 1:
            self._parts.tell(later)
        return 0

    async def _settle(self, parcel: Parcel, size: int = 0) -> None:
        parts = self._parts
        await parts.elsewhere(parts.outgoing.settle, parcel)
        if parcel.state in (State.SENT, State.DROPPED):
            parts.tell(parcel, size)

    def _message(self, parcel: Parcel, issue: Issue) -> Message | None:
        """Write the message of a parcel, the same one however often; None where none signs it."""
        parts = self._parts
        written = letter(
            issue.domain, issue.day, issue.octets, parts.author, parcel.address, issue.made
        )
        data = parts.sign(written)
        if len(data) == len(written):
            return None
        envelope = Envelope(
            parts.author.sender, (parcel.address,), body="7BIT", asked={parcel.address: UNREPORTED}
        )
        return Message(parcel.id, envelope, Body(len(data), data), issue.made)
