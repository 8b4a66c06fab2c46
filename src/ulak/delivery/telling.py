"""How what came of an attempt is told: to a sender as a fate, and as facts."""

from __future__ import annotations

from datetime import UTC, datetime

from ulak.bounce.notice import Fate
from ulak.delivery.outcome import Outcome, Result
from ulak.mail.envelope import RecipientWishes
from ulak.queue.item import Message, Pending
from ulak.replies import catalog


def moment(time: float) -> str:
    """Write a time (seconds since the epoch) for a fact."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def fate_of(outcome: Outcome, asked: RecipientWishes, now: float) -> Fate:
    """Tell what became of a recipient in an attempt."""
    return Fate(
        outcome.recipient,
        outcome.cause,
        outcome.reply,
        now,
        outcome.host,
        remote=outcome.remote,
        facts=outcome.facts,
        original=asked.orcpt,
        through=asked.through,
    )


def limit_of(message: Message) -> float:
    """Give the time after which the sender wants to hear of a delay, 0.0 for none.

    Where it had passed before the message came here, whoever had it then has told.
    """
    by = message.envelope.wishes.deliver_by
    return by.until if by is not None and by.mode == "N" and by.until > message.received else 0.0


def last_of(message: Message, pending: Pending, otherwise: catalog.Cause) -> Outcome:
    """Give the outcome of the last attempt again, or one that says that there was none in time."""
    if pending.attempts:
        return Outcome(
            pending.recipient,
            Result.DEFERRED,
            pending.cause,
            pending.reply,
            pending.host,
            # What this server finds about a host has its name in it.
            remote=bool(pending.host) and pending.host not in pending.reply,
        )
    by = message.envelope.wishes.deliver_by
    assert by is not None  # noqa: S101 -- who asks has looked
    reply = otherwise.reply(until=moment(by.until))
    return Outcome(pending.recipient, Result.DEFERRED, reply.cause, str(reply), facts=reply.facts)
