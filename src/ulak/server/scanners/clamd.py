"""Asks clamd: the message goes over the connection itself, so clamd needs to read no file of ours.

`zINSTREAM`, then chunks with their length before them, a chunk of no octets at the end (clamd.8).
"""

from __future__ import annotations

import struct

from ulak.checks.reason import because
from ulak.checks.scanner import Asked, Finding
from ulak.checks.scanner import clamd as answers
from ulak.queue.item import Body
from ulak.server.scanners.exchange import Pieces, Place, Read, TroubleError, exchange, pieces


class Clamd:
    """One clamd. `name` is what the configuration calls it."""

    kind = answers.KIND

    def __init__(self, name: str, place: Place) -> None:
        self.name = name
        self.place = place

    async def ask(self, body: Body, asked: Asked) -> Finding:
        """Have a message scanned. TroubleError where no answer comes."""
        del asked  # clamd is told of the octets alone
        answer = await exchange(self.place, _stream(body), self._answer, scanner=self.name)
        return answers.read(answer, scanner=self.name, size=body.size)

    async def health(self) -> str:
        """Give its version and that of its signatures. TroubleError where none comes."""
        answer = await exchange(self.place, _command(b"VERSION"), self._answer, scanner=self.name)
        version = answers.health(answer)
        if not version:
            said = answer.decode("utf-8", "replace")
            raise TroubleError(because("scanner.no-answer", scanner=self.name, said=said))
        return version

    async def _answer(self, read: Read) -> bytes:
        """Read up to the NUL that ends an answer; one without is cut off, and none."""
        answer = b""
        while b"\0" not in answer:
            if len(answer) > answers.LONGEST:
                why = because("scanner.endless", scanner=self.name, limit=answers.LONGEST)
                raise TroubleError(why)
            piece = await read(answers.LONGEST)
            if not piece:
                raise TroubleError(because("scanner.closed", scanner=self.name))
            answer += piece
        return answer.partition(b"\0")[0]


async def _command(name: bytes) -> Pieces:
    yield b"z" + name + b"\0"


async def _stream(body: Body) -> Pieces:
    yield b"zINSTREAM\0"
    async for piece in pieces(body):
        yield struct.pack(">I", len(piece))
        yield piece
    yield struct.pack(">I", 0)
