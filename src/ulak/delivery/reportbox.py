"""Mail to the addresses for reports: what is attached is read before the mail is delivered.

RFC 9990 §3.5.4 leaves duplicates to who receives them: a report is kept once, however often it
comes. Where nothing can be read the mail goes the way of all mail, and nothing is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from ulak.delivery.carrier import Carrier
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.site.grant import ANYWHERE, Grant
from ulak.delivery.target import Target
from ulak.journal.entry import Entry, Journal, Kind
from ulak.mail.address import ascii_lower
from ulak.queue.item import Body, Message
from ulak.replies import catalog
from ulak.reports.reading import Report, Trouble, Unreadable, read_mail
from ulak.reports.store import Incoming, ReportsError

_LARGEST = 25_000_000  # octets that are read at all
_WHERE = "the table of reports"


@dataclass(frozen=True, slots=True)
class Box:
    """Whose mail is read for reports, where they go, and who hears of it.

    `deliver`: mail that was read is delivered, too. `incident` notes an error of ours.
    """

    addresses: Collection[str]
    deliver: bool
    incoming: Incoming
    journal: Journal
    clock: Callable[[], float]
    incident: Callable[[BaseException], str]


class ReportCarrier:
    """Reads what comes to the addresses of a box, and lets another carrier deliver."""

    def __init__(self, inner: Carrier, box: Box) -> None:
        self.inner = inner
        self._box = box
        self._addresses = frozenset(map(ascii_lower, box.addresses))

    async def carry(
        self,
        message: Message,
        recipients: Sequence[str],
        target: Target,
        grant: Grant = ANYWHERE,
    ) -> list[Outcome]:
        """Make one attempt; who has it from the table only is done."""
        ours = [each for each in recipients if ascii_lower(each) in self._addresses]
        if not ours or not await self._read(message) or self._box.deliver:
            return await self.inner.carry(message, recipients, target, grant)
        reply = catalog.DELIVERED.reply(where=_WHERE)
        done = [
            Outcome(each, Result.DELIVERED, reply.cause, str(reply), facts=reply.facts)
            for each in ours
        ]
        others = [each for each in recipients if each not in ours]
        if others:
            done += await self.inner.carry(message, others, target, grant)
        return done

    async def close(self) -> None:
        """End what the other carrier has open."""
        await self.inner.close()

    async def _read(self, message: Message) -> bool:
        """Read the reports of a message; whether they are kept now."""
        try:
            found = await asyncio.to_thread(self._keep, message)
        except (ReportsError, OSError) as error:
            self._box.incident(error)
            return False
        facts = {"check": "report"}
        if isinstance(found, Unreadable):
            why = f"{found.trouble}: {found.detail}" if found.detail else str(found.trouble)
            facts |= {"result": "report-unreadable", "why": why}
        else:
            facts |= {"result": "report-read", "organization": found[0].organization}
        now = self._box.clock()
        entry = Entry(now, Kind.CHECKED, message=message.id, session=message.session, facts=facts)
        self._box.journal.write(entry)
        return not isinstance(found, Unreadable)

    def _keep(self, message: Message) -> tuple[Report, ...] | Unreadable:
        if message.body.size > _LARGEST:
            return Unreadable(Trouble.TOO_LARGE, str(message.body.size))
        found = read_mail(_octets(message.body))
        if not isinstance(found, Unreadable):
            self._box.incoming.keep(found, self._box.clock(), message.envelope.sender)
        return found


def _octets(body: Body) -> bytes:
    if body.path is not None:
        return body.path.read_bytes()
    return body.data or b""
