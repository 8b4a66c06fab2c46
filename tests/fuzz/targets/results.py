"""Authentication-Results of others (RFC 8601): read, written again, and taken away if forged."""

from __future__ import annotations

import re

from tests.fuzz.octets import Octets, sound

from ulak.checks import results
from ulak.mail import message

_US = ("mx.ours.example", "posta.türkçe.example")
_STRAY = re.compile(rb"\r\n(?![ \t])")
_NAME = b"authentication-results"


def one(data: bytes) -> None:
    given = Octets(data)
    utf8, ours = given.flag(), given.choice(_US)
    octets = given.rest()

    read = results.read(octets)
    if read is not None:
        again(read, utf8=utf8)
    stripped(b"Authentication-Results:" + octets, ours)
    stripped(octets, ours)


def again(read: results.Field, *, utf8: bool) -> None:
    """Write what was read: it is one field, and it says the same."""
    written = results.write(read.authserv_id, read.resinfos, utf8=utf8)
    assert sound(written)
    assert utf8 or written.isascii()
    lines = written.split(b"\r\n")
    assert lines.pop() == b""
    assert all(line.startswith(b" ") and line.strip() for line in lines[1:])
    assert max(map(len, lines)) <= 998 or max(map(len, names(read))) > 100
    same = results.read(written.removesuffix(b"\r\n").partition(b":")[2])
    assert same is not None
    assert same.whole
    assert [(r.method, r.result, r.version) for r in same.resinfos] == [
        (r.method, r.result, r.version) for r in read.resinfos
    ]


def names(read: results.Field) -> list[str]:
    """Give the words that are written as they were read."""
    found = [""]
    for one_ in read.resinfos:
        found += [one_.method, one_.result]
        for prop in one_.properties:
            found += [prop.ptype, prop.name]
    return found


def stripped(header: bytes, ours: str) -> None:
    """Take our name away: none is left that says it is ours, and all else is as it was."""
    left = results.strip(header, ours)
    assert results.strip(left, ours) == left
    fields = message.raw_fields(header)
    if header == b"".join(octets for _, octets in fields) and not _STRAY.search(
        b"".join(octets.removesuffix(b"\r\n") for _, octets in fields)
    ):  # every line is a field's or folded
        kept = [field for field in fields if field[0] != _NAME]
        assert kept == [field for field in message.raw_fields(left) if field[0] != _NAME]
    for value in message.values(left, "Authentication-Results"):
        read = results.read(value)
        assert read is None or read.authserv_id != ours
