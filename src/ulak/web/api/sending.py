"""What sends: a message that a program hands in, and the story of one that it has."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import Sequence
from typing import Any

from ulak.accounts.account import key_of
from ulak.journal.entry import Kind
from ulak.journal.secured import without_servers
from ulak.journal.story import tell, to_dict
from ulak.journal.trace import JournalError, What
from ulak.mail.mailboxes import mailboxes
from ulak.mail.message import split, values
from ulak.replies.catalog import CATALOG
from ulak.smtp.grammar import GrammarError, parse_mailbox
from ulak.web.api import letter
from ulak.web.api.letter import Letter, LetterError
from ulak.web.api.operation import Call, Content, Operation, Parameter
from ulak.web.api.ports import Conflict, Handed, Post, Taken, Turned
from ulak.web.api.problem import Problem
from ulak.web.api.reference import JSON, LANG, MAIL
from ulak.web.api.schemas import STRING
from ulak.web.console.ports import Operation as Server
from ulak.web.console.ports import OperationError

SCOPE = "messages:send"
LARGEST = 36_000_000  # octets of a request: 25 MB of attachments in base64
_MOST = 1000  # recipients
_ADDRESS = {"type": "string", "minLength": 3, "maxLength": 1000}
_BOXES = {"type": "array", "items": _ADDRESS, "minItems": 1, "maxItems": _MOST}
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_MESSAGE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "from": _ADDRESS,
        "to": _BOXES,
        "cc": _BOXES,
        "bcc": _BOXES,
        "reply_to": _BOXES,
        "subject": {"type": "string", "maxLength": 2000},
        "text": {"type": "string", "maxLength": LARGEST},
        "html": {"type": "string", "maxLength": LARGEST},
        "headers": {
            "type": "array",
            "maxItems": 100,
            "items": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "minLength": 1, "maxLength": 60},
                    "value": {"type": "string", "maxLength": 5000},
                },
                "required": ["name", "value"],
                "additionalProperties": False,
            },
        },
        "attachments": {
            "type": "array",
            "maxItems": 100,
            "items": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "maxLength": 255},
                    "type": {"type": "string", "minLength": 3, "maxLength": 120},
                    "content": {"type": "string", "maxLength": LARGEST},
                    "id": {"type": "string", "minLength": 1, "maxLength": 200},
                },
                "required": ["type", "content"],
                "additionalProperties": False,
            },
        },
        "envelope": {
            "type": "object",
            "properties": {"from": _ADDRESS, "to": _BOXES},
            "additionalProperties": False,
        },
    },
    "required": ["from"],
    "additionalProperties": False,
}


def operations(post: Post, server: Server | None) -> tuple[Operation, ...]:
    """Give the operations of those who send."""

    async def send(call: Call) -> dict[str, Any]:
        token = call.token
        assert token is not None  # noqa: S101 -- it has a scope
        if not token.account:
            raise Problem(403, "token-without-account")
        key = call.values["Idempotency-Key"] or ""
        if key and not _KEY.fullmatch(key):
            raise Problem(400, "parameter-wrong", name="Idempotency-Key")
        try:
            sender, recipients, octets, utf8 = await asyncio.to_thread(_read, call, post)
        except LetterError as error:
            raise Problem(422, "no-message", part=error.part, problem=error.problem) from error
        handed = Handed(
            token.account,
            call.by.ip,
            sender,
            recipients,
            octets,
            utf8=utf8,
            key=_hash(token.hash, key) if key else "",
            digest=_digest(call) if key else "",
        )
        try:
            done = await post.send(handed)
        except OperationError as error:
            raise Problem(503, "not-running", {"retry-after": "10"}) from error
        return _told(done)

    async def story(call: Call) -> dict[str, Any]:
        token, identifier = call.token, call.values["id"]
        assert token is not None  # noqa: S101 -- as above
        assert server is not None  # noqa: S101 -- else there is no such operation
        try:
            found = await server.story(identifier)
        except JournalError as error:
            raise Problem(404, "unknown-id", id=identifier) from error
        except OperationError as error:
            raise Problem(503, "storage", {"retry-after": "10"}) from error
        if found is None or found.what is not What.MESSAGE or not token.account:
            raise Problem(404, "unknown-id", id=identifier)
        own = key_of(token.account)
        taken = [e for e in found.entries if e.kind is Kind.ACCEPTED and e.message == found.id]
        if own is None or not any(key_of(e.facts.get("account", "")) == own for e in taken):
            raise Problem(404, "unknown-id", id=identifier)
        return to_dict(tell(without_servers(found), call.language))

    text = {"type": "string", "minLength": 3, "maxLength": 1000}
    made = [
        Operation(
            "send", "POST", "/messages", send, "Taken", SCOPE,
            (
                Parameter(
                    "Idempotency-Key", {"type": "string", "minLength": 1, "maxLength": 255},
                    "header",
                ),
                Parameter("from", text),
                Parameter("to", {"type": "array", "maxItems": _MOST, "items": text}),
            ),
            Content({JSON: _MESSAGE, MAIL: STRING}, LARGEST),
            problems=(409, 413, 415, 422, 429, 503), status=202,
        ),
    ]  # fmt: skip
    if server is not None:
        identifier = Parameter("id", {"type": "string", "maxLength": 255}, "path", required=True)
        made.append(
            Operation(
                "message", "GET", "/messages/{id}", story, "Story", SCOPE, (identifier, LANG),
                problems=(503,),
            )
        )  # fmt: skip
    return tuple(made)


def _told(done: Taken | Turned | Conflict) -> dict[str, Any]:
    match done:
        case Conflict():
            raise Problem(409, "key-used")
        case Taken():
            return {
                "id": done.id,
                "message_id": done.message_id,
                "recipients": list(done.recipients),
                "again": done.again,
            }
        case Turned("no-account"):
            raise Problem(403, "token-without-account")
        case Turned():
            more = {"cause": done.cause, "reply": done.reply, "recipients": list(done.recipients)}
            if done.reply.startswith("4"):
                limited = done.cause in CATALOG and CATALOG[done.cause].family == "rate-limited"
                wait = {"retry-after": "600" if limited else "60"}
                raise Problem(
                    429 if limited else 503, "message-not-now", wait, more=more, reply=done.reply
                )
            raise Problem(422, "message-refused", more=more, reply=done.reply)


def _read(call: Call, post: Post) -> tuple[str, tuple[str, ...], bytes, bool]:
    """Give sender and recipients of the envelope, the message, and whether it needs SMTPUTF8."""
    if call.kind == MAIL:
        return _raw(call)
    given = call.json(_MESSAGE)
    made = _letter(given)
    envelope = given.get("envelope", {})
    sender = _address(envelope["from"]) if "from" in envelope else str(made.sender.address)
    named = [box for name in ("to", "cc", "bcc") for box in given.get(name, ())]
    wanted = envelope.get("to", named)
    recipients = tuple(dict.fromkeys(str(letter.mailbox(one, "to").address) for one in wanted))
    if not recipients:
        part, problem = "to", "there is no recipient"
        raise LetterError(part, problem)
    mark = os.urandom(16).hex()
    octets = made.octets(
        now=post.clock(), message_id=f"<{mark}@{post.hostname}>", boundary=f"=_{mark[::-1]}"
    )
    ascii_only = all(one.isascii() for one in (sender, *recipients))
    return sender, recipients, octets, made.utf8 or not ascii_only


def _letter(given: dict[str, Any]) -> Letter:
    def boxes(name: str) -> list[letter.Mailbox]:
        return [letter.mailbox(one, name) for one in given.get(name, ())]

    return Letter(
        letter.mailbox(given["from"], "from"),
        boxes("to"),
        boxes("cc"),
        boxes("reply_to"),
        letter.subject(given.get("subject", "")),
        given.get("text"),
        given.get("html"),
        [
            letter.attachment(one.get("name", ""), one["type"], one["content"], one.get("id", ""))
            for one in given.get("attachments", ())
        ],
        [letter.field(one["name"], one["value"]) for one in given.get("headers", ())],
    )


def _raw(call: Call) -> tuple[str, tuple[str, ...], bytes, bool]:
    """Take a message as it is; its envelope is in the query, or else in its header."""
    octets = call.body
    if b"\r\n" not in octets:  # as files of unixes have it
        octets = octets.replace(b"\n", b"\r\n")
    header = split(octets)[0]
    sender = call.values["from"]
    named = call.values["to"]
    senders = [_address(sender)] if sender else _named(header, ("From",))[:1]
    recipients = [_address(one) for one in named] or _named(header, ("To", "Cc", "Bcc"))
    if not senders or not recipients:
        part = "to" if senders else "from"
        problem = "the message names none that can be read, nor does the request"
        raise LetterError(part, problem)
    if len(recipients) > _MOST:
        part, problem = "to", f"there are more than {_MOST} recipients"
        raise LetterError(part, problem)
    every = (*senders, *recipients)
    utf8 = not header.isascii() or not all(one.isascii() for one in every)
    return senders[0], tuple(dict.fromkeys(recipients)), octets, utf8


def _named(header: bytes, names: Sequence[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        for value in values(header, name):
            found += [_address(str(box)) for box in mailboxes(value) or ()]
    return found


def _address(text: str) -> str:
    try:
        return str(parse_mailbox(text))
    except GrammarError as error:
        part = "envelope"
        raise LetterError(part, str(error)) from error


def _digest(call: Call) -> str:
    asked = str(call.request.url.query)
    return _hash(call.kind, asked, hashlib.sha256(call.body).hexdigest())


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
