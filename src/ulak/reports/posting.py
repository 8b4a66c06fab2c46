"""Reports on their way from what was counted into the queue, each once (RFC 9990 §3.5).

Two stores are written, and a process may die between any two writes. So every parcel goes by steps
of which each can be done again:

1. `issue`: the report takes the place of what was counted, in one transaction, and its parcels get
   the ids that their messages will have. From here on the report exists, once.
2. Its destination is asked about; it becomes READY, or DROPPED, or other parcels.
3. READY: its message is put into the queue *held*, so that nobody can deliver it. Where a message
   of that id lies in the queue already, an earlier life has come as far as here.
4. HELD: now the message is released, and releasing one that is free, or gone, does nothing.
5. SENT.

Without the hold, a message that was delivered before its step was written down would look like
one that was never put. Whoever does this holds the queue's lock, so nobody does it twice at once.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import ParamSpec, Protocol, TypeVar

from ulak.checks.dmarc.record import read
from ulak.checks.dmarc.uris import ReportURI
from ulak.dns.records import Resolver
from ulak.mail.envelope import Envelope, RecipientWishes, domain_of
from ulak.queue.item import Body, Message, Pending, Selection, State
from ulak.queue.store import QueueStore
from ulak.reports.counting import DAY, Counted
from ulak.reports.destinations import MOST, Standing, Unsure, Unwilling, Why, Willing, verify
from ulak.reports.letter import letter, packed
from ulak.reports.making import Author, report_id, report_of
from ulak.reports.reading.aggregate import read as read_report
from ulak.reports.store import Issue, Outgoing, Parcel
from ulak.reports.store import State as Step

GRACE = 600.0  # seconds after a day's end: workers write down what they have counted
SPREAD = 4 * 3600.0  # seconds over which the reports of a day go out
KEPT = 30  # days for which it is known what was sent
TOO_OLD = 7  # days after which a report is of no use
_EVER = float("inf")
_AGAIN = 1800.0  # seconds until a question is asked again
UNREPORTED = RecipientWishes(frozenset({"NEVER"}))

P = ParamSpec("P")
T = TypeVar("T")


class Elsewhere(Protocol):
    """Does what blocks where it blocks nobody (`asyncio.to_thread`)."""

    def __call__(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Do it."""


class Telling(Protocol):
    """Who hears what became of a parcel."""

    def __call__(self, parcel: Parcel, /, size: int = 0) -> None:
        """Hear that it was sent, with the octets of its message, or dropped."""


def silent(parcel: Parcel, /, size: int = 0) -> None:
    """Tell nobody."""
    del parcel, size


def unsigned(message: bytes) -> bytes:
    """Give a message as it is."""
    return message


