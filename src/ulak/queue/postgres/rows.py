"""Rows of the PostgreSQL queue and the values that they stand for."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, TypeAlias

from ulak.language.case import lower
from ulak.mail.envelope import NO_WISHES, Envelope
from ulak.queue.item import Body, Message, Pending, Row, Selection, State
from ulak.queue.wishes import asked_of, kept, wishes_of

Raw: TypeAlias = tuple[Any, ...]  # what PostgreSQL gives, in the order of the columns asked for

EPOCH_SHIFT = 40  # bits for what one epoch counts

PENDING = (
    "p.recipient, p.domain, p.held, p.due, p.attempts, p.cause, p.reply, p.host, p.warned, p.source"
)
MESSAGE = (
    "m.seq, m.id, m.sender, m.size, m.received, m.smtputf8, m.kind, m.language, m.session, "
    "m.recipients, m.wishes, m.asked, m.account, m.slot, m.filed"
)
JOINED = "pending p JOIN message m ON m.seq = p.seq"
LISTED = f"m.received, p.seq, p.n, m.id, m.sender, m.size, m.wishes, p.token, {PENDING}"
IN_STATE = {
    State.READY: "p.token = 0 AND NOT p.held",
    State.LEASED: "p.token <> 0",
    State.HELD: "p.token = 0 AND p.held",
}

# How the records that are sent as JSON are read; their names are those of the columns.
MESSAGE_RECORD = (
    "seq BIGINT, id TEXT, sender TEXT, size BIGINT, received DOUBLE PRECISION, smtputf8 BOOLEAN, "
    "kind TEXT, language TEXT, session TEXT, recipients TEXT, wishes TEXT, asked TEXT, "
    "account TEXT, slot SMALLINT, filed BOOLEAN, until DOUBLE PRECISION"
)
PENDING_RECORD = (
    "seq BIGINT, n INTEGER, recipient TEXT, domain TEXT, held BOOLEAN, token BIGINT, "
    "due DOUBLE PRECISION, attempts INTEGER, cause TEXT, reply TEXT, host TEXT, warned BOOLEAN, "
    "lane SMALLINT, source TEXT"
)


def columns(record: str) -> str:
    """Name the columns of a record, for who writes it."""
    return ", ".join(each.split()[0] for each in record.split(", "))


def written(records: list[dict[str, Any]]) -> str:
    """Write records as the one argument that a statement takes."""
    return json.dumps(records, separators=(",", ":"))


def message_record(
    seq: int, message: Message, pending: tuple[Pending, ...], slot: int
) -> dict[str, Any]:
    """Give the row of a message."""
    envelope = message.envelope
    alone = len(pending) == 1 and envelope.recipients == (pending[0].recipient,)
    wishes, asked = kept(envelope)
    by = envelope.wishes.deliver_by
    return {
        "seq": seq,
        "id": message.id,
        "sender": envelope.sender,
        "size": message.body.size,
        "received": message.received,
        "smtputf8": envelope.smtputf8,
        "kind": envelope.body,
        "language": message.language,
        "session": message.session,
        "recipients": None if alone else json.dumps(envelope.recipients, ensure_ascii=False),
        "wishes": wishes,
        "asked": asked,
        "account": message.account or None,
        "slot": slot,
        "filed": message.body.path is not None,
        "until": None if by is None else by.until,
    }


def pending_record(seq: int, n: int, one: Pending, token: int, lane: int = 0) -> dict[str, Any]:
    """Give the row of a recipient."""
    return {
        "seq": seq,
        "n": n,
        "recipient": one.recipient,
        "domain": one.domain,
        "held": one.state is State.HELD,
        "token": token,
        "due": one.due,
        "attempts": one.attempts,
        "cause": _text(one.cause),
        "reply": _text(one.reply),
        "host": _text(one.host),
        "warned": one.warned,
        "lane": lane,
        "source": one.source,
    }


def _text(text: str) -> str:
    """Give what PostgreSQL can keep: of all characters, it has no NUL."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}")


def message_of(row: Raw, recipient: str, body: Body) -> Message:
    """Make the message of a MESSAGE row; `recipient` is one of those that still wait."""
    (_, identifier, sender, _, received, smtputf8, kind, language, session, *more) = row
    names, wishes, asked, account, *_ = more
    recipients = (recipient,) if names is None else tuple(json.loads(names))
    envelope = Envelope(sender, recipients, smtputf8=smtputf8, body=kind)
    if wishes is not None:
        envelope = replace(envelope, wishes=wishes_of(wishes))
    if asked is not None:
        envelope = replace(envelope, asked=asked_of(asked))
    return Message(identifier, envelope, body, received, language, session, account or "")


def pending_of(row: Raw, *, leased: bool = False) -> Pending:
    """Make a recipient of a PENDING row; one that is leased is shown as it was before, or so."""
    recipient, domain, held, due, attempts, cause, reply, host, warned, source = row
    state = State.LEASED if leased else State.HELD if held else State.READY
    return Pending(recipient, domain, state, due, attempts, cause, reply, host, warned, source)


def row_of(row: Raw) -> Row:
    """Make a line of a listing of a LISTED row."""
    received, _, _, identifier, sender, size, wishes, token = row[:8]
    pending = pending_of(row[8:], leased=bool(token))
    asked = NO_WISHES if wishes is None else wishes_of(wishes)
    return Row(identifier, sender, size, received, pending, asked)


def condition(which: Selection) -> tuple[str, dict[str, Any]]:
    """Write a selection of rows of JOINED; the same as its `matches`."""
    if which.empty:
        return "FALSE", {}
    terms, values = ["TRUE"], dict[str, Any]()
    if which.ids:
        terms.append("m.id = ANY(%(ids)s)")
        values["ids"] = list(which.ids)
    if which.domains:
        terms.append("p.domain = ANY(%(domains)s)")
        values["domains"] = [name.lower() for name in which.domains]
    if which.cause:
        terms.append("p.cause = %(cause)s")
        values["cause"] = which.cause
    if which.state is not None:
        terms.append(IN_STATE[which.state])
    if which.before is not None:
        terms.append("m.received < %(before)s")
        values["before"] = which.before
    if which.after is not None:
        terms.append("m.received > %(after)s")
        values["after"] = which.after
    if which.deadline is not None:
        terms.append("m.until > %(wanted_after)s AND m.until <= %(wanted_until)s")
        values["wanted_after"], values["wanted_until"] = which.deadline
    if which.address:  # by the letters A to Z alone, whatever the database's locale
        terms.append('%(address)s IN (lower(p.recipient COLLATE "C"), lower(m.sender COLLATE "C"))')
        values["address"] = lower(which.address)
    return " AND ".join(terms), values
