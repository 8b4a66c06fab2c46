"""One scanner as the server uses it: bounded in time, in size and in how much is asked at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from ulak.checks.reason import Reason, because
from ulak.checks.scanner import Asked, Finding, Result, failed, too_large
from ulak.queue.item import Body
from ulak.server.scanners.circuit import Circuit
from ulak.server.scanners.exchange import TroubleError


class Program(Protocol):
    """Who knows how to ask: `Rspamd`, `Clamd`."""

    name: str
    kind: str

    async def ask(self, body: Body, asked: Asked) -> Finding:
        """Have a message scanned. TroubleError where no answer comes."""

    async def health(self) -> str:
        """Ask whether it is there; give what it says of itself. TroubleError where it is not."""


class Scanner:
    """Asks a program about messages.

    `timeout` is in seconds and holds for all of it, with the wait for one of the `connections`;
    messages of more than `max_size` octets are not shown. `clock` gives seconds that only go
    forward.
    """

    def __init__(
        self,
        program: Program,
        *,
        timeout: float,
        max_size: int,
        connections: int,
        clock: Callable[[], float],
    ) -> None:
        self._program = program
        self._timeout = timeout
        self._max_size = max_size
        self._connections = connections
        self._turns = asyncio.Semaphore(connections)
        self.circuit = Circuit(clock)

    async def scan(self, body: Body, asked: Asked) -> Finding:
        """Have a message scanned. It gives a finding whatever the program does.

        OSError where the message cannot be read.
        """
        name, kind = self._program.name, self._program.kind
        if body.size > self._max_size:
            return too_large(name, kind, body.size, self._max_size)
        if not self.circuit.enter():
            count = self.circuit.failures
            return failed(name, kind, because("scanner.resting", scanner=name, count=count))
        waiting = True
        try:
            async with asyncio.timeout(self._timeout), self._turns:
                waiting = False
                finding = await self._program.ask(body, asked)
        except TimeoutError:
            if waiting:
                self.circuit.left()
                return failed(name, kind, self._busy())
            finding = failed(name, kind, self._late())
        except TroubleError as error:
            finding = failed(name, kind, error.reason)
        except BaseException:
            self.circuit.left()
            raise
        if finding.result is Result.FAILED:
            self.circuit.failed()
        else:
            self.circuit.answered()
        return finding

    async def health(self) -> str | Reason:
        """Give what the program says of itself, or the reason why it is not to be had."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._program.health()
        except TimeoutError:
            return self._late()
        except TroubleError as error:
            return error.reason

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._program.name

    def _busy(self) -> Reason:
        return because(
            "scanner.busy",
            scanner=self._program.name,
            connections=self._connections,
            seconds=f"{self._timeout:g}",
        )

    def _late(self) -> Reason:
        return because("scanner.late", scanner=self._program.name, seconds=f"{self._timeout:g}")
