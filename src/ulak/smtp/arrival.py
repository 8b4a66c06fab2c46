"""A message as it arrives, by DATA or by BDAT: octets become events (RFC 5321 §4.1.1.4, RFC 3030).

Past the limit, and once a fault is known, nothing is kept, but the end is looked for as strictly
as before: what belongs to a message is never taken for a command.
"""

from __future__ import annotations

from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.smtp import events
from ulak.smtp.body import BodyReader
from ulak.smtp.chunks import ChunkReader
from ulak.smtp.lines import LineReader


class ByData:
    """A message between 354 and CRLF.CRLF. `largest` is the limit in octets."""

    __slots__ = ("_ended", "_largest", "_reader")

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._reader = BodyReader()
        self._ended: events.EndOfData | None = None

    @property
    def size(self) -> int:
        """How many octets have come."""
        return self._reader.size

    def next(self, lines: LineReader) -> events.Event | None:
        """Give the next event, or None until more octets come or the message is answered."""
        reader = self._reader
        if reader.done:
            ended, self._ended = self._ended, None
            return ended
        data = lines.take()
        if not data:
            return None
        piece, rest = reader.feed(data)
        keep = bool(piece) and reader.size <= self._largest and not reader.bare
        if not reader.done:
            return events.Chunk(piece) if keep else None
        lines.feed(rest)
        fault = _fault(reader)
        if fault is None and reader.size > self._largest:
            fault = catalog.MESSAGE_TOO_LARGE.reply(limit=self._largest)
        ended = events.EndOfData(reader.size, fault)
        if keep and fault is None:
            self._ended = ended
            return events.Chunk(piece)
        return ended


class ByChunks:
    """A message in counted chunks. `stray`: there is no transaction to which they could belong."""

    __slots__ = ("_ended", "_reader", "_refusal", "_whole", "stray")

    def __init__(self, *, binary: bool = False, stray: bool = False) -> None:
        self.stray = stray
        self._reader = ChunkReader(binary=binary)
        self._refusal: Reply | None = None
        self._whole = False
        self._ended: events.EndOfChunk | events.EndOfData | None = None

    @property
    def size(self) -> int:
        """How many octets have come."""
        return self._reader.size

    def begin(self, size: int, *, last: bool, refusal: Reply | None) -> None:
        """Begin a chunk. With a refusal its octets are let pass, and answered with it (§2)."""
        self._reader.begin(size, last=last)
        self._refusal = refusal
        self._whole = False

    def next(self, lines: LineReader) -> events.Event | None:
        """Give the next event, or None until more octets come or the chunk is answered."""
        if self._whole:
            ended, self._ended = self._ended, None
            return ended
        reader, refusal = self._reader, self._refusal
        data = b""
        if reader.left:
            data = lines.take(reader.left)
            if not data:
                return None
            reader.feed(data)
        keep = bool(data) and refusal is None and not reader.bare and reader.nul < 0
        if reader.left:
            return events.Chunk(data) if keep else None
        self._whole = True
        if refusal is not None and self.stray:
            return events.Refused(refusal)
        if reader.last:
            reader.end()
        fault = refusal or _fault(reader)
        if fault is not None:
            return events.EndOfData(reader.size, fault, reader.last)
        ended = events.EndOfData(reader.size) if reader.last else events.EndOfChunk(reader.chunk)
        if not keep:
            return ended
        self._ended = ended
        return events.Chunk(data)


Arrival = ByData | ByChunks


def _fault(reader: BodyReader | ChunkReader) -> Reply | None:
    if reader.bare:
        return catalog.BARE_LINE_END.reply(octet=reader.bare)
    if reader.nul >= 0:
        return catalog.NUL_IN_MESSAGE.reply(offset=reader.nul)
    return None
