"""Command lines out of octets: only CRLF ends one (RFC 5321 §2.3.8, §4.5.3.1.4).

The outcome of a line depends on its octets alone, never on the pieces in which they came.
"""

from __future__ import annotations

from enum import Enum

_FLOOD = 65_536  # octets of one line after which nobody waits for its end


class Fault(Enum):
    """Why there is no line."""

    BARE_CR = "CR"
    BARE_LF = "LF"
    TOO_LONG = "the line is too long"
    ENDLESS = "the line does not end"


class LineReader:
    """Collects octets and gives lines of at most `limit` octets, CRLF counted.

    `beginning` has the first four octets of the last line that was longer.
    """

    __slots__ = ("_at", "_buffer", "_dropped", "_more", "_more_size", "beginning", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._buffer = b""
        self._at = 0  # where the next line begins
        self._dropped = 0  # octets of a line too long that are gone
        self.beginning = b""  # of that line
        # What came while nobody looked: joined once, not copied for each octet that comes.
        self._more: list[bytes] = []
        self._more_size = 0

    def feed(self, data: bytes) -> None:
        """Take more octets."""
        if self._at == len(self._buffer) and not self._more:
            self._buffer = data
            self._at = 0
        else:
            self._more.append(data)
            self._more_size += len(data)

    def _join(self) -> None:
        self._buffer = b"".join((self._buffer[self._at :], *self._more))
        self._at = self._more_size = 0
        self._more.clear()

    def __len__(self) -> int:
        return len(self._buffer) - self._at + self._more_size

    def begins_with(self, octet: int) -> bool:
        """Whether the next line begins with this octet."""
        if self._more:
            self._join()
        buffer, at = self._buffer, self._at
        return not self._dropped and at < len(buffer) and buffer[at] == octet

    def clear(self) -> None:
        """Forget what is here."""
        self._buffer = b""
        self._at = self._more_size = 0
        self._dropped = 0
        self._more.clear()

    def take(self, most: int = -1) -> bytes:
        """Give the octets that are here, or at most so many: they belong to a message."""
        if self._more:
            self._join()
        if 0 <= most < len(self):
            start = self._at
            self._at += most
            return self._buffer[start : self._at]
        data = self._buffer[self._at :] if self._at else self._buffer
        self._buffer = b""
        self._at = 0
        return data

    def next(self) -> bytes | Fault | None:
        """Give the next line without its CRLF, a fault, or None until more octets come.

        After a bare CR or LF the reader is empty: where the client thinks that its command ended
        is anybody's guess.
        """
        if self._more:
            self._join()
        if self._dropped:
            return self._skip()
        buffer, start = self._buffer, self._at
        end = buffer.find(b"\r\n", start, start + self.limit)
        line = buffer[start:end] if end >= 0 else buffer[start : start + self.limit]
        if b"\n" in line or b"\r" in line:
            fault = _bare(line, whole=end >= 0)
            if fault is not None:
                self.clear()
                return fault
        if end >= 0:
            self._at = end + 2
            return line
        if len(line) == self.limit:
            self.beginning = line[:4]
            return self._skip()
        return None

    def _skip(self) -> Fault | None:
        """Drop a line that is too long, up to its end."""
        end = self._buffer.find(b"\r\n", self._at, self._at + _FLOOD - self._dropped)
        if end >= 0:
            self._at = end + 2
            self._dropped = 0
            return Fault.TOO_LONG
        # A last CR may be half of the end; it stays.
        gone = len(self) - self._buffer.endswith(b"\r")
        if self._dropped + gone > _FLOOD - 2:
            self.clear()
            return Fault.ENDLESS
        self._dropped += gone
        self._at += gone
        return None


def _bare(line: bytes, *, whole: bool) -> Fault | None:
    cr, lf = line.find(b"\r"), line.find(b"\n")
    if not whole and cr == len(line) - 1:
        cr = -1  # its LF may still come
    if lf >= 0 and not 0 <= cr < lf:
        return Fault.BARE_LF
    return Fault.BARE_CR if cr >= 0 else None
