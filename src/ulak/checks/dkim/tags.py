"""Tag lists: `v=1; a=rsa-sha256; d=example.org` (RFC 6376 §3.2), in fields and in key records.

DKIM-Signature, the fields of ARC and key records are all written so.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

from ulak.checks.reason import Reason, because

# Possessive, and a class each: nothing is read twice.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*+")
_SPACE = " \t\r\n"
_DIGITS = re.compile(r"[0-9]++")

Tags = Mapping[str, str]


def read(text: str, where: str) -> Tags | Reason:
    """Give the tags in their order, without the space around names and values; or what is wrong.

    `where` names the list for a person: `DKIM-Signature`, or the name of a key record. An empty
    list has no tags. A name is case-sensitive; one that stands twice makes the whole list invalid.
    """
    tags: dict[str, str] = {}
    parts = text.split(";")
    if not parts[-1].strip(_SPACE):
        parts.pop()
    for part in parts:
        name, equals, value = part.partition("=")
        name = name.strip(_SPACE)
        if not equals or not _NAME.fullmatch(name):
            return because("dkim.no-tag", where=where, part=part)
        if name in tags:
            return because("dkim.tag-twice", where=where, tag=name)
        tags[name] = value.strip(_SPACE)
    return tags


def decoded(value: bytes) -> str:
    """Read a field's value or a record as text: UTF-8, and U+FFFD where it is none."""
    return value.decode("utf-8", "replace")


def listed(value: str) -> tuple[str, ...]:
    """Read a list with colons, in lower case: `From : Subject`. Empty names are left in."""
    names = (value.lower() if value.isascii() else value).split(":")
    return tuple([name.strip(_SPACE) for name in names])


def number(value: str, digits: int) -> int | None:
    """Read a number of at most so many ASCII digits; None where it is none."""
    if not _DIGITS.fullmatch(value) or len(value) > digits:
        return None
    return int(value)


def octets(value: str) -> bytes | None:
    """Read base64, in which white space does not count; None where it is none."""
    try:
        return base64.b64decode(without_space(value).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None


def without_space(value: str) -> str:
    """Take all folding white space out."""
    for space in _SPACE:
        value = value.replace(space, "")
    return value


def without_signature(field: bytes) -> bytes:
    """Empty the `b=` of a whole field as it is hashed (§3.7), all else as it stands.

    The value is taken out with the space around it, up to the `;` or the end of the field.
    """
    name, colon, value = field.partition(b":")
    parts = value.split(b";")
    for place, part in enumerate(parts):
        tag, equals, _ = part.partition(b"=")
        if equals and tag.strip(b" \t\r\n") == b"b":
            parts[place] = tag + equals
            break
    return name + colon + b";".join(parts)
