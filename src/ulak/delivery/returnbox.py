"""What comes back: bounces and complaints are matched to their messages, and passed on.

A mail to a return address names its message by that address alone, whatever it says itself
(`ulak.mail.returnpath`); a complaint at an address for complaints by the return address that the
provider quotes. What it reports is noted with the message, its recipient joins the suppression
list where the cause is one for it, and the mail goes on to the real sender: it is still a bounce.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from ulak.delivery.carrier import Carrier
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.site.grant import ANYWHERE, Grant
from ulak.delivery.target import Target
from ulak.journal.entry import Entry, Journal, Kind
from ulak.mail.address import Address, ascii_lower
from ulak.mail.returnpath import ReturnPath, Token
from ulak.queue.item import Body, Message
from ulak.replies import catalog
from ulak.replies.bounces import bounce
from ulak.replies.bounces.complaint import Complaint, complaint
from ulak.replies.bounces.failure import Failure
from ulak.replies.classify import classify
from ulak.suppression.gate import Gate
from ulak.suppression.suppressed import Suppressed

_LARGEST = 10_000_000  # octets that are read at all
_WHERE = "the returns"
_YET = 1.0  # seconds until what has happened is in the journal


@dataclass(frozen=True, slots=True)
class Sent:
    """What is known of a message of ours: who sent it, and to whom it went."""

    sender: str
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Returns:
    """What a box works with.

    `find` looks a message up by its id, in a thread. `forward` queues a mail about a message for
    its sender; False where nobody is there to read it. `gate` may be None.
    """

    path: ReturnPath | None
    complaints: Collection[str]
    find: Callable[[str], Sent | None]
    forward: Callable[[Message, str, str], Awaitable[bool]]
    gate: Gate | None
    journal: Journal
    clock: Callable[[], float]
    incident: Callable[[BaseException], str]
    parse: Callable[[str], Address | None]


class ReturnCarrier:
    """Reads what comes back, and lets another carrier deliver everything else."""

    def __init__(self, inner: Carrier, returns: Returns) -> None:
        self.inner = inner
        self._returns = returns
        self._complaints = frozenset(map(ascii_lower, returns.complaints))

    async def carry(
        self,
        message: Message,
        recipients: Sequence[str],
        target: Target,
        grant: Grant = ANYWHERE,
    ) -> list[Outcome]:
        """Make one attempt."""
        outcomes: list[Outcome] = []
        others: list[str] = []
        for each in recipients:
            outcome = await self._take(message, each)
            if outcome is None:
                others.append(each)
            else:
                outcomes.append(outcome)
        if others:
            outcomes += await self.inner.carry(message, others, target, grant)
        return outcomes

    async def close(self) -> None:
        """End what the other carrier has open."""
        await self.inner.close()

    async def _take(self, message: Message, recipient: str) -> Outcome | None:
        """Take what comes back to one address; None for what is to be delivered."""
        returns = self._returns
        try:
            address = returns.parse(recipient)
            if returns.path is not None and address is not None:
                token = returns.path.read(address)
                if token is not None:
                    return await self._returned(message, recipient, token)
                if ascii_lower(address.domain) == returns.path.domain:
                    reply = catalog.NO_SUCH_MAILBOX.reply(utf8=True, address=recipient)
                    return Outcome(recipient, Result.FAILED, reply.cause, str(reply))
            if ascii_lower(recipient) in self._complaints:
                await self._complained(message)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the mail waits
            reply = catalog.INTERNAL_ERROR.reply(id=returns.incident(error))
            return Outcome(recipient, Result.DEFERRED, reply.cause, str(reply), facts=reply.facts)
        return None

    async def _returned(self, message: Message, recipient: str, token: Token) -> Outcome:
        returns = self._returns
        octets = await asyncio.to_thread(_octets, message.body)
        sent = await self._find(token.message)
        if sent is None:  # its time is over
            reply = catalog.NO_SUCH_MAILBOX.reply(utf8=True, address=recipient)
            return Outcome(recipient, Result.FAILED, reply.cause, str(reply))
        who = next((one for one in sent.recipients if token.names(one)), "")
        told = await asyncio.to_thread(complaint, octets)
        if told is not None:
            await self._note_complaint(message, token.message, sent, who, told)
        else:
            for failure in (await asyncio.to_thread(bounce, octets)).failures[:1]:
                await self._note_failure(message, token.message, sent, who, failure)
        await returns.forward(message, token.message, sent.sender)
        reply = catalog.DELIVERED.reply(where=_WHERE)
        return Outcome(recipient, Result.DELIVERED, reply.cause, str(reply), facts=reply.facts)

    async def _find(self, identifier: str) -> Sent | None:
        """Look a message up; one that has just been sent may not be in the journal yet."""
        sent = await asyncio.to_thread(self._returns.find, identifier)
        if sent is None:
            await asyncio.sleep(_YET)
            sent = await asyncio.to_thread(self._returns.find, identifier)
        return sent

    async def _complained(self, message: Message) -> None:
        """Note a complaint whose message can be told from the return address in it."""
        returns = self._returns
        octets = await asyncio.to_thread(_octets, message.body)
        told = await asyncio.to_thread(complaint, octets)
        if told is None or returns.path is None:
            return
        for quoted in (told.sender, told.return_path):
            address = returns.parse(quoted)
            token = returns.path.read(address) if address is not None else None
            if token is None:
                continue
            sent = await self._find(token.message)
            if sent is not None:
                who = next((one for one in sent.recipients if token.names(one)), "")
                await self._note_complaint(message, token.message, sent, who, told)
                return

    async def _note_failure(
        self, message: Message, about: str, sent: Sent, who: str, failure: Failure
    ) -> None:
        returns, now = self._returns, self._returns.clock()
        reply = failure.reply
        found = classify(reply.code, reply.enhanced, reply.text)
        cause = failure.cause if failure.cause in catalog.CATALOG else found.cause
        if failure.action != "failed":
            return  # it is on its way still, or has arrived
        facts = {
            **found.facts,
            "recipient": who or failure.recipient,
            "sender": sent.sender,
            "reply": failure.quoted[:1000],
            "remote": "yes",
            "late": "yes",
            "report": message.id,
        }
        if failure.remote_mta or failure.reporting_mta:
            facts["host"] = failure.remote_mta or failure.reporting_mta
        returns.journal.write(Entry(now, Kind.FAILED, cause, message=about, facts=facts))
        if who and returns.gate is not None:
            rules = returns.gate.rules
            one = rules.of_failure(sent.sender, who, cause, failure.quoted, about, now)
            await self._suppress(one)

    async def _note_complaint(
        self, message: Message, about: str, sent: Sent, who: str, told: Complaint
    ) -> None:
        returns, now = self._returns, self._returns.clock()
        facts = {
            "recipient": who or told.recipient,
            "sender": sent.sender,
            "feedback": told.feedback,
            "report": message.id,
        }
        if told.agent:
            facts["host"] = told.agent
        returns.journal.write(Entry(now, Kind.COMPLAINED, message=about, facts=facts))
        if told.unwanted and who and returns.gate is not None:
            words = f"{told.feedback} ({told.agent})" if told.agent else told.feedback
            one = returns.gate.rules.of_complaint(sent.sender, who, words, about, now)
            await self._suppress(one)

    async def _suppress(self, one: Suppressed | None) -> None:
        if one is not None and self._returns.gate is not None:
            await self._returns.gate.add([one])


def _octets(body: Body) -> bytes:
    if body.path is not None:
        with body.path.open("rb") as file:
            return file.read(_LARGEST)
    return (body.data or b"")[:_LARGEST]
