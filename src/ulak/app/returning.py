"""Returns of a configuration: return addresses, what comes back to them, and complaints."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from ulak import config as settings
from ulak.app.forwarding import Secrets
from ulak.app.ours import meet, readers
from ulak.app.places import Places
from ulak.delivery.carrier import Carrier
from ulak.delivery.returnbox import ReturnCarrier, Returns, Sent
from ulak.delivery.returnpath import ReturningCarrier
from ulak.journal.entry import Entry, Kind
from ulak.journal.reader import JournalReader
from ulak.journal.standing import named_in
from ulak.journal.trace import JournalError, What
from ulak.mail.address import Address, ascii_lower
from ulak.mail.envelope import Envelope, RecipientWishes, domain_of
from ulak.mail.returnpath import ReturnPath
from ulak.queue.item import Body, Message, Pending
from ulak.replies import catalog
from ulak.smtp.grammar import GrammarError, parse_mailbox

if TYPE_CHECKING:
    from ulak.app.parts import Parts

_UNREPORTED = RecipientWishes(frozenset({"NEVER"}))  # of a bounce nobody is told
_LARGEST = 10_000_000  # octets of a return that are passed on


def path_of(chosen: settings.Config) -> ReturnPath | None:
    """Make who writes return addresses; None where the configuration wants none."""
    domain = chosen.returns.domain
    if not domain:
        return None
    secrets = Secrets(Places(chosen.data).returns, time.monotonic)
    return ReturnPath(ascii_lower(domain), secrets.all())


def returning(parts: Parts, carrier: Carrier) -> Carrier:
    """Have a carrier send with return addresses, where there are any."""
    return carrier if parts.returns is None else ReturningCarrier(carrier, parts.returns)


def receiving(parts: Parts, carrier: Carrier) -> Carrier:
    """Have what comes back read before a carrier delivers, where anything does."""
    chosen = parts.config.returns
    if parts.returns is None and not chosen.complaints:
        return carrier
    journals = parts.places

    def find(identifier: str) -> Sent | None:
        return _find(JournalReader(journals.journals()), identifier)

    async def forward(message: Message, about: str, sender: str) -> bool:
        return await _forward(parts, message, about, sender)

    return ReturnCarrier(
        carrier,
        Returns(
            parts.returns,
            chosen.complaints,
            find,
            forward,
            parts.gate,
            parts.journal,
            parts.clock,
            parts.incident,
            _parsed,
        ),
    )


def _find(reader: JournalReader, identifier: str) -> Sent | None:
    try:
        found = reader.trace(identifier)
    except JournalError:
        return None
    if found is None or found.what is not What.MESSAGE or found.id != identifier:
        return None
    own = [entry for entry in found.entries if entry.message == identifier]
    accepted = next((entry for entry in own if entry.kind is Kind.ACCEPTED), None)
    if accepted is None:
        return None
    recipients = dict.fromkeys(named_in(accepted.facts))
    recipients.update(dict.fromkeys(e.facts["recipient"] for e in own if e.facts.get("recipient")))
    return Sent(accepted.facts.get("sender", ""), tuple(recipients))


async def _forward(parts: Parts, message: Message, about: str, sender: str) -> bool:
    await meet(parts.directory, sender)
    to = readers(parts.directory, sender)
    if not to or not parts.stores:
        return False
    octets = message.body.data
    if octets is None:
        octets = await asyncio.to_thread(_octets, message.body)
    identifier, now = parts.new_id(), parts.clock()
    envelope = Envelope(
        "",
        to,
        smtputf8=message.envelope.smtputf8 or not all(one.isascii() for one in to),
        body=message.envelope.body,
        asked=dict.fromkeys(to, _UNREPORTED),
    )
    passed = Message(identifier, envelope, Body(len(octets), octets), now)
    pending = [Pending(one, domain_of(one), due=now) for one in to]
    await parts.stores[0].put(passed, pending)
    named = " ".join(to)
    facts = {"report": identifier, "to": named, "action": "returned"}
    parts.journal.write(Entry(now, Kind.REPORTED, message=about, facts=facts))
    facts = {"report-for": about, "sender": "", "recipients": named, "size": str(len(octets))}
    queued = catalog.MESSAGE_QUEUED.name
    parts.journal.write(Entry(now, Kind.ACCEPTED, queued, message=identifier, facts=facts))
    for wake in parts.waking:
        wake()
    return True


def _octets(body: Body) -> bytes:
    assert body.path is not None  # noqa: S101 -- else it is in memory
    with body.path.open("rb") as file:
        return file.read(_LARGEST)


def _parsed(text: str) -> Address | None:
    try:
        return parse_mailbox(text)
    except GrammarError:
        return None
