"""Connecting to the addresses of one host that are of two families, whichever answers first.

RFC 8305: families take turns (§4), and the next address is tried when the one before has failed,
or has not answered within a quarter of a second (§5). So a host whose IPv6 leads nowhere costs no
more than that. A second connection counts for the limit of the site like any other while it is
open; where there is no room for it, there is one at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager

STAGGER = 0.25  # seconds, RFC 8305 §8
_MOST = 6  # addresses in one race


class Head:
    """What a race has shown of an address: a socket that is connected, or what went wrong.

    `counted` is closed when the socket is taken or dropped.
    """

    __slots__ = ("_error", "_sock", "counted")

    def __init__(self, sock: socket.socket | None, error: OSError | None = None) -> None:
        self._sock = sock
        self._error = error
        self.counted = ExitStack()

    @property
    def connected(self) -> bool:
        """Whether there is a socket."""
        return self._sock is not None

    def take(self) -> socket.socket | None:
        """Give the socket, once. Raises OSError where the address could not be reached."""
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        sock, self._sock = self._sock, None
        self.counted.close()
        return sock

    def drop(self) -> None:
        """Close the socket if nobody has taken it."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None
        self.counted.close()


def interleaved(addresses: Iterable[str]) -> list[str]:
    """Let the families take turns, the one that stands first before the other."""
    known = list(addresses)
    if not known:
        return known
    first = ":" in known[0]
    ones = [each for each in known if (":" in each) is first]
    others = [each for each in known if (":" in each) is not first]
    found: list[str] = []
    while ones or others:
        found += [line.pop(0) for line in (ones, others) if line]
    return found


def mixed(addresses: Sequence[str]) -> bool:
    """Whether there are addresses of both families."""
    return len({":" in each for each in addresses}) > 1


@contextmanager
def anyhow() -> Iterator[bool]:
    """Let there be any number of connections."""
    yield True


async def race(
    addresses: Sequence[str],
    port: int,
    local: Sequence[str],
    patience: float,
    beside: Callable[[], AbstractContextManager[bool]] = anyhow,
) -> dict[str, Head]:
    """Connect to the first of these that answers; what is known of those that were tried.

    `local` are the addresses to connect from, `""` for the system's choice; `patience` is how many
    seconds there are for all. `beside` counts in one more connection beside the first; where there
    is no room for it the one before is given up, and has another try, of twice the time, later.
    """
    heads: dict[str, Head] = {}
    running: dict[asyncio.Task[socket.socket], tuple[str, str]] = {}
    waiting = list(zip(addresses, local, strict=True))[:_MOST]
    pause = STAGGER
    with ExitStack() as counted:
        try:
            async with asyncio.timeout(patience):
                while waiting or running:
                    if waiting and running and not counted.enter_context(beside()):
                        task = next(iter(running))
                        task.cancel()
                        await asyncio.wait([task])
                        if task.cancelled():  # else it has ended in the same moment
                            waiting.append(running.pop(task))
                            pause *= 2
                    if waiting and not any(task.done() for task in running):
                        address, own = waiting.pop(0)
                        task = asyncio.create_task(_connected(address, port, own))
                        running[task] = address, own
                    done, _ = await asyncio.wait(
                        running,
                        timeout=pause if waiting else None,
                        return_when=asyncio.FIRST_COMPLETED,
                    )
                    for task in done:
                        address, _ = running.pop(task)
                        error = task.exception()
                        if error is None:
                            heads[address] = Head(task.result())
                            return heads
                        if not isinstance(error, OSError):
                            raise error
                        heads[address] = Head(None, error)
        except TimeoutError as error:
            heads |= {address: Head(None, error) for address, _ in [*running.values(), *waiting]}
        finally:
            for task in running:
                task.cancel()
            for sock in await asyncio.gather(*running, return_exceptions=True):
                if isinstance(sock, socket.socket):  # it came in the same moment
                    sock.close()
    return heads


async def _connected(address: str, port: int, own: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(0)
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if own:
            sock.bind((own, 0))
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock
