"""Posts reports about TLS to addresses of HTTPS (RFC 8460 §5.4), and nothing else.

A stranger's record names the address. So the answer is read no further than its status,
redirects are not followed, time is bounded, and private networks are not talked to.
"""

from __future__ import annotations

import asyncio
import ssl
from urllib.parse import urlsplit

import h11

from ulak.delivery.trouble import words
from ulak.diagnose.domain.addresses import private
from ulak.dns.records import Resolver

TIMEOUT = 30.0  # seconds for all of it
_MOST_ADDRESSES = 3
_PIECE = 16_384
_LARGEST_ANSWER = 65_536
_GOOD = range(200, 300)


class ReportPoster:
    """Posts with `context`, which verifies."""

    def __init__(
        self, resolver: Resolver, context: ssl.SSLContext, *, reach_private: bool = False
    ) -> None:
        self._resolver, self._context = resolver, context
        self._reach_private = reach_private

    async def __call__(self, uri: str, octets: bytes) -> str:
        """Post a report; give what went wrong, `""` for nothing."""
        try:
            parts = urlsplit(uri)
            host, port = parts.hostname or "", parts.port or 443
        except ValueError:
            return "there can be no such address"
        target = parts.path or "/"
        if parts.query:
            target = f"{target}?{parts.query}"
        answers = await asyncio.gather(
            self._resolver.resolve(host, "A"), self._resolver.resolve(host, "AAAA")
        )
        found = [text for answer in answers for text in answer.texts]
        reachable = [text for text in found if self._reach_private or not private(text)]
        problem = f"{host} has no address" if not found else f"{host} has a private address"
        try:
            async with asyncio.timeout(TIMEOUT):
                for address in reachable[:_MOST_ADDRESSES]:
                    problem = await self._to(address, port, host, target, octets)
                    if not problem:
                        break
        except TimeoutError:
            return f"no answer within {TIMEOUT:g} seconds"
        return problem

    async def _to(self, address: str, port: int, host: str, target: str, octets: bytes) -> str:
        try:
            reader, writer = await asyncio.open_connection(
                address, port, ssl=self._context, server_hostname=host
            )
        except (OSError, ValueError) as error:
            return words(error)
        try:
            return await _post(reader, writer, host, target, octets)
        except (OSError, h11.ProtocolError) as error:
            return words(error)
        finally:
            writer.transport.abort()


async def _post(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    host: str,
    target: str,
    octets: bytes,
) -> str:
    http = h11.Connection(our_role=h11.CLIENT)
    fields = [
        ("Host", host),
        ("Content-Type", "application/tlsrpt+gzip"),
        ("Content-Length", str(len(octets))),
        ("Connection", "close"),
    ]
    request = h11.Request(method="POST", target=target, headers=fields)
    for said in (request, h11.Data(octets), h11.EndOfMessage()):
        writer.write(http.send(said) or b"")
    size = 0
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            piece = await reader.read(_PIECE)
            size += len(piece)
            if size > _LARGEST_ANSWER:
                return f"more than {_LARGEST_ANSWER} octets before the answer"
            http.receive_data(piece)
        elif isinstance(event, h11.Response):
            return "" if event.status_code in _GOOD else f"HTTP status {event.status_code}"
        elif isinstance(event, h11.ConnectionClosed):
            return "the connection was closed"
