"""Reports to senders, as messages for the queue (RFC 5321 §6.1; RFC 3464 by `ulak.bounce`)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ulak.bounce.notice import Action, Explain, Fate, Office, Original
from ulak.bounce.report import write
from ulak.delivery.settled import Settled
from ulak.journal.entry import Entry, Journal, Kind
from ulak.mail.envelope import NO_WISHES, Envelope, RecipientWishes, Wishes, domain_of
from ulak.queue.item import Body, Message, Pending
from ulak.replies import catalog

_UNREPORTED = RecipientWishes(frozenset({"NEVER"}))  # RFC 3461 §6.1
_SHOWN = 100  # recipients that an entry names
_EXCERPT = 1 << 19  # octets read of a message in a file: its header lies in them


@dataclass(frozen=True, slots=True)
class Report:
    """A report as the queue takes it, and what it tells."""

    message: Message
    pending: tuple[Pending, ...]
    action: Action
    fates: Sequence[Fate]


@dataclass(frozen=True, slots=True)
class Signed:
    """Signs what this server writes itself. `sign` gives the fields that go on top.

    A report that cannot be signed goes as it is: nobody would send it again.
    """

    sign: Callable[[bytes], bytes] | None = None
    incident: Callable[[BaseException], str] | None = None

    def __call__(self, message: bytes) -> bytes:
        """Give the message with its signatures."""
        if self.sign is None:
            return message
        try:
            return self.sign(message) + message
        except Exception as error:  # noqa: BLE001 -- as above; it is noted
            if self.incident is not None:
                self.incident(error)
            return message


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
        signed: Signed | None = None,
        meet: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self._meet = meet
        self._office = office
        self._journal = journal
        self._explain = explain
        self._clock = clock
        self._new_id = new_id
        self._readers = readers
        self._signed = signed or Signed()

    async def of(self, message: Message, settled: Settled) -> list[Report]:
        """Write what the sender gets to read about an attempt, one report for each action."""
        if not settled.fates:
            return []
        if self._meet is not None:
            await self._meet(message.envelope.sender)
        if not self._readers(message.envelope.sender):
            return []
        reports = [
            await self.write(message, settled.fates[action], action)
            for action in Action
            if action in settled.fates
        ]
        settled.mark_warned()
        return reports

    async def write(self, message: Message, fates: Sequence[Fate], action: Action) -> Report:
        """Write one report about a message."""
        sender = message.envelope.sender
        body = message.body
        octets = None if body.lost else body.data
        if octets is None and body.path is not None:
            octets = await asyncio.to_thread(_excerpt, body.path)
        original = Original(
            message.id,
            sender,
            message.received,
            octets or b"",
            whole=octets is not None and len(octets) == body.size,
            lost=octets is None,
            language=message.language,
            smtputf8=message.envelope.smtputf8,
            binary=message.envelope.body == "BINARYMIME",
            wishes=message.envelope.wishes,
        )
        identifier, now = self._new_id(), self._clock()
        report = write(
            self._office,
            original,
            fates,
            action,
            identifier=identifier,
            now=now,
            explain=self._explain,
        )
        readers = self._readers(sender)
        smtputf8 = report.smtputf8 or not all(reader.isascii() for reader in readers)
        envelope = Envelope(
            "",
            readers,
            smtputf8=smtputf8,
            body=report.body,
            wishes=_wishes(message.envelope.wishes),
            asked=dict.fromkeys(readers, _UNREPORTED),
        )
        data = self._signed(report.data)
        body = Body(len(data), data)
        return Report(
            # The account says by which pool of sources it leaves: that of its message's tenant.
            Message(
                identifier, envelope, body, now, language=report.language, account=message.account
            ),
            tuple(Pending(reader, domain_of(reader), due=now) for reader in readers),
            action,
            fates,
        )

    def note(self, message: Message, report: Report) -> None:
        """Note a report that is queued, both with the message and with itself."""
        made, cause = report.message, report.fates[0].cause
        recipients = " ".join(fate.recipient for fate in report.fates[:_SHOWN])
        if len(report.fates) > _SHOWN:
            recipients += f" and {len(report.fates) - _SHOWN} more"
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


def _wishes(original: Wishes) -> Wishes:
    """Give what a report asks for: to be as safe and as quick as its message was.

    (RFC 8689 §5, RFC 6710 §4.6.) An envelope identifier and RET are its message's own affair.
    """
    if not original.require_tls and not original.priority:
        return NO_WISHES
    return Wishes(require_tls=original.require_tls, priority=original.priority)


def _excerpt(path: Path) -> bytes | None:
    """Read the beginning of a message; a file that cannot be read must not stop its report."""
    try:
        with path.open("rb") as file:
            return file.read(_EXCERPT)
    except OSError:
        return None
