"""Failure reports on their way into the queue. Those that a process loses are lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ulak.dns.records import Resolver
from ulak.mail.envelope import Envelope, RecipientWishes, domain_of
from ulak.queue.item import Body, Message, Pending
from ulak.queue.store import QueueStore
from ulak.reports.destinations import MOST, Willing, verify
from ulak.reports.failure.choosing import Chooser, Chosen
from ulak.reports.failure.letter import Failure, write
from ulak.reports.making import Author

_UNREPORTED = RecipientWishes(frozenset({"NEVER"}))


@dataclass(frozen=True, slots=True)
class FailurePosting:
    """Writes what a chooser has chosen to who asked for it. `secret` hides names, and stays here.

    `sign` gives a message with a signature on top, or as it is.
    """

    chooser: Chooser
    queue: QueueStore
    resolver: Resolver
    author: Author
    new_id: Callable[[], str]
    secret: bytes
    sign: Callable[[bytes], bytes] = lambda message: message

    async def run(self, now: float) -> int:
        """Send the reports of what was chosen; give how many went out."""
        sent = 0
        for chosen in self.chooser.take():
            for address in await self._addresses(chosen):
                await self._send(chosen, address, now)
                sent += 1
        return sent

    async def _addresses(self, chosen: Chosen) -> list[str]:
        """Give who takes the report (RFC 9991 §5)."""
        seen = chosen.observation
        found: dict[str, None] = {}
        for uri in [each for each in chosen.record.ruf if each.address][:MOST]:
            standing = await verify(
                self.resolver,
                uri,
                domain=seen.record_domain,
                organizational=seen.organizational_domain,
                tag="ruf",
            )
            if isinstance(standing, Willing):
                found |= dict.fromkeys(standing.addresses)
        return list(found)

    async def _send(self, chosen: Chosen, to: str, now: float) -> None:
        identifier = self.new_id()
        failure = Failure(chosen.observation, chosen.incidents, await self._spf(chosen))
        data = self.sign(
            write(failure, self.author, to, identifier=identifier, secret=self.secret, now=now)
        )
        envelope = Envelope(
            self.author.sender,
            (to,),
            smtputf8=not to.isascii(),
            body="7BIT" if data.isascii() else "8BITMIME",
            asked={to: _UNREPORTED},
        )
        message = Message(identifier, envelope, Body(len(data), data), now)
        await self.queue.put(message, [Pending(to, domain_of(to), due=now)])

    async def _spf(self, chosen: Chosen) -> str:
        sender = chosen.observation.sender
        if sender is None or chosen.observation.spf_aligned or not sender.domain:
            return ""
        answer = await self.resolver.resolve(sender.domain, "TXT")
        for record in answer.records:
            if isinstance(record, bytes) and record[:6].lower() == b"v=spf1":
                return record.decode("ascii", "replace")
        return ""
