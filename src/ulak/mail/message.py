"""A message as octets: its header, field by field, and nothing rewritten (RFC 5322 §2.1, §2.2).

This is not a parser of what fields mean. It finds them, in linear time on whatever a stranger
sends, and never changes an octet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ulak.mail.encoded import decode

# A name is printable ASCII without a colon (§3.6.8); space before the colon is obsolete (§4.5).
# Possessive: what a name took it never gives back, so that a long line is read once.
_FIELD = re.compile(rb"\r\n([\x21-\x39\x3b-\x7e]++)[ \t]*+:")
_FOLD = re.compile(rb"\r\n(?=[ \t])")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_MESSAGE_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]+>")
_LONGEST_ID = 250


class Field(NamedTuple):
    """One field. `name` as it is written; `value` all after the colon, folded as it came."""

    name: str
    value: bytes


def split(message: bytes) -> tuple[bytes, bytes]:
    """Give the header, with the CRLF of its last line, and the body after the empty line."""
    if message.startswith(b"\r\n"):
        return b"", message[2:]
    end = message.find(b"\r\n\r\n")
    if end < 0:
        return message, b""
    return message[: end + 2], message[end + 4 :]


def fields(header: bytes) -> Iterator[Field]:
    """Give the fields of a header in order; lines that belong to none are passed over."""
    block = b"\r\n" + header.removesuffix(b"\r\n")
    found = _FIELD.search(block)
    while found is not None:
        following = _FIELD.search(block, found.end())
        end = len(block) if following is None else following.start()
        yield Field(found[1].decode("ascii"), block[found.end() : end])
        found = following


def raw_fields(header: bytes) -> list[tuple[bytes, bytes]]:
    """Give each field's name in lower case, and its octets with the CRLF at their end.

    Together they are the header, where every line belongs to a field.
    """
    block = b"\r\n" + header.removesuffix(b"\r\n")
    starts = [(found.start(), found[1].lower()) for found in _FIELD.finditer(block)]
    ends = [*(start for start, _ in starts[1:]), len(block)]
    return [
        (name, block[start + 2 : end] + b"\r\n")
        for (start, name), end in zip(starts, ends, strict=False)
    ]


def values(header: bytes, name: str) -> list[bytes]:
    """Give the value of every field of a name, folded as it came."""
    wanted = name.lower()
    return [field.value for field in fields(header) if field.name.lower() == wanted]


def first(header: bytes, name: str) -> str:
    """Give the value of the first field of a name, unfolded and stripped; `""` without one.

    UTF-8 is read as such (RFC 6532); other octets become U+FFFD.
    """
    wanted = name.lower()
    for field in fields(header):
        if field.name.lower() == wanted:
            return unfold(field.value)
    return ""


def unfold(value: bytes) -> str:
    """Join the lines of a value (RFC 5322 §2.2.3); no line end is left in what it gives."""
    text = _FOLD.sub(b"", value).decode("utf-8", "replace")
    return text.replace("\r", " ").replace("\n", " ").strip(" \t")


def hops(header: bytes) -> int:
    """Count the Received fields: the servers that the message has passed (RFC 5321 §6.3)."""
    return [name.lower() for name in names(header)].count(b"received")


def names(header: bytes) -> list[bytes]:
    """Give the names of all fields, as written."""
    return _FIELD.findall(b"\r\n" + header)


def subject(header: bytes) -> str:
    """Give the subject as a person reads it (RFC 2047 words decoded)."""
    return decode(first(header, "Subject"))


def message_id(header: bytes) -> str:
    """Give the Message-ID with its angle brackets, or `""` where there is none to be used."""
    found = _MESSAGE_ID.search(first(header, "Message-ID"))
    return found[0] if found and len(found[0]) <= _LONGEST_ID else ""


def content_language(header: bytes) -> str:
    """Give the first language tag of Content-Language (RFC 3282) in lower case, or `""`."""
    found = _LANGUAGE.match(first(header, "Content-Language"))
    return found[0].lower() if found else ""
