"""Reports to senders, as messages for the queue (RFC 5321 §6.1; RFC 3464 by `ulak.bounce`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ulak.bounce.notice import Action, Explain, Office, Original, Trouble
from ulak.bounce.report import write
from ulak.journal.entry import Entry, Journal, Kind
from ulak.mail.envelope import Envelope, domain_of
from ulak.queue.item import Body, Message, Pending
from ulak.replies import catalog

_SHOWN = 100  # recipients that an entry names
_EXCERPT = 1 << 19  # octets read of a message in a file: its header lies in them


@dataclass(frozen=True, slots=True)
class Report:
    """A report as the queue takes it, and what it tells."""

    message: Message
    pending: tuple[Pending, ...]
    action: Action
    troubles: Sequence[Trouble]


class Reporting:
    """Writes reports. `new_id` names them; `clock` gives seconds since the epoch."""

    def __init__(
        self,
        office: Office,
        journal: Journal,
        explain: Explain,
        clock: Callable[[], float],
        new_id: Callable[[], str],
        readers: Callable[[str], tuple[str, ...]],
    ) -> None:
        self._office = office
        self._journal = journal
        self._explain = explain
        self._clock = clock
        self._new_id = new_id
        self._readers = readers

    def wanted(self, message: Message) -> bool:
        """Whether anybody would read a report about the message."""
        return bool(self._readers(message.envelope.sender))

    async def write(self, message: Message, troubles: Sequence[Trouble], action: Action) -> Report:
        """Write the report about a message, if it is `wanted`."""
        sender = message.envelope.sender
        octets = message.body.data
        if octets is None:
            octets = await asyncio.to_thread(_excerpt, message.body)
        original = Original(
            message.id,
            sender,
            message.received,
            octets,
            whole=len(octets) == message.body.size,
            language=message.language,
            smtputf8=message.envelope.smtputf8,
        )
        identifier, now = self._new_id(), self._clock()
        report = write(
            self._office,
            original,
            troubles,
            action,
            identifier=identifier,
            now=now,
            explain=self._explain,
        )
        readers = self._readers(sender)
        smtputf8 = report.smtputf8 or not all(reader.isascii() for reader in readers)
        envelope = Envelope("", readers, smtputf8=smtputf8, body=report.body)
        body = Body(len(report.data), report.data)
        return Report(
            Message(identifier, envelope, body, now, language=report.language),
            tuple(Pending(reader, domain_of(reader), due=now) for reader in readers),
            action,
            troubles,
        )

    def note(self, message: Message, report: Report) -> None:
        """Note a report that is queued, both with the message and with itself."""
        made, cause = report.message, report.troubles[0].cause
        recipients = " ".join(trouble.recipient for trouble in report.troubles[:_SHOWN])
        if len(report.troubles) > _SHOWN:
            recipients += f" and {len(report.troubles) - _SHOWN} more"
        readers = " ".join(made.envelope.recipients)
        facts = {
            "report": made.id,
            "action": report.action.value,
            "to": readers,
            "language": made.language,
            "recipients": recipients,
        }
        self._journal.write(
            Entry(made.received, Kind.REPORTED, cause, message=message.id, facts=facts)
        )
        facts = {
            "report-for": message.id,
            "sender": "",
            "recipients": readers,
            "size": str(made.body.size),
        }
        queued = catalog.MESSAGE_QUEUED.name
        self._journal.write(
            Entry(made.received, Kind.ACCEPTED, queued, message=made.id, facts=facts)
        )


def _excerpt(body: Body) -> bytes:
    """Read the beginning of a message; a file that cannot be read must not stop its report."""
    if body.path is None:
        return b""
    try:
        with body.path.open("rb") as file:
            return file.read(_EXCERPT)
    except OSError:
        return b""
