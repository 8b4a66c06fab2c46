"""Command lines out of octets (RFC 5321 §2.3.8): the pieces do not matter, nothing piles up."""

from __future__ import annotations

from tests.fuzz.octets import Octets, pieces

from ulak.smtp.lines import Fault, LineReader

_LAST = (Fault.BARE_CR, Fault.BARE_LF, Fault.ENDLESS)


def read(parts: list[bytes], limit: int) -> list[bytes | Fault]:
    """Feed pieces and give what comes of them, up to what nothing is read behind."""
    reader = LineReader(limit)
    found: list[bytes | Fault] = []
    for part in parts:
        reader.feed(part)
        while (line := reader.next()) is not None:
            found.append(line)
            if line in _LAST:
                return found
        assert len(reader) < limit
    return found


def one(data: bytes) -> None:
    given = Octets(data)
    limit = given.choice((8, 20, 64, 2048))
    places = given.places()
    sent = given.rest() * given.choice((1, 1, 1, 40))
    found = read([sent], limit)
    assert read(pieces(sent, places), limit) == found
    assert read(pieces(sent, (-1,)), limit) == found

    at = 0
    for line in found:
        if isinstance(line, bytes):
            assert sent.startswith(line + b"\r\n", at)
            assert len(line) + 2 <= limit
            assert b"\r" not in line
            assert b"\n" not in line
            at += len(line) + 2
        elif line is Fault.TOO_LONG:
            at = sent.index(b"\r\n", at + limit - 2) + 2
        elif line is Fault.BARE_CR:
            assert sent.find(b"\r", at, at + limit) >= 0
        elif line is Fault.BARE_LF:
            assert sent.find(b"\n", at, at + limit) >= 0
        else:
            assert len(sent) - at >= 65_534
