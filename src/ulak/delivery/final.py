"""A message as its final delivery writes it: with the fields on top that belong there.

`Return-Path` (RFC 5321 §4.4; what was there under that name before is dropped, for it would be a
second one), `Delivered-To` (RFC 9228), by which a message that comes back to the same mailbox is
known for a loop, and `X-Original-To` with the name under which an alias or a catch-all was reached.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from ulak.queue.item import Body, Message

_CHUNK = 1 << 20  # octets; a header lies in the first one, since sessions take no larger header
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_RETURN_PATH = re.compile(
    rb"^return-path[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*", re.IGNORECASE | re.MULTILINE
)
_DELIVERED_TO = re.compile(rb"^delivered-to[ \t]*:([^\n]*)$", re.IGNORECASE | re.MULTILINE)


class LoopError(Exception):
    """The message has been delivered to this recipient before."""


def pieces(message: Message, recipient: str, *, lf: bool) -> Iterator[bytes]:
    """Give the octets for a recipient. Raises LoopError, and OSError for a file.

    With `lf` lines end as files on this machine have them, but those of a binary message
    (RFC 3030 §3) stay as they are.
    """
    chunks = _chunks(message.body)
    head, rest = _head(next(chunks))
    if _loops(head, recipient):
        raise LoopError(recipient)
    through = message.envelope.asked_for(recipient).through
    top = _top(message.envelope.sender, recipient, through)
    found = chain([top, _RETURN_PATH.sub(b"", head), rest], chunks)
    return map(_with_lf, found) if lf and message.envelope.body != "BINARYMIME" else found


def _chunks(body: Body) -> Iterator[bytes]:
    """Give the body in pieces of which none but the last ends inside a CRLF."""
    if body.path is None:
        yield body.data or b""
        return
    with body.path.open("rb") as file:
        held = b""
        while piece := file.read(_CHUNK):
            piece = held + piece
            held = b"\r" if piece.endswith(b"\r") else b""
            yield piece[: len(piece) - len(held)]
        yield held


def _head(first: bytes) -> tuple[bytes, bytes]:
    """Part the first piece into header and the rest from the empty line on."""
    if first.startswith(b"\r\n"):
        return b"", first
    end = first.find(b"\r\n\r\n")
    cut = len(first) if end < 0 else end + 2
    return first[:cut], first[cut:]


def _with_lf(piece: bytes) -> bytes:
    return piece.replace(b"\r\n", b"\n")


def _loops(head: bytes, recipient: str) -> bool:
    ours = recipient.lower().encode()
    return any(found.strip().lower() == ours for found in _DELIVERED_TO.findall(head))


def _top(sender: str, recipient: str, through: str) -> bytes:
    """Write the fields that final delivery puts on top."""
    path, to, original = (
        _CONTROL.sub(b"?", text.encode("utf-8", "replace")) for text in (sender, recipient, through)
    )
    top = b"Return-Path: <" + path + b">\r\nDelivered-To: " + to + b"\r\n"
    return top + b"X-Original-To: " + original + b"\r\n" if original else top
