"""From the outcomes of an attempt to what the queue, the journal and the sender are told.

Nothing here waits. A recipient is delivered and done, or tried again later, or given up; what of
that the sender is to hear is what was asked for (`ulak.bounce.duty`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from ulak.bounce.duty import of_success, owed
from ulak.bounce.notice import Action, Fate
from ulak.delivery import conclusion
from ulak.delivery.advice import NO_ADVICE, Advice
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.settled import Settled
from ulak.delivery.site.suspension import Suspension
from ulak.delivery.target import Way
from ulak.delivery.telling import fate_of, last_of, limit_of, moment
from ulak.journal.entry import Entry, Journal, Kind
from ulak.queue.item import Again, Done, Message, Pending, Settlement
from ulak.queue.retry import Retry
from ulak.replies import catalog
from ulak.replies.reply import Reply

_DAY = 86400.0
_LOST = catalog.BODY_LOST.name
_MENDED_AFTER = 900.0  # seconds until the next attempt after an error inside


class Settling:
    """Decides, and notes each decision in the journal.

    `incident` is told of an error inside; `readers` are a sender's, as `Parts` has them.
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
        self,
        message: Message,
        pending: Sequence[Pending],
        outcomes: Sequence[Outcome],
        way: Way = Way.SMTP,
        advice: Advice = NO_ADVICE,
    ) -> Settled:
        """Decide about every recipient of an attempt."""
        settled = Settled()
        if len(pending) == 1 == len(outcomes) and outcomes[0].recipient == pending[0].recipient:
            self._one(message, pending[0], outcomes[0], way, settled, advice)
            return settled
        by_recipient = {outcome.recipient: outcome for outcome in outcomes}
        for each in pending:
            outcome = by_recipient.get(each.recipient) or self._forgotten(each.recipient)
            self._one(message, each, outcome, way, settled, advice)
        return settled

    def without_attempt(self, message: Message, pending: Sequence[Pending]) -> Settled | None:
        """Decide about recipients for whom nothing is attempted any more, or not yet.

        RFC 2852 §4.1.3: when the time that the sender set has passed, the message goes back, or
        the sender is told of the delay at once, before anything that may take long.
        """
        by, now = message.envelope.wishes.deliver_by, self._clock()
        if by is None or now < by.until:
            return None
        settled = Settled()
        if by.mode == "R":
            for each in pending:
                outcome = last_of(message, each, catalog.DELIVER_BY_PASSED)
                self._overdue(now, message, each, outcome, settled, by.until, tried=False)
            return settled
        for each in pending:
            late = self._is_late(message, each, now)
            if late:
                outcome = last_of(message, each, catalog.DELIVER_BY_LATE)
                settled.tell(Action.DELAYED, self._delayed(message, outcome, now, now))
            again = replace(each, due=now, warned=each.warned or late)
            settled.settlements.append(Again(again))
        return settled if settled.fates else None

    def wait(
        self, message: Message, pending: Sequence[Pending], reply: Reply, until: float
    ) -> Settled:
        """Have recipients wait without an attempt, for a reason of ours."""
        settled, now = Settled(), self._clock()
        for each in pending:
            outcome = Outcome(
                each.recipient, Result.DEFERRED, reply.cause, str(reply), facts=reply.facts
            )
            if now - message.released >= self._retry.give_up_after:
                self._give_up(now, message, each, outcome, settled, tried=False)
                continue
            self._note(now, Kind.DEFERRED, message, each, outcome, until, tried=False)
            again = replace(each, due=until, cause=reply.cause, reply=str(reply), host="")
            settled.settlements.append(Again(again))
            if self._is_late(message, each, now):
                settled.tell(Action.DELAYED, self._delayed(message, outcome, now, until))
        return settled

    def without_site(
        self, message: Message, pending: Sequence[Pending], suspension: Suspension | None
    ) -> Settled | None:
        """Decide about recipients whose site is not sent to just now: mostly there is nothing to.

        Their time may be over, or their sender be told that they are late. That counts for what
        the suspension has seen, too: it has been tried often enough, if not with this message.
        """
        if suspension is None:
            return self.without_attempt(message, pending)
        now, settled = self._clock(), Settled()
        facts = {"rule": suspension.rule, "site-until": str(int(suspension.until))}
        for each in pending:
            outcome = Outcome(
                each.recipient,
                Result.DEFERRED,
                suspension.cause,
                suspension.reply,
                suspension.host,
                remote=bool(suspension.host) and suspension.host not in suspension.reply,
                facts=facts,
            )
            tried = each.attempts + suspension.times
            by = message.envelope.wishes.deliver_by
            if by is not None and by.mode == "R" and now >= by.until:
                self._overdue(now, message, each, outcome, settled, by.until, tried=False)
            elif self._retry.over(message.released, tried, now):
                self._give_up(now, message, each, outcome, settled, tried=False)
            elif self._is_late(message, each, now):
                due = max(suspension.until, now)
                settled.tell(Action.DELAYED, self._delayed(message, outcome, now, due))
                settled.settlements.append(Again(replace(each, due=due, warned=True)))
        return settled if settled.settlements else None

    def drop(self, message: Message, pending: Sequence[Pending]) -> Settled:
        """Give recipients up because an operator says so, or because there is nothing to send."""
        reply = catalog.DROPPED_BY_OPERATOR.reply()
        own = (reply.cause, str(reply))
        lost = message.body.lost
        return self.settle(
            message,
            pending,
            [
                Outcome(
                    each.recipient,
                    Result.FAILED,
                    *((each.cause, each.reply) if lost and each.cause == _LOST else own),
                )
                for each in pending
            ],
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

    def _one(
        self,
        message: Message,
        pending: Pending,
        outcome: Outcome,
        way: Way,
        settled: Settled,
        advice: Advice,
    ) -> None:
        now = self._clock()
        if advice is not NO_ADVICE:
            outcome = advice.judged(outcome)
        if outcome.result is Result.DELIVERED:
            self._note(now, Kind.DELIVERED, message, pending, outcome)
            settled.settlements.append(Done(pending.recipient))
            envelope = message.envelope
            if envelope.asked or envelope.wishes.deliver_by is not None:
                self._tell_success(now, message, outcome, way, settled)
        elif outcome.result is Result.FAILED:
            self._note(now, Kind.FAILED, message, pending, outcome)
            settled.settlements.append(Done(pending.recipient))
            asked = message.envelope.asked_for(pending.recipient)
            if owed(Action.FAILED, asked):
                settled.tell(Action.FAILED, fate_of(outcome, asked, now))
        else:
            self._put_off(now, message, pending, outcome, settled, advice)

    def _tell_success(
        self, now: float, message: Message, outcome: Outcome, way: Way, settled: Settled
    ) -> None:
        envelope = message.envelope
        asked = envelope.asked_for(outcome.recipient)
        action = of_success(
            asked,
            envelope.wishes.deliver_by,
            outcome.facts,
            now,
            final=way is not Way.SMTP,
            here=way.ends_here,
        )
        if action is not None:
            last = outcome.facts.get("dsn") != "passed-on"
            settled.tell(action, replace(fate_of(outcome, asked, now), last=last))

    def _put_off(
        self,
        now: float,
        message: Message,
        pending: Pending,
        outcome: Outcome,
        settled: Settled,
        advice: Advice,
    ) -> None:
        attempts = pending.attempts + 1
        due = advice.next_attempt(
            self._retry, outcome, message.released, attempts, now, self._chance()
        )
        if due is None:
            self._give_up(now, message, pending, outcome, settled)
            return
        by = message.envelope.wishes.deliver_by
        if by is not None:
            if now < by.until:  # RFC 2852 §4.1.3: to be there when it has passed
                due = min(due, by.until)
            elif by.mode == "R":
                self._overdue(now, message, pending, outcome, settled, by.until)
                return
        self._note(now, Kind.DEFERRED, message, pending, outcome, due)
        again = replace(
            pending,
            due=due,
            attempts=attempts,
            cause=outcome.cause,
            reply=outcome.reply,
            host=outcome.host,
            source=outcome.facts.get("source", ""),
        )
        settled.settlements.append(Again(again))
        if self._is_late(message, pending, now):
            settled.tell(Action.DELAYED, self._delayed(message, outcome, now, due))

    def _is_late(self, message: Message, pending: Pending, now: float) -> bool:
        """Whether the sender is to be told that the message is still under way."""
        if pending.warned or not owed(
            Action.DELAYED, message.envelope.asked_for(pending.recipient)
        ):
            return False
        limit = limit_of(message)
        return now >= limit if limit else self._retry.late(message.released, now)

    def _delayed(self, message: Message, outcome: Outcome, now: float, due: float) -> Fate:
        asked = message.envelope.asked_for(outcome.recipient)
        until = max(message.released + self._retry.give_up_after, due)
        fate = fate_of(outcome, asked, now)
        return replace(fate, until=until, deadline=limit_of(message))

    def _give_up(
        self,
        now: float,
        message: Message,
        pending: Pending,
        outcome: Outcome,
        settled: Settled,
        *,
        tried: bool = True,
    ) -> None:
        """Give a recipient up whose time is over; the last answer says why it did not work."""
        days = round(self._retry.give_up_after / _DAY) or 1
        facts = {**outcome.facts, "last-cause": outcome.cause, "days": str(days)}
        expired = replace(outcome, cause=catalog.EXPIRED.name, facts=facts)
        self._note(now, Kind.FAILED, message, pending, expired, tried=tried)
        settled.settlements.append(Done(pending.recipient))
        asked = message.envelope.asked_for(pending.recipient)
        if owed(Action.FAILED, asked):
            settled.tell(Action.FAILED, replace(fate_of(outcome, asked, now), days=days))

    def _overdue(
        self,
        now: float,
        message: Message,
        pending: Pending,
        outcome: Outcome,
        settled: Settled,
        deadline: float,
        *,
        tried: bool = True,
    ) -> None:
        """Give a recipient up because the time has passed that the sender set."""
        facts = {**outcome.facts, "until": moment(deadline)}
        passed = catalog.DELIVER_BY_PASSED.name
        if outcome.cause != passed:
            facts["last-cause"] = outcome.cause
        over = replace(outcome, cause=passed, facts=facts)
        self._note(now, Kind.FAILED, message, pending, over, tried=tried)
        settled.settlements.append(Done(pending.recipient))
        asked = message.envelope.asked_for(pending.recipient)
        if owed(Action.FAILED, asked):
            fate = replace(fate_of(outcome, asked, now), deadline=deadline)
            settled.tell(Action.FAILED, fate)

    def _note(
        self,
        now: float,
        kind: Kind,
        message: Message,
        pending: Pending,
        outcome: Outcome,
        due: float = 0.0,
        *,
        tried: bool = True,
    ) -> None:
        facts = {
            **outcome.facts,
            "sender": message.envelope.sender,
            "recipient": pending.recipient,
            "reply": outcome.reply,
            "attempt": str(pending.attempts + tried),
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
            elif not owed(Action.FAILED, message.envelope.asked_for(pending.recipient)):
                facts["unreported"] = "not-asked-for"
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
