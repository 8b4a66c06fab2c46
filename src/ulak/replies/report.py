"""What a delivery report says about each recipient (RFC 3464 §2), read from a bounce mail.

Only the fields for programs are read. A mail is taken as it is, line by line and each line once:
nothing in a hostile one costs more than its length.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ulak.replies.parse import ParsedReply, parse

_PART = re.compile(rb"content-type:\s*message/(?:global-)?delivery-status", re.IGNORECASE)
_ENCODED = re.compile(rb"content-transfer-encoding:\s*(?:(base64)|quoted-printable)", re.IGNORECASE)
_FIELD = re.compile(r"([A-Za-z0-9-]{1,64}):[ \t]*(.*)", re.ASCII)
_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
# Far more than a report about a thousand recipients.
_LONGEST = 4_000_000


@dataclass(frozen=True, slots=True)
class Failure:
    """One recipient of a report.

    `reply` is what the report quotes, with the report's own status where the reply has none;
    `quoted` is how it stands there. `cause` is what a report of ours says itself.
    """

    recipient: str
    action: str
    reply: ParsedReply
    quoted: str
    cause: str = ""


def failures(mail: bytes) -> tuple[Failure, ...]:
    """Give the recipients that a bounce mail reports about; none where it is no report."""
    found = []
    for group in _groups(_status_part(mail[:_LONGEST])):
        fields = dict(_fields(group))
        if "final-recipient" not in fields and "status" not in fields:
            continue  # the fields about the message as a whole
        quoted = fields.get("diagnostic-code") or fields.get("status", "")
        reply = parse(quoted)
        status = _STATUS.match(fields.get("status", ""))
        if reply.enhanced is None and status is not None and not status[0].endswith(".0.0"):
            reply = replace(reply, enhanced=status[0])
        found.append(
            Failure(
                recipient=fields.get("final-recipient", "").rpartition(";")[2].strip(),
                action=fields.get("action", "").strip(),
                reply=reply,
                quoted=quoted,
                cause=fields.get("x-ulak-cause", "").strip(),
            )
        )
    return tuple(found)


def _status_part(mail: bytes) -> list[str]:
    """Give the lines of the part for programs, from its header's end to the next boundary."""
    lines = mail.replace(b"\r\n", b"\n").split(b"\n")
    number = _begin(lines)
    if number is None:
        return []
    encoded: re.Match[bytes] | None = None
    boundary = b"--"  # whatever it is, where the part has lost its beginning
    while number < len(lines) and lines[number]:
        if lines[number].startswith(b"--"):
            boundary = lines[number].rstrip()
        encoded = encoded or _ENCODED.match(lines[number])
        number += 1
    body = []
    for line in lines[number + 1 :]:
        if line.startswith(boundary):
            break
        body.append(line)
    if encoded is not None:
        try:
            octets = (
                binascii.a2b_base64(b"".join(body))
                if encoded[1]
                else binascii.a2b_qp(b"\n".join(body))
            )
        except binascii.Error:
            return []
        body = octets.replace(b"\r\n", b"\n").split(b"\n")
    return [line.decode("utf-8", "replace") for line in body]


def _begin(lines: list[bytes]) -> int | None:
    """Give the line with which the header of that part begins.

    A boundary stands before it, but where the part has lost its beginning. What looks like it
    without one may be quoted in the text for people.
    """
    begin, quoted = 0, None
    for number, line in enumerate(lines):
        if not line:
            begin = number + 1
        elif _PART.match(line):
            if lines[begin].startswith(b"--"):
                return begin
            quoted = begin if quoted is None else quoted
    return quoted


def _groups(lines: list[str]) -> Iterator[list[str]]:
    group: list[str] = []
    for line in (*lines, ""):
        if line.strip():
            group.append(line)
        elif group:
            yield group
            group = []


def _fields(group: list[str]) -> Iterator[tuple[str, str]]:
    name, parts = "", list[str]()
    for line in group:
        if line[0] in " \t":
            parts.append(line.strip())
            continue
        if name:
            yield name, " ".join(parts)
        field = _FIELD.match(line)
        name, parts = (field[1].lower(), [field[2].strip()]) if field is not None else ("", [])
    if name:
        yield name, " ".join(parts)
