"""The message between 354 and CRLF.CRLF, taken in pieces (RFC 5321 §4.1.1.4, §4.5.2).

Only CRLF ends a line and only CRLF.CRLF ends the message. A bare CR or LF is noted, so that the
message can be refused by name; it never ends anything (SMTP smuggling). Everything is done with
whole-buffer operations, never line by line.
"""

from __future__ import annotations

import re

_END = b"\r\n.\r\n"
_BEGINNINGS = (b"\r\n.\r", b"\r\n.", b"\r\n", b"\r")  # of _END, the longest first
# The first place where there is anything to think about: a line that begins with a dot, or a CR
# without its LF.
_MARK = re.compile(rb"\r(?:\n\.|[^\n])")
_BARE_CR = re.compile(rb"\r[^\n]")
_BARE = re.compile(rb"\r[^\n]|(?<!\r)\n")
_NOT_LINE_ENDS = bytes(octet for octet in range(256) if octet not in b"\r\n")


class BodyReader:
    """Splits what comes after 354 into the unstuffed message and what follows its end.

    `bare` becomes "CR" or "LF" when one stands alone, `nul` the offset of the first NUL (-1:
    none); `size` counts the octets of the message.
    """

    __slots__ = ("_first", "_tail", "bare", "done", "nul", "size")

    def __init__(self) -> None:
        # A dot in the first line counts as if a CRLF stood before it (§4.5.2).
        self._tail = b"\r\n"
        self._first = True
        self.bare = ""
        self.done = False
        self.nul = -1
        self.size = 0

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Take more octets; give the message octets now certain, and what follows the end."""
        buffer = self._tail + data
        mark = _MARK.search(buffer)
        end = -1 if mark is None else buffer.find(_END, mark.start())
        rest = b""
        if end >= 0:
            self.done = True
            self._tail = b""
            piece, rest = buffer[: end + 2], buffer[end + 5 :]
        else:
            # What may be the beginning of the end is not certain yet.
            self._tail = next((b for b in _BEGINNINGS if buffer.endswith(b)), b"")
            piece = buffer[: len(buffer) - len(self._tail)]
            if not piece:
                return b"", b""
        dotted = mark is not None and mark.start() != end
        if not self.bare and self._has_bare(buffer, piece, cr=dotted):
            first = _BARE.search(buffer, 0, len(piece) + 1)
            self.bare = "CR" if first is None or first[0][:1] == b"\r" else "LF"
        if dotted:
            piece = piece.replace(b"\r\n.", b"\r\n")
        if self._first:
            self._first = False
            piece = piece[2:]
        if self.nul < 0:
            at = piece.find(0)
            if at >= 0:
                self.nul = self.size + at
        self.size += len(piece)
        return piece, rest

    @staticmethod
    def _has_bare(buffer: bytes, piece: bytes, *, cr: bool) -> bool:
        if cr and _BARE_CR.search(buffer, 0, len(piece) + 1):
            return True
        # Every CR has its LF here: a bare LF shows in the numbers.
        ends = piece.translate(None, _NOT_LINE_ENDS)
        return ends.count(b"\r") * 2 != len(ends)
