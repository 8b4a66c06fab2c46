"""Rows of the SQLite queue and the values that they stand for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from ulak.language.case import lower
from ulak.mail.envelope import NO_WISHES, Envelope
from ulak.queue.item import Body, Message, Pending, Row, Selection, State
from ulak.queue.sqlite.folder import body_path
from ulak.queue.wishes import asked_of, kept, wishes_of

Value: TypeAlias = str | bytes | int | float | None
Values: TypeAlias = tuple[Value, ...]
Raw: TypeAlias = tuple[Any, ...]  # what SQLite gives, in the order of the columns asked for

# Three bits, as in the schema.
LEASED_BIT, HELD_BIT, ARRIVING_BIT = 1, 2, 4
BUSY_BITS = LEASED_BIT | ARRIVING_BIT  # nobody else may lease it
AT_REST = {State.READY: 0, State.LEASED: 0, State.HELD: HELD_BIT}
_IN_STATE = {
    State.READY: "state = 0",
    State.LEASED: f"state & {BUSY_BITS} <> 0",
    State.HELD: f"state = {HELD_BIT}",
}
STATES = (State.READY, State.LEASED, State.HELD, *[State.LEASED] * 5)

JOINED = "pending p JOIN message m ON m.seq = p.message"
WITH_BODY = "message m LEFT JOIN body b ON b.seq = m.seq"
PENDING_BEFORE = (  # as it was before its lease
    f"recipient, domain, state & {HELD_BIT}, due, attempts, cause, reply, host, warned, source"
)
MESSAGE = (
    "m.seq, m.id, m.sender, m.size, m.received, m.smtputf8, m.kind, m.language, m.session, "
    "m.recipients, m.wishes, m.asked, m.account, b.octets"
)
LISTED = (
    "p.message, p.n, m.id, m.sender, m.size, m.received, p.recipient, p.domain, p.state, p.due, "
    "p.attempts, p.cause, p.reply, p.host, p.warned, p.source, m.wishes"
)
AGAIN = (
    "UPDATE pending SET domain = ?, state = ?, due = ?, attempts = ?, cause = ?, reply = ?, "
    "host = ?, warned = ?, source = ? WHERE message = ? AND n = ?"
)
# As its index has it.
DEADLINE = "wishes ->> '$.deliver_by.until'"
WITH_DEADLINE = f"wishes IS NOT NULL AND {DEADLINE}"


def waits_values(pending: Pending) -> Values:
    """Give what an attempt may change of a recipient, in the order of `AGAIN`."""
    return (
        pending.domain,
        AT_REST[pending.state],
        pending.due,
        pending.attempts,
        pending.cause,
        pending.reply,
        pending.host,
        pending.warned,
        pending.source,
    )


def message_values(seq: int, message: Message, pending: tuple[Pending, ...]) -> Values:
    """Give the row of a message."""
    envelope = message.envelope
    alone = len(pending) == 1 and envelope.recipients == (pending[0].recipient,)
    wishes, asked = kept(envelope)
    return (
        seq,
        message.id,
        envelope.sender,
        message.body.size,
        message.received,
        envelope.smtputf8,
        envelope.body,
        message.language,
        message.session,
        None if alone else json.dumps(envelope.recipients, ensure_ascii=False),
        wishes,
        asked,
        message.account or None,
    )


def message_of(row: Raw, recipient: str, bodies: Path) -> Message:
    """Make the message of a MESSAGE row; `recipient` is one of those that still wait."""
    (seq, identifier, sender, size, received, smtputf8, kind, language, session, *more) = row
    names, wishes, asked, account, octets = more
    recipients = (recipient,) if names is None else tuple(json.loads(names))
    envelope = Envelope(sender, recipients, smtputf8=bool(smtputf8), body=kind)
    if wishes is not None:
        envelope = replace(envelope, wishes=wishes_of(wishes))
    if asked is not None:
        envelope = replace(envelope, asked=asked_of(asked))
    path = body_path(bodies, seq) if octets is None else None
    body = Body(size, octets, path)
    return Message(identifier, envelope, body, received, language, session, account or "")


def pending_of(row: Raw) -> Pending:
    """Make a recipient of a row."""
    recipient, domain, bits, due, attempts, cause, reply, host, warned, source = row
    return Pending(
        recipient, domain, STATES[bits], due, attempts, cause, reply, host, bool(warned), source
    )


def row_of(row: Raw) -> Row:
    """Make a line of a listing of a LISTED row."""
    wishes = NO_WISHES if row[16] is None else wishes_of(row[16])
    return Row(row[2], row[3], row[4], row[5], pending_of(row[6:16]), wishes)


def condition(which: Selection) -> tuple[str, Values]:
    """Write a selection of rows of `pending`; the same as its `matches`."""
    if which.empty:
        return "FALSE", ()
    terms, values = ["TRUE"], list[Value]()
    if which.ids:
        terms.append(
            "message IN (SELECT seq FROM message WHERE id IN (SELECT value FROM json_each(?)))"
        )
        values.append(json.dumps(which.ids, ensure_ascii=False))
    if which.domains:
        terms.append("domain IN (SELECT value FROM json_each(?))")
        values.append(json.dumps([name.lower() for name in which.domains], ensure_ascii=False))
    if which.cause:
        terms.append("cause = ?")
        values.append(which.cause)
    if which.state is not None:
        terms.append(_IN_STATE[which.state])
    for time, sign in ((which.before, "<"), (which.after, ">")):
        if time is not None:
            terms.append(f"message IN (SELECT seq FROM message WHERE received {sign} ?)")
            values.append(time)
    if which.deadline is not None:
        terms.append(
            f"message IN (SELECT seq FROM message WHERE {WITH_DEADLINE} > ? AND {DEADLINE} <= ?)"
        )
        values += which.deadline
    if which.address:  # SQLite's lower() knows A to Z alone, too
        terms.append(
            "(lower(recipient) = ? OR message IN (SELECT seq FROM message WHERE lower(sender) = ?))"
        )
        values += [lower(which.address)] * 2
    return " AND ".join(terms), tuple(values)
