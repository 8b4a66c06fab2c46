"""The resolver that asks real servers: a stub (RFC 1034 §5.3.1) with a cache, over UDP and TCP.

Every question goes out from a socket, a port and an id of its own, and only an answer that comes
from the server asked, with that id and that question, counts (RFC 5452 §9). Anything else is
passed over while the wait goes on: one forged datagram must not end a question.

A question that fails is a value with the words of every server that was asked.
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ulak.dns import wire
from ulak.dns.cache import Cache, Keeping
from ulak.dns.names import to_ascii
from ulak.dns.records import Answer, Status

Server = tuple[str, int]

_CHAIN = 8  # aliases followed from one answer to the next question
_AT_ONCE = 200  # questions on the wire: each holds a socket, and a flood loses datagrams
_AVOID = 30.0  # seconds for which a server that did not answer is asked last
_MOST_SERVERS = 3  # of resolv.conf, as everywhere (resolv.conf(5), MAXNS)
_INFORMATIVE = (Status.SERVFAIL, Status.REFUSED, Status.MALFORMED, Status.TIMEOUT)


def system_servers(path: Path = Path("/etc/resolv.conf")) -> tuple[Server, ...]:
    """Give the servers that this machine is set up with; without any, the one on the machine."""
    try:
        lines = path.read_text("utf-8", "replace").split("\n")
    except OSError:
        lines = []
    servers: dict[Server, None] = {}
    for line in lines:
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver" and _is_address(words[1]):
            servers[words[1], 53] = None
    return tuple(servers)[:_MOST_SERVERS] or (("127.0.0.1", 53),)


class DnsResolver:
    """Asks `servers` (IP address, port), in their order.

    `timeout` is for one try at one server, doubled with each round of `attempts`; `deadline`
    bounds a whole question, aliases and the wait for a free socket included. All in seconds of
    `clock`, which only goes forward. The AD bit counts when it comes from this machine, or from
    anywhere with `trust_ad`: on any other path it can be forged (RFC 4035 §4.9.3).
    """

    def __init__(
        self,
        servers: Sequence[Server] = (),
        *,
        timeout: float = 3.0,
        attempts: int = 2,
        deadline: float = 10.0,
        keeping: Keeping | None = None,
        trust_ad: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        for host, _ in servers:
            ipaddress.ip_address(host.partition("%")[0])  # ValueError: to find it, DNS is needed
        self._servers = tuple(servers) or system_servers()
        self._timeout, self._attempts, self._deadline = timeout, attempts, deadline
        self._trusted = {s for s in self._servers if trust_ad or _is_loopback(s[0])}
        self._clock = clock
        self._cache = Cache(keeping)
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._asking: dict[tuple[str, str], asyncio.Task[Answer]] = {}
        self._silent: dict[Server, float] = {}

    async def resolve(self, name: str, kind: str) -> Answer:
        """Ask for the records of a kind at a name, or give what is known of them.

        The same question from several at once goes out once; one of them who gives up takes
        nothing from the others.
        """
        kind = kind.upper()
        asked = to_ascii(name)
        if asked is None:
            detail = "there can be no such name"
            return Answer(name, kind, Status.NXDOMAIN, canonical=name, detail=detail)
        known = self._cache.get(asked, kind, self._clock())
        if known is not None:
            return known
        key = (asked, kind)
        task = self._asking.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._settle(asked, kind))
            self._asking[key] = task
            task.add_done_callback(lambda _done: self._asking.pop(key, None))
        return await asyncio.shield(task)

    def known(self, name: str, kind: str) -> Answer | None:
        """Give what is known of a name without asking."""
        asked = to_ascii(name)
        return None if asked is None else self._cache.get(asked, kind.upper(), self._clock())

    def keep(self, answer: Answer) -> None:
        """Know an answer that somebody else was given."""
        self._cache.put(answer, self._clock())

    async def close(self) -> None:
        """Give up what is being asked; who waits for it gets a failure."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _settle(self, name: str, kind: str) -> Answer:
        said: list[str] = []
        answer = Answer(name, kind, Status.TIMEOUT, canonical=name)
        try:
            async with asyncio.timeout(self._deadline), self._slots:
                answer = await self._follow(name, kind, said)
        except TimeoutError:
            said.append(f"no answer within {self._deadline:g} seconds")
            answer = replace(answer, detail="; ".join(said))
        except asyncio.CancelledError:
            # Only `close` cancels this task: the askers are shielded from one another.
            return replace(answer, status=Status.SERVFAIL, detail="the resolver was stopped")
        self._cache.put(answer, self._clock())
        return answer

    async def _follow(self, name: str, kind: str, said: list[str]) -> Answer:
        """Ask, and go on with the alias where a server only gave that."""
        answer, onward = await self._ask(name, kind, said)
        whole = answer
        for _ in range(_CHAIN):
            if not onward:
                return replace(whole, name=name)
            answer, onward = await self._ask(onward, kind, said)
            authentic = whole.authentic and answer.authentic
            whole = replace(answer, ttl=min(whole.ttl, answer.ttl), authentic=authentic)
        detail = "aliases without an end"
        return Answer(name, kind, Status.SERVFAIL, canonical=name, detail=detail)

    async def _ask(self, name: str, kind: str, said: list[str]) -> tuple[Answer, str]:
        """Ask one server after the other; a server that has spoken is not asked again."""
        failures: list[Answer] = []
        spoken: set[Server] = set()
        for attempt in range(self._attempts):
            patience = self._timeout * 2**attempt
            for server in self._order():
                if server in spoken:
                    continue
                answer, onward = await self._try(server, name, kind, patience)
                if not answer.failed:
                    return answer, onward
                if answer.status is not Status.TIMEOUT:
                    spoken.add(server)
                said.append(f"{_where(server)}: {answer.detail}")
                failures.append(answer)
        worst = min((f.status for f in failures), key=_INFORMATIVE.index, default=Status.TIMEOUT)
        return Answer(name, kind, worst, canonical=name, detail="; ".join(said)), ""

    def _order(self) -> list[Server]:
        now = self._clock()
        return sorted(self._servers, key=lambda server: self._silent.get(server, 0.0) > now)

    async def _try(
        self, server: Server, name: str, kind: str, patience: float
    ) -> tuple[Answer, str]:
        problem = f"no answer within {patience:g} seconds"
        try:
            async with asyncio.timeout(patience):
                data = await _exchange(server, name, kind)
        except TimeoutError:
            pass
        except (OSError, EOFError) as error:
            problem = f"cannot be asked ({error})" if str(error) else "cannot be asked"
        else:
            self._silent.pop(server, None)
            answer, onward = wire.read(data, name, kind)
            if answer.authentic and server not in self._trusted:
                answer = replace(answer, authentic=False)
            return answer, onward
        self._silent[server] = self._clock() + _AVOID
        return Answer(name, kind, Status.TIMEOUT, canonical=name, detail=problem), ""