async def here(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Do what blocks at once."""
    return work(*args, **kwargs)


@dataclass(frozen=True, slots=True)
class Parts:
    """What posting works with. `sign` gives a message with a signature on top, or as it is."""

    outgoing: Outgoing
    queue: QueueStore
    resolver: Resolver
    author: Author
    new_id: Callable[[], str]
    elsewhere: Elsewhere = here
    sign: Callable[[bytes], bytes] = unsigned
    tell: Telling = silent


class Posting:
    """Makes the reports of days that are over and puts them into the queue."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def run(self, now: float, *, at_once: bool = False) -> int:
        """Do all that is due; give how many parcels went out.

        `at_once`: what would wait for its own time of the day does not.
        """
        parts = self._parts
        await self.close(now, at_once=at_once)
        sent = 0
        for parcel in await parts.elsewhere(parts.outgoing.open, now):
            sent += await self._advance(parcel, now)
        before = int(now) // DAY - KEPT
        await parts.elsewhere(parts.outgoing.trim, before, now)
        return sent

    async def close(self, now: float, *, at_once: bool = False) -> int:
        """Make the reports of days that are over; give how many."""
        parts = self._parts
        today, made = int(now) // DAY, 0
        for day, domain in await parts.elsewhere(parts.outgoing.days, today):
            if not at_once and now < due(day, domain, parts.author.hostname):
                continue
            counted = await parts.elsewhere(parts.outgoing.counted, day, domain)
            if counted is None:
                continue
            parcels = self._parcels(counted, now)
            if not parcels or day < today - TOO_OLD:
                await parts.elsewhere(parts.outgoing.forget, day, domain)
                continue
            report = report_of(counted, parts.author)
            issue = Issue(
                report.report_id,
                day,
                domain,
                counted.policy.organizational_domain,
                packed(report),
                now,
            )
            made += await parts.elsewhere(parts.outgoing.issue, issue, parcels, report.messages)
        return made

    async def plan(self, now: float) -> list[Parcel]:
        """Tell of what would go where if all that waits went out now; nothing is changed."""
        parts = self._parts
        found = await parts.elsewhere(parts.outgoing.open, _EVER)
        for day, domain in await parts.elsewhere(parts.outgoing.days, int(now) // DAY):
            counted = await parts.elsewhere(parts.outgoing.counted, day, domain)
            if counted is None:
                continue
            for parcel in self._parcels(counted, now):
                if parcel.state is Step.DROPPED:
                    found.append(parcel)
                    continue
                uri = ReportURI(parcel.uri, "mailto", parcel.address, parcel.size)
                standing = await verify(
                    parts.resolver,
                    uri,
                    domain=domain,
                    organizational=counted.policy.organizational_domain,
                )
                found += _planned(parcel, standing)
        return found

    def _parcels(self, counted: Counted, now: float) -> list[Parcel]:
        """Give a parcel for each destination, those among them that can get none, too."""
        parts = self._parts
        name = report_id(counted.day * DAY, counted.domain, parts.author.hostname)
        record = read(counted.policy.record.encode("utf-8", "replace"))
        found: list[Parcel] = []
        served = 0
        for uri in () if record is None else record.rua:
            served += bool(uri.address)
            parcel = Parcel(
                parts.new_id(),
                name,
                counted.domain,
                uri.uri,
                uri.address,
                uri.size,
                due=now,
                changed=now,
            )
            why = Why.MANY if served > MOST else "" if uri.address else Why.SCHEME
            found.append(replace(parcel, state=Step.DROPPED, why=why) if why else parcel)
        return found

    async def _advance(self, parcel: Parcel, now: float) -> int:
        """Take a parcel as far as it goes now; give how many went out."""
        parts = self._parts
        issue = await parts.elsewhere(parts.outgoing.issued, parcel.report_id)
        if issue is None:
            await self._drop(parcel, Why.OLD, now)
            return 0
        if parcel.state is not Step.ASKING:
            return await self._send(parcel, issue, now)
        sent = 0
        for ready in await self._ask(parcel, issue, now):
            sent += await self._send(ready, issue, now)
        return sent

    async def _send(self, parcel: Parcel, issue: Issue, now: float) -> int:
        parts = self._parts
        size = 0
        if parcel.state is Step.READY:
            message = self._message(parcel, issue)
            size = message.body.size
            if parcel.size is not None and size > parcel.size:
                await self._drop(parcel, Why.TOO_LARGE, now)
                return 0
            await put_held(parts.queue, message)
            parcel = replace(parcel, state=Step.HELD, changed=now)
            await parts.elsewhere(parts.outgoing.settle, parcel)
        await parts.queue.release(Selection(ids=(parcel.id,)), now)
        parcel = replace(parcel, state=Step.SENT, changed=now)
        await parts.elsewhere(parts.outgoing.settle, parcel)
        parts.tell(parcel, size)
        return 1

    async def _ask(self, parcel: Parcel, issue: Issue, now: float) -> Sequence[Parcel]:
        """Ask whether a destination takes the report; give the parcels that are ready then."""
        parts = self._parts
        uri = ReportURI(parcel.uri, "mailto", parcel.address, parcel.size)
        standing = await verify(
            parts.resolver, uri, domain=issue.domain, organizational=issue.organizational
        )
        match standing:
            case Unsure() if now > (issue.day + 1 + TOO_OLD) * DAY:
                await self._drop(parcel, Why.DNS, now)
            case Unsure():
                tries = parcel.tries + 1
                later = replace(parcel, tries=tries, due=now + _AGAIN * min(tries, 8), why=Why.DNS)
                await parts.elsewhere(parts.outgoing.settle, later)
            case Unwilling(why):
                await self._drop(parcel, why, now)
            case Willing((first, *others)):
                ready = replace(parcel, address=first, state=Step.READY, why="", changed=now)
                more = [replace(ready, id=parts.new_id(), address=other) for other in others]
                await parts.elsewhere(parts.outgoing.settle, ready, more)
                return (ready, *more)
        return ()

    async def _drop(self, parcel: Parcel, why: Why, now: float) -> None:
        dropped = replace(parcel, state=Step.DROPPED, why=why, changed=now)
        await self._parts.elsewhere(self._parts.outgoing.settle, dropped)
        self._parts.tell(dropped)

    def _message(self, parcel: Parcel, issue: Issue) -> Message:
        """Write the message of a parcel: the same one however often."""
        parts = self._parts
        report = read_report(gzip.decompress(issue.octets))
        data = parts.sign(letter(report, issue.octets, parts.author, parcel.address, issue.made))
        envelope = Envelope(
            parts.author.sender,
            (parcel.address,),
            smtputf8=not parcel.address.isascii(),
            body="7BIT" if data.isascii() else "8BITMIME",
            # Nobody reads a report about a report: the journal knows what became of it.
            asked={parcel.address: UNREPORTED},
        )
        return Message(parcel.id, envelope, Body(len(data), data), issue.made)


async def put_held(queue: QueueStore, message: Message) -> None:
    """Put a message into the queue so that nobody delivers it yet, if it is not there."""
    if await queue.read(message.id) is not None:
        return
    recipient = message.envelope.recipients[0]
    pending = Pending(recipient, domain_of(recipient), State.HELD, message.received)
    await queue.put(message, [pending])


def _planned(parcel: Parcel, standing: Standing) -> list[Parcel]:
    match standing:
        case Willing(addresses):
            return [replace(parcel, state=Step.READY, address=to) for to in addresses]
        case Unwilling(why):
            return [replace(parcel, state=Step.DROPPED, why=why)]
        case Unsure():
            return [replace(parcel, why=Why.DNS)]


def due(day: int, domain: str, hostname: str) -> float:
    """Say when the report of a day goes out, in seconds since the epoch.

    Each domain has its own time of the day here, and another one at another server: those who
    receive the reports of thousands do not get them all at midnight.
    """
    digest = hashlib.sha256(f"{hostname} {domain}".encode()).digest()
    part = int.from_bytes(digest[:8]) / 2**64
    return (day + 1) * DAY + GRACE + part * SPREAD
