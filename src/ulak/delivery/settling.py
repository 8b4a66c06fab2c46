"""From the outcomes of an attempt to what the queue, the journal and the sender are told.

Nothing here waits. A recipient is delivered and done, or tried again later, or given up; whoever
is given up, or has waited too long, is in trouble that the sender is to hear of.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from ulak.bounce.notice import Trouble
from ulak.delivery import conclusion
from ulak.delivery.outcome import Outcome, Result
from ulak.journal.entry import Entry, Journal, Kind
from ulak.queue.item import Again, Done, Message, Pending, Settlement
from ulak.queue.retry import Retry
from ulak.replies import catalog

_DAY = 86400.0
_MENDED_AFTER = 900.0  # seconds until the next attempt after an error inside


@dataclass(slots=True)
class Settled:
    """What is to be done about the recipients of one attempt."""

    settlements: list[Settlement] = field(default_factory=list)
    failed: list[Trouble] = field(default_factory=list)
    delayed: list[Trouble] = field(default_factory=list)

    def mark_warned(self) -> None:
        """Mark the recipients whose delay the sender is told now."""
        told = {trouble.recipient for trouble in self.delayed}
        self.settlements = [
            Again(replace(each.pending, warned=True))
            if isinstance(each, Again) and each.pending.recipient in told
            else each
            for each in self.settlements
        ]


class Settling:
    """Decides, and notes each decision in the journal.

    `incident` is told of an error inside; `readers` are a sender's, as `Parts`
    has them.
    """

    def __init__(
        self,
        journal: Journal,
        retry: Retry,
        clock: Callable[[], float],
        chance: Callable[[], float],
        incident: Callable[[BaseException], str],
        readers: Callable[[str], tuple[str, ...]],
    ) -> None:
        self._journal = journal
        self._retry = retry
        self._clock = clock
        self._chance = chance
        self._incident = incident
        self._readers = readers

    def settle(
        self, message: Message, pending: Sequence[Pending], outcomes: Sequence[Outcome]
    ) -> Settled:
        """Decide about every recipient of an attempt."""
        settled = Settled()
        if len(pending) == 1 == len(outcomes) and outcomes[0].recipient == pending[0].recipient:
            self._one(message, pending[0], outcomes[0], settled)
            return settled
        by_recipient = {outcome.recipient: outcome for outcome in outcomes}
        for each in pending:
            outcome = by_recipient.get(each.recipient) or self._forgotten(each.recipient)
            self._one(message, each, outcome, settled)
        return settled

    def drop(self, message: Message, pending: Sequence[Pending]) -> Settled:
        """Give recipients up because an operator says so."""
        reply = catalog.DROPPED_BY_OPERATOR.reply()
        return self.settle(
            message,
            pending,
            [Outcome(each.recipient, Result.FAILED, reply.cause, str(reply)) for each in pending],
        )

    def mend(
        self, pending: Sequence[Pending], error: Exception, done: Collection[str]
    ) -> list[Settlement]:
        """Put off the recipients that are not done, after an error inside."""
        reply = catalog.INTERNAL_ERROR.reply(id=self._incident(error))
        due = self._clock() + _MENDED_AFTER
        return [
            Done(each.recipient)
            if each.recipient in done
            else Again(replace(each, due=due, cause=reply.cause, reply=str(reply)))
            for each in pending
        ]

    def _forgotten(self, recipient: str) -> Outcome:
        error = LookupError(f"a carrier gave no outcome for {recipient!r}")
        return replace(conclusion.broken(self._incident(error)), recipient=recipient)

    def _one(self, message: Message, pending: Pending, outcome: Outcome, settled: Settled) -> None:
        now = self._clock()
        if outcome.result is Result.DELIVERED:
            self._note(now, Kind.DELIVERED, message, pending, outcome)
            settled.settlements.append(Done(pending.recipient))
        elif outcome.result is Result.FAILED:
            self._note(now, Kind.FAILED, message, pending, outcome)
            settled.settlements.append(Done(pending.recipient))
            settled.failed.append(_trouble(outcome, now))
        else:
            self._put_off(now, message, pending, outcome, settled)

    def _put_off(
        self, now: float, message: Message, pending: Pending, outcome: Outcome, settled: Settled
    ) -> None:
        retry = self._retry
        attempts = pending.attempts + 1
        due = retry.next_attempt(message.released, attempts, now, self._chance())
        if due is None:
            self._give_up(now, message, pending, outcome, settled)
            return
        self._note(now, Kind.DEFERRED, message, pending, outcome, due)
        again = replace(
            pending,
            due=due,
            attempts=attempts,
            cause=outcome.cause,
            reply=outcome.reply,
            host=outcome.host,
        )
        settled.settlements.append(Again(again))
        if not pending.warned and retry.late(message.released, now):
            until = max(message.released + retry.give_up_after, due)
            settled.delayed.append(replace(_trouble(outcome, now), until=until))

    def _give_up(
        self, now: float, message: Message, pending: Pending, outcome: Outcome, settled: Settled
    ) -> None:
        """Give a recipient up whose time is over; the last answer says why it did not work."""
        days = round(self._retry.give_up_after / _DAY) or 1
        facts = {**outcome.facts, "last-cause": outcome.cause, "days": str(days)}
        expired = replace(outcome, cause=catalog.EXPIRED.name, facts=facts)
        self._note(now, Kind.FAILED, message, pending, expired)
        settled.settlements.append(Done(pending.recipient))
        settled.failed.append(replace(_trouble(outcome, now), days=days))

    def _note(
        self,
        now: float,
        kind: Kind,
        message: Message,
        pending: Pending,
        outcome: Outcome,
        due: float = 0.0,
    ) -> None:
        facts = {
            **outcome.facts,
            "recipient": pending.recipient,
            "reply": outcome.reply,
            "attempt": str(pending.attempts + 1),
        }
        if outcome.host:
            facts["host"] = outcome.host
        if outcome.remote:  # the reply is the host's; else it is ours, about the host
            facts["remote"] = "yes"
        if outcome.tls:
            facts["tls"] = outcome.tls
        if due:
            facts["due"] = str(int(due))
        if kind is Kind.FAILED:
            sender = message.envelope.sender
            if not sender:  # RFC 5321 §4.5.5: never a report about one
                facts["unreported"] = "null-reverse-path"
            elif not self._readers(sender):
                facts["unreported"] = catalog.NO_SUCH_MAILBOX.name
        self._journal.write(
            Entry(
                now,
                kind,
                outcome.cause,
                message=message.id,
                facts=facts,
                dialogue=outcome.dialogue,
            )
        )


def _trouble(outcome: Outcome, now: float) -> Trouble:
    return Trouble(
        outcome.recipient,
        outcome.cause,
        outcome.reply,
        now,
        outcome.host,
        remote=outcome.remote,
        facts=outcome.facts,
    )
