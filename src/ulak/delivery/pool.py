"""Connections kept between messages, and what is remembered about hosts for a while."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ulak.delivery.connection import Connection, Key
from ulak.delivery.crowd import Crowds, Home
from ulak.delivery.outcome import Outcome
from ulak.delivery.sending import Sending

Address = tuple[str, int]  # an IP and a port, or a path and 0


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is wrong with TLS, as RFC 8460 §4.3 calls it, and in words."""

    fault: str
    problem: str


def _deadline(connection: Connection) -> float:
    return connection.deadline


class Pool:
    """All connections of a carrier, those in use and those that wait for the next message.

    A connection is opened only where none waits, and then those that wait elsewhere at the same
    site make way for it: there are never more than attempts may be under way there.
    """

    def __init__(self, sending: Sending) -> None:
        self._sending = sending
        self._open: set[Connection] = set()
        self._crowds = Crowds()
        self._idle: dict[Key, list[Connection]] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._empty: asyncio.Future[None] | None = None
        self._closed = False
        self._plain: dict[Address, tuple[float, str]] = {}
        self._doubted: dict[Address, tuple[float, Doubt]] = {}
        self._locked: dict[Key, tuple[float, Outcome]] = {}
        self._avoided: dict[Address, float] = {}

    # -- connections ------------------------------------------------------------------------

    def take(self, key: Key) -> Connection | None:
        """Give a connection that waits, the one used last, or None."""
        waiting = self._idle.get(key)
        while waiting:
            connection = waiting.pop()
            if connection.usable:
                return connection
        return None

    def waiting(self, target: str) -> set[str]:
        """Name the places of a target to which connections wait, as keys have them."""
        return {key[2] for key in self._idle if key[1] == target}

    def add(self, connection: Connection) -> None:
        """Watch over the deadlines of a new connection."""
        self._open.add(connection)
        if self._sweeper is None:
            loop = asyncio.get_running_loop()
            self._sweeper = loop.call_later(self._sending.sweep, self._sweep)

    @contextmanager
    def opening(self, home: Home, most: float) -> Iterator[None]:
        """Make way for a connection to a site, so that there are no more than so many."""
        with self._crowds.coming(home):
            self.shed(home, most)
            yield

    def shed(self, home: Home, most: float) -> None:
        """Let connections that wait leave a site where there are more than so many."""
        over = self._crowds.over(home, most)
        if over:
            waits = [c for c in self._crowds.of(home) if c in self._idle.get(c.key, ())]
            for connection in sorted(waits, key=_deadline)[:over]:
                self._idle[connection.key].remove(connection)
                self._leave(connection)

    def house(self, connection: Connection, home: Home) -> None:
        """Note at which site a connection is, and from which source."""
        if connection in self._open:
            self._crowds.enter(connection, home)

    def _leave(self, connection: Connection) -> None:
        self._crowds.leave(connection)
        connection.leave()

    def give(self, connection: Connection, most: float = math.inf) -> None:
        """Take a connection back after a message: it waits for the next one, or leaves.

        It leaves where there are more than `most` to its site.
        """
        now = asyncio.get_running_loop().time()
        if (
            not connection.usable
            or connection.spent
            or self._closed
            or connection.messages >= connection.most
            or now - connection.born > self._sending.connection_age
            or self._crowds.crowded(connection, most)
        ):
            self._leave(connection)
            return
        connection.keep()
        waiting = self._idle.get(connection.key)
        if waiting is None:
            self._idle[connection.key] = [connection]
        else:
            waiting.append(connection)

    def forget(self, connection: Connection) -> None:
        """Note that a connection is gone."""
        self._open.discard(connection)
        self._crowds.leave(connection)
        waiting = self._idle.get(connection.key)
        if waiting is not None:
            if connection in waiting:
                waiting.remove(connection)
            if not waiting:
                del self._idle[connection.key]
        if not self._open and self._empty is not None and not self._empty.done():
            self._empty.set_result(None)

    def __len__(self) -> int:
        return len(self._open)

    def per_target(self) -> dict[str, tuple[int, int]]:
        """Tell how many connections there are to each target, and how many of them wait."""
        everything = Counter(connection.key[1] for connection in self._open)
        idle: Counter[str] = Counter()
        for key, waiting in self._idle.items():
            idle[key[1]] += len(waiting)
        return {target: (number, idle[target]) for target, number in everything.items()}

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in [c for c in self._open if c.deadline < now]:
            self._crowds.leave(connection)
            connection.expire()
        self._plain = {a: p for a, p in self._plain.items() if p[0] > now}
        self._doubted = {a: p for a, p in self._doubted.items() if p[0] > now}
        self._avoided = {a: until for a, until in self._avoided.items() if until > now}
        self._sweeper = None
        if self._open:
            self._sweeper = loop.call_later(self._sending.sweep, self._sweep)

    async def close(self) -> None:
        """Say QUIT on what waits, wait a little for what is in use, then close all."""
        self._closed = True
        for waiting in list(self._idle.values()):
            for connection in list(waiting):
                connection.leave()
        self._idle.clear()
        for last in (False, True):
            if self._open:
                self._empty = asyncio.get_running_loop().create_future()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._empty, self._sending.timeouts.quit)
            if not last:
                for connection in list(self._open):
                    connection.abort()
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None

    # -- what is remembered -----------------------------------------------------------------

    def lock(self, key: Key, outcome: Outcome) -> None:
        """Try no login for a while, since this came of the last one."""
        now = asyncio.get_running_loop().time()
        self._locked[key] = (now + self._sending.locked_for, outcome)

    def locked(self, key: Key) -> Outcome | None:
        """Give what came of the last login where none is tried for a while."""
        known = self._locked.get(key)
        if known is None or known[0] < asyncio.get_running_loop().time():
            return None
        return known[1]

    def speak_plain(self, address: Address, problem: str) -> None:
        """Speak to an address in the clear for a while, since TLS with it failed."""
        now = asyncio.get_running_loop().time()
        self._plain[address] = (now + self._sending.plain_for, problem)

    def plain(self, address: Address) -> str:
        """Say why an address is spoken to in the clear, `""` where it is not."""
        known = self._plain.get(address)
        if known is None or known[0] < asyncio.get_running_loop().time():
            return ""
        return known[1]

    def doubt(self, address: Address, doubt: Doubt) -> None:
        """Note that a certificate is not valid where nobody insists that it is."""
        now = asyncio.get_running_loop().time()
        self._doubted[address] = (now + self._sending.plain_for, doubt)

    def doubted(self, address: Address) -> Doubt | None:
        """Say why the certificate of an address was not valid lately, None where it was."""
        known = self._doubted.get(address)
        if known is None or known[0] < asyncio.get_running_loop().time():
            return None
        return known[1]

    def avoid(self, address: Address) -> None:
        """Try an address last for a while, since it could not be reached (RFC 5321 §4.5.4.1)."""
        now = asyncio.get_running_loop().time()
        self._avoided[address] = now + self._sending.avoid_for

    def avoided(self, address: Address) -> bool:
        """Whether an address could not be reached lately."""
        until = self._avoided.get(address)
        return until is not None and until > asyncio.get_running_loop().time()
