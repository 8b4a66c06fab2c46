"""The message that a bounce returns, as far as it does (RFC 6522 §3, RFC 3464 §2).

Each line is looked at once.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass

from ulak.mail import message as mails

_PART = re.compile(
    rb"content-type:\s*(?:(message/(?:rfc822|global))|text/rfc822-headers|message/global-headers)"
    rb"\s*(?:;|$)",
    re.IGNORECASE,
)
_ENCODED = re.compile(rb"content-transfer-encoding:\s*(?:(base64)|quoted-printable)", re.IGNORECASE)
_MTA = re.compile(rb"(?:reporting|remote)-mta:\s*[a-z0-9-]{1,20}\s*;\s*(\S{1,255})", re.IGNORECASE)
_LONGEST = 20_000_000


@dataclass(frozen=True, slots=True)
class Returned:
    """What a bounce shows of the message and of its way.

    `header` is that of the message, with CRLF; `message` all of it, where it came back with a
    body, else empty. `to` is whom the bounce was sent to: the reverse-path of the message.
    `reporting` and `remote` are the names of the server that reports and of the one that
    refused (RFC 3464 §2.2.2, §2.3.5).
    """

    header: bytes = b""
    message: bytes = b""
    to: str = ""
    reporting: str = ""
    remote: str = ""


def returned(bounce: bytes) -> Returned:
    """Read a bounce; what it does not show is empty."""
    lines = bounce[:_LONGEST].replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    own, _ = mails.split(b"\r\n".join(lines[:2000]) + b"\r\n")
    whole, part = _part(lines)
    header, body = mails.split(part)
    if part and not header.endswith(b"\r\n"):
        header += b"\r\n"
    named = {b"reporting": "", b"remote": ""}
    for line in lines:
        if line[:1] in b"Rr" and (found := _MTA.match(line)) is not None:
            named[line.partition(b"-")[0].lower()] = found[1].decode("utf-8", "replace")
    return Returned(
        header,
        part if whole and body else b"",
        mails.first(own, "To").strip().removeprefix("<").removesuffix(">"),
        named[b"reporting"],
        named[b"remote"],
    )


def _part(lines: list[bytes]) -> tuple[bool, bytes]:
    """Give the first part that is a message or its header, and whether it is a message."""
    heading, boundary = False, b""
    for number, line in enumerate(lines):
        if line.startswith(b"--"):
            heading, boundary = True, line.rstrip()
        elif not line:
            heading = False
        elif heading and (found := _PART.match(line)) is not None:
            return found[1] is not None, _content(lines, number, boundary)
    return False, b""


def _content(lines: list[bytes], number: int, boundary: bytes) -> bytes:
    """Give what stands between the header of a part and the next boundary, decoded."""
    encoded: re.Match[bytes] | None = None
    while number < len(lines) and lines[number]:
        encoded = encoded or _ENCODED.match(lines[number])
        number += 1
    end = number + 1
    while end < len(lines) and not lines[end].startswith(boundary):
        end += 1
    content = lines[number + 1 : end]
    if encoded is not None:
        try:
            octets = (
                binascii.a2b_base64(b"".join(content))
                if encoded[1]
                else binascii.a2b_qp(b"\n".join(content))
            )
        except binascii.Error:
            return b""
        content = octets.replace(b"\r\n", b"\n").split(b"\n")
    return b"\r\n".join(content)
