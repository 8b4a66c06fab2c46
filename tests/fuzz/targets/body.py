"""The message between 354 and CRLF.CRLF (RFC 5321 §4.5.2), held against its definition."""

from __future__ import annotations

import re

from tests.fuzz.octets import Octets, pieces

from ulak.smtp.body import BodyReader

_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


def read(parts: list[bytes]) -> tuple[bytes, bytes, bool, str, int]:
    """Feed pieces; give the message, what followed its end, and what was noted on the way."""
    reader = BodyReader()
    message, rest = b"", b""
    for part in parts:
        if reader.done:
            rest += part
            continue
        got, rest = reader.feed(part)
        message += got
        assert reader.size == len(message)
    return message, rest, reader.done, reader.bare, reader.nul


def one(data: bytes) -> None:
    given = Octets(data)
    places = given.places()
    sent = given.rest()
    whole = read([sent])
    assert read(pieces(sent, places)) == whole
    assert read(pieces(sent, (-1,))) == whole

    message, rest, done, bare, nul = whole
    end = (b"\r\n" + sent).find(b"\r\n.\r\n")
    assert done == (end >= 0)
    if done:
        assert rest == sent[end + 3 :]
        lines = re.split(rb"(?<=\r\n)", sent[:end])
        assert message == b"".join(line[line.startswith(b".") :] for line in lines)
        first = _BARE.search(sent, 0, end)
        assert bare == ("" if first is None else {b"\r": "CR", b"\n": "LF"}[first[0]])
        assert nul == message.find(0)
