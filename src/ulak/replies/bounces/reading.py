"""From a whole mail to what it reports: its part for programs, else its part for people.

A mail that holds a report as an attachment is read, too, but not what a report returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from ulak.replies.bounces import dsn, hook, human, mime
from ulak.replies.bounces.failure import Bounce, Failure, Returned
from ulak.replies.parse import parse

# Reports about other things: a receipt (RFC 8098), a complaint (RFC 5965).
_OTHER = frozenset({"message/disposition-notification", "message/feedback-report"})
# How many messages in a mail are looked at.
_MOST = 20


def failures(mail: bytes) -> tuple[Failure, ...]:
    """Give the recipients that a bounce mail reports about; none where it is no report."""
    return bounce(mail).failures


def bounce(mail: bytes) -> Bounce:
    """Read a mail as a report; it has no failures where it is none."""
    for message in _messages(mime.read(mail)):
        found = _read(message)
        if found.failures or _is_report(message):
            return found
    return Bounce()


def _messages(message: mime.Message) -> Iterator[mime.Message]:
    waiting = [message]
    for _ in range(_MOST):
        if not waiting:
            return
        first = waiting.pop(0)
        yield first
        waiting += [part.inner for part in first.parts if part.inner is not None]


def _is_report(message: mime.Message) -> bool:
    return message.kind == "multipart/report" or any(p.kind in _OTHER for p in message.parts)


def _read(message: mime.Message) -> Bounce:
    if any(part.kind in _OTHER for part in message.parts) and not _refused(message):
        return Bounce()
    returned = _returned(message)
    status = next((part for part in message.parts if part.kind in dsn.KINDS), None)
    if status is not None:
        found = dsn.read(status)
        if found.failures:
            return Bounce(
                _with_words(message, found.failures),
                returned,
                found.reporting_mta,
                found.time or message.fields.get("date", ""),
                "dsn",
            )
    by_hook = hook.read(message)
    if by_hook is not None:
        return by_hook
    told = human.read(message)
    if told is None or not told.failures:
        return Bounce()
    if returned == Returned():
        returned = _of(told.returned)
    mta = _host_of(message.fields)
    return Bounce(
        tuple(replace(failure, reporting_mta=mta) for failure in told.failures),
        returned,
        mta,
        message.fields.get("date", ""),
        told.source,
    )


def _refused(message: mime.Message) -> bool:
    """Whether a receipt says that a filter has refused the message."""
    receipt = next((p for p in message.parts if p.kind == "message/disposition-notification"), None)
    told = human.read(message) if receipt is not None else None
    return told is not None and told.source == "dovecot"


def _with_words(message: mime.Message, found: list[Failure]) -> tuple[Failure, ...]:
    """Put the replies of the part for people where the part for programs has none."""
    if len(found) == 1 and not dsn.is_address(found[0].recipient):
        # A file, a program or a domain that stands behind an address.
        name = human.named(message)
        found = [replace(found[0], recipient=name or found[0].recipient)]
    if not any(map(_silent, found)):
        return tuple(found)
    about = human.replies_about(message)
    return tuple(_spoken(failure, about) if _silent(failure) else failure for failure in found)


def _silent(failure: Failure) -> bool:
    return failure.reply.code is None and not failure.cause and failure.action != "delivered"


def _spoken(failure: Failure, about: Callable[[str], str]) -> Failure:
    quoted = about(failure.recipient)
    reply = parse(quoted)
    if reply.code is None or reply.code < 400:  # noqa: PLR2004 -- a refusal
        return failure
    if reply.enhanced is None:
        reply = replace(reply, enhanced=failure.reply.enhanced)
    return replace(failure, reply=reply, quoted=quoted)


def _returned(message: mime.Message) -> Returned:
    for part in message.parts:
        if "content-translation-type" in part.fields:
            continue  # RFC 8255 §6: the same in another language, and not what was returned
        if part.inner is not None:
            return _of(part.inner.fields)
        if part.kind in ("text/rfc822-headers", "message/global-headers", "message/partial"):
            lines = mime.lines_of(mime.decoded(part.fields, part.lines))
            return _of(mime.fields_of(lines))
    return Returned()


def _of(fields: dict[str, str]) -> Returned:
    return Returned(
        message_id=fields.get("message-id", "").strip(),
        subject=mime.words(fields.get("subject", "")),
        sender=mime.words(fields.get("from", "")),
        date=fields.get("date", ""),
    )


def _host_of(fields: dict[str, str]) -> str:
    """Name the server that speaks: the domain it writes from."""
    return dsn.address(fields.get("from", "").partition("(")[0]).rpartition("@")[2].strip(' >"')