async def _exchange(server: Server, name: str, kind: str) -> bytes:
    """Give the octets of the answer; OSError or EOFError where the server cannot be asked."""
    query = wire.question(name, kind, secrets.randbelow(0x10000))
    data = await _over_udp(server, query)
    if wire.lacks_edns(data):
        query = wire.question(name, kind, secrets.randbelow(0x10000), edns=False)
        data = await _over_udp(server, query)
    if wire.truncated(data):
        data = await _over_tcp(server, query)
    return data


class _Waiting(asyncio.DatagramProtocol):
    """Waits on one socket for the answer to one query, and lets everything else pass."""

    def __init__(self, query: bytes, server: Server, answer: asyncio.Future[bytes]) -> None:
        self._query = query
        self._server = (ipaddress.ip_address(server[0].partition("%")[0]), server[1])
        self.answer = answer

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        # The socket is connected, so that the system lets in nobody else; both are checked.
        source = (ipaddress.ip_address(addr[0].partition("%")[0]), addr[1])
        if source == self._server and not self.answer.done() and wire.belongs(data, self._query):
            self.answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


async def _over_udp(server: Server, query: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    transport, waiting = await loop.create_datagram_endpoint(
        lambda: _Waiting(query, server, loop.create_future()), remote_addr=server
    )
    try:
        transport.sendto(query)
        return await waiting.answer
    finally:
        transport.close()


async def _over_tcp(server: Server, query: bytes) -> bytes:
    """Ask over a connection of its own (RFC 7766)."""
    reader, writer = await asyncio.open_connection(*server)
    try:
        writer.write(len(query).to_bytes(2, "big") + query)
        size = int.from_bytes(await reader.readexactly(2), "big")
        data = await reader.readexactly(size)
    finally:
        writer.transport.abort()
    if not wire.belongs(data, query):
        message = "its answer over TCP does not belong to the question"
        raise OSError(message)
    return data


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return _is_address(host) and ipaddress.ip_address(host.partition("%")[0]).is_loopback


def _where(server: Server) -> str:
    host, port = server
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
