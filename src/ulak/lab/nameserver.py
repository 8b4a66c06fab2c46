"""A name server on loopback that serves a `Zone` over UDP and TCP, and lies where it is told to."""

from __future__ import annotations

import asyncio
import errno
from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from ulak.dns.records import MX, Record, Status
from ulak.dns.zone import Zone

_TRIES = 20  # for a port that is free for UDP and TCP
_REMEMBERED = 10_000
_TXT_STRING = 255
_PLAIN_UDP = 512  # octets without EDNS0 (RFC 1035 §4.2.1)


class Datagram(Enum):
    """One datagram that a question over UDP is answered with."""

    TRUTH = auto()
    OTHER_ID = auto()  # as a blind forger sends
    OTHER_QUESTION = auto()
    OTHER_SOURCE = auto()  # right in everything, from another port
    TRUNCATED = auto()  # the TC bit and no records
    GARBAGE = auto()  # begins as the answer and cannot be read
    NOISE = auto()  # octets that are no DNS


@dataclass(frozen=True, slots=True)
class Asked:
    """One question that came in."""

    name: str
    kind: str
    over: str  # udp | tcp
    edns: bool


class NameServer:
    """Serves `zone` as a recursive resolver would.

    Statuses of the zone become what a client sees of them: TIMEOUT silence, SERVFAIL and REFUSED
    their codes, MALFORMED garbage. `lies` gives by name the datagrams that answer it over UDP,
    in order; `delays` the seconds before them. `knows_edns=False` makes it an old server that
    answers EDNS0 with FORMERR; `soa=False` leaves the SOA record out of negative answers.
    """

    def __init__(
        self,
        zone: Zone,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        lies: Mapping[str, Sequence[Datagram]] | None = None,
        delays: Mapping[str, float] | None = None,
        knows_edns: bool = True,
        soa: bool = True,
    ) -> None:
        self.zone = zone
        self.host, self.port = host, port
        self.lies = dict(lies or {})
        self.delays = dict(delays or {})
        self.asked: deque[Asked] = deque(maxlen=_REMEMBERED)
        self.connections: set[asyncio.Transport] = set()
        self._knows_edns, self._soa = knows_edns, soa
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> tuple[str, int]:
        """Listen on one port for UDP and TCP; give the address."""
        for left in reversed(range(_TRIES)):
            try:
                return await self._listen()
            except OSError as error:
                if self.port or not left or error.errno != errno.EADDRINUSE:
                    raise
        raise AssertionError  # the last try returns or raises

    async def _listen(self) -> tuple[str, int]:
        loop = asyncio.get_running_loop()
        udp, _ = await loop.create_datagram_endpoint(
            lambda: _Listening(self), local_addr=(self.host, self.port)
        )
        port = udp.get_extra_info("sockname")[1]
        try:
            self._tcp = await loop.create_server(lambda: _Connection(self), self.host, port)
        except OSError:
            udp.close()
            raise
        self._udp = udp
        self.port = port
        return self.host, port

    async def stop(self) -> None:
        """Stop listening; questions under way stay without an answer."""
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()
        for connection in list(self.connections):
            connection.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def datagram(self, data: bytes, client: tuple[str, int]) -> None:
        """Take a question over UDP."""
        self._answering(self._reply(data, client))

    def stream(self, data: bytes, transport: asyncio.WriteTransport) -> None:
        """Take a question over TCP."""
        self._answering(self._serve(data, transport))

    def _answering(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reply(self, data: bytes, client: tuple[str, int]) -> None:
        try:
            query = dns.message.from_wire(data)
        except dns.exception.DNSException:
            return
        name = self._note(query, "udp")
        await asyncio.sleep(self.delays.get(name, 0.0))
        response = self._answer(query)
        if response is None or self._udp is None:
            return
        truth = _fitting(response, query)
        for kind in self.lies.get(name, (Datagram.TRUTH,)):
            if kind is Datagram.OTHER_SOURCE:
                await _send_from_elsewhere(self.host, truth, client)
            else:
                self._udp.sendto(_forged(kind, truth, query), client)

    async def _serve(self, data: bytes, transport: asyncio.WriteTransport) -> None:
        try:
            query = dns.message.from_wire(data)
        except dns.exception.DNSException:
            transport.close()
            return
        await asyncio.sleep(self.delays.get(self._note(query, "tcp"), 0.0))
        response = self._answer(query)
        if response is not None:
            transport.write(len(response).to_bytes(2, "big") + response)

    def _note(self, query: dns.message.Message, over: str) -> str:
        question = query.question[0]
        name = _text(question.name)
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append(Asked(name, kind, over, edns=query.edns >= 0))
        return name

    def _answer(self, query: dns.message.Message) -> bytes | None:
        question = query.question[0]
        found = self.zone.find(_text(question.name), dns.rdatatype.to_text(question.rdtype))
        response = dns.message.make_response(query, recursion_available=True)
        if query.edns >= 0 and not self._knows_edns:
            response.use_edns(edns=False)
            response.set_rcode(dns.rcode.FORMERR)
            return response.to_wire()
        if self.zone.authentic and query.flags & dns.flags.AD:
            response.flags |= dns.flags.AD
        match found.status:
            case Status.TIMEOUT:
                return None
            case Status.SERVFAIL | Status.REFUSED:
                response.set_rcode(dns.rcode.from_text(found.status.name))
                return response.to_wire()
            case Status.MALFORMED:
                return _forged(Datagram.GARBAGE, response.to_wire(), query)
            case Status.NXDOMAIN:
                response.set_rcode(dns.rcode.NXDOMAIN)
            case _:
                pass
        for owner, target in found.aliases:
            response.answer.append(self._rrset(owner, "CNAME", (target,)))
        if found.records:
            kind = dns.rdatatype.to_text(question.rdtype)
            response.answer.append(self._rrset(found.name, kind, found.records))
        elif self._soa:
            soa = f"ns.lab. postmaster.lab. 1 3600 600 86400 {self.zone.ttl}"
            response.authority.append(self._rrset("", "SOA", (soa,)))
        return response.to_wire(max_size=65535)

    def _rrset(self, owner: str, kind: str, records: Sequence[Record]) -> dns.rrset.RRset:
        rdtype = dns.rdatatype.from_text(kind)
        rdatas = [_rdata(rdtype, _presentation(kind, record)) for record in records]
        return dns.rrset.from_rdata_list(_name(owner), self.zone.ttl, rdatas)


class _Listening(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._server.datagram(data, addr)


class _Connection(asyncio.Protocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._server.connections.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._server.connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= (end := 2 + int.from_bytes(self._buffer[:2], "big")):
            self._server.stream(self._buffer[2:end], self._transport)
            self._buffer = self._buffer[end:]


def _fitting(response: bytes, query: dns.message.Message) -> bytes:
    """Give the answer as it fits into a datagram: else without records, with the TC bit."""
    room = query.payload if query.edns >= 0 else _PLAIN_UDP
    return response if len(response) <= room else _forged(Datagram.TRUNCATED, response, query)


def _forged(kind: Datagram, truth: bytes, query: dns.message.Message) -> bytes:
    match kind:
        case Datagram.OTHER_ID:
            return ((query.id + 1) % 0x10000).to_bytes(2, "big") + truth[2:]
        case Datagram.OTHER_QUESTION:
            other = dns.message.make_query("forged.example", query.question[0].rdtype)
            other.id = query.id
            return dns.message.make_response(other).to_wire()
        case Datagram.TRUNCATED:
            response = dns.message.make_response(query)
            response.flags |= dns.flags.TC
            return response.to_wire()
        case Datagram.GARBAGE:
            # The header claims records after the question; a name points at itself there.
            question = dns.message.make_response(query)
            question.use_edns(edns=False)
            wire = question.to_wire()
            return wire[:6] + b"\0\x03" + wire[8:] + (0xC000 + len(wire)).to_bytes(2, "big") * 6
        case Datagram.NOISE:
            return b"\0" * 5
        case _:
            return truth


async def _send_from_elsewhere(host: str, data: bytes, client: tuple[str, int]) -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=(host, 0)
    )
    transport.sendto(data, client)
    transport.close()


def _presentation(kind: str, record: Record) -> str:
    match record:
        case MX(preference, exchange):
            return f"{preference} {exchange}."
        case bytes() if kind == "TXT":
            parts = [record[i : i + _TXT_STRING] for i in range(0, len(record), _TXT_STRING)]
            quoted = ("".join(f"\\{octet:03}" for octet in part) for part in parts or [b""])
            return " ".join(f'"{part}"' for part in quoted)
        case str() if kind in ("CNAME", "NS", "PTR"):
            return f"{record}."
        case _:
            return str(record)


def _rdata(kind: dns.rdatatype.RdataType, presentation: str) -> dns.rdata.Rdata:
    if kind != dns.rdatatype.TLSA:
        return dns.rdata.from_text(dns.rdataclass.IN, kind, presentation)
    # Also what dnspython would not write: hashes of a wrong length.
    *numbers, data = presentation.split()
    octets = bytes(map(int, numbers)) + bytes.fromhex(data)
    return dns.rdata.GenericRdata(dns.rdataclass.IN, kind, octets)


def _text(name: dns.name.Name) -> str:
    return "" if name == dns.name.root else name.to_text(omit_final_dot=True).lower()


def _name(name: str) -> dns.name.Name:
    return dns.name.Name([*(label.encode() for label in name.split(".") if label), b""])
