"""A scanner that takes a message at its word: it finds what the text says of itself."""

from __future__ import annotations

import asyncio

from ulak.checks.reason import because
from ulak.checks.scanner import Asked, Finding, Result, failed
from ulak.policy.content import Rules
from ulak.queue.item import Body
from ulak.server.scanners.scanner import Scanner
from ulak.server.scanners.scanners import Engaged, Scanners


class Worded:
    """Finds `a virus`, `spam`, something to come `later`, or is `down`."""

    name = kind = "rspamd"

    async def ask(self, body: Body, asked: Asked) -> Finding:
        del asked
        await asyncio.sleep(0)
        text = (body.data if body.path is None else body.path.read_bytes()) or b""
        if b"a virus" in text:
            return Finding("clamd", "clamd", Result.VIRUS, signature="Test.Virus-1")
        if b"down" in text:
            return failed(self.name, self.kind, because("scanner.closed", scanner=self.name))
        for word, result in ((b"spam", Result.SPAM), (b"later", Result.LATER)):
            if word in text:
                return Finding(self.name, self.kind, result, 16.0, 15.0)
        return Finding(self.name, self.kind, Result.CLEAN, 0.0, 15.0)

    async def health(self) -> str:
        return "well"


def worded() -> Scanners:
    """Make the scanners of a server that has this one."""
    scanner = Scanner(Worded(), timeout=5.0, max_size=10**6, connections=2, clock=lambda: 0.0)
    return Scanners([Engaged(scanner, Rules(), frozenset({"strangers"}))])
