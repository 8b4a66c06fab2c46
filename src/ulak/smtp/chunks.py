"""The chunks of BDAT: counted octets, in which nothing ends a message but the count (RFC 3030 §2).

CRLF.CRLF in a chunk is content like any other. Text still has to be canonical: outside a
BINARYMIME message (§3) a bare CR or LF and a NUL are noted as they are in DATA, so that the message
can be refused by name. A CR that ends one chunk and a LF that begins the next are a line end.
"""

from __future__ import annotations

import re

_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


class ChunkReader:
    """Counts the octets of the chunk under way and those of the message.

    `left` is how many are still to come of the chunk of `chunk` octets, `last` whether it is the
    last one; `size` counts the message. `bare` and `nul` are as in `body.BodyReader`.
    """

    __slots__ = ("_after_cr", "_binary", "bare", "chunk", "last", "left", "nul", "size")

    def __init__(self, *, binary: bool = False) -> None:
        self._binary = binary
        self._after_cr = False
        self.bare = ""
        self.chunk = 0
        self.last = False
        self.left = 0
        self.nul = -1
        self.size = 0

    def begin(self, size: int, *, last: bool) -> None:
        """Begin a chunk of so many octets."""
        self.left = self.chunk = size
        self.last = last

    def feed(self, data: bytes) -> None:
        """Take octets, at most as many as are left."""
        self.left -= len(data)
        if not self._binary:
            self._look(data)
        self.size += len(data)

    def end(self) -> None:
        """Take note that nothing follows: a CR that still waits for its LF is bare."""
        if self._after_cr and not self.bare:
            self.bare = "CR"

    def _look(self, data: bytes) -> None:
        if self.nul < 0:
            at = data.find(0)
            if at >= 0:
                self.nul = self.size + at
        if self.bare or not data:
            return
        text = b"\r" + data if self._after_cr else data
        self._after_cr = text.endswith(b"\r")
        end = len(text) - self._after_cr
        pairs = text.count(b"\r\n")
        if text.count(b"\n") != pairs or text.count(b"\r", 0, end) != pairs:
            first = _BARE.search(text, 0, end)
            self.bare = "LF" if first is not None and first[0] == b"\n" else "CR"
