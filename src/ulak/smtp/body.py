"""The message between 354 and CRLF.CRLF, taken in pieces (RFC 5321 §4.1.1.4, §4.5.2).

Only CRLF ends a line and only CRLF.CRLF ends the message. A bare CR or LF is noted, so that the
message can be refused by name; it never ends anything (SMTP smuggling). Everything is done with
whole-buffer operations, never line by line.
"""

from __future__ import annotations

_END = b"\r\n.\r\n"
_HOLD = len(_END) - 1


class BodyReader:
    """Splits what comes after 354 into the unstuffed message and what follows its end.

    `bare` becomes "CR" or "LF" when one stands alone; `size` counts the octets of the message.
    """

    __slots__ = ("_first", "_tail", "bare", "done", "size")

    def __init__(self) -> None:
        # A dot in the first line counts as if a CRLF stood before it (§4.5.2).
        self._tail = b"\r\n"
        self._first = True
        self.bare = ""
        self.done = False
        self.size = 0

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Take more octets; give the message octets now certain, and what follows the end."""
        buffer = self._tail + data
        end = buffer.find(_END)
        if end >= 0:
            self.done = True
            piece, rest = buffer[: end + 2], buffer[end + 5 :]
            self._tail = b""
        else:
            # Keep what may be the beginning of the end, and never part CR LF and its dot.
            cut = max(len(buffer) - _HOLD, 0)
            if buffer[cut - 1 : cut] == b"\r":
                cut -= 1
            elif buffer[cut - 2 : cut] == b"\r\n":
                cut -= 2
            if cut <= 0:
                self._tail = buffer
                return b"", b""
            piece, rest = buffer[:cut], b""
            self._tail = buffer[cut:]
        if not self.bare:
            pairs = piece.count(b"\r\n")
            if piece.count(b"\n") != pairs:
                self.bare = "LF"
            elif piece.count(b"\r") != pairs:
                self.bare = "CR"
        piece = piece.replace(b"\r\n.", b"\r\n")
        if self._first:
            self._first = False
            piece = piece[2:]
        self.size += len(piece)
        return piece, rest
