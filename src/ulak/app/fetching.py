"""Fetches policies of MTA-STS over HTTPS (RFC 8461 §3.3), and nothing else.

The name and the path are fixed, redirects are not followed, the answer is bounded in time and
size, and addresses of private networks are not asked unless the operator says so: a stranger's
DNS must not make this machine talk to its neighbours.
"""

from __future__ import annotations

import asyncio
import ssl

import h11

from ulak.checks.mta_sts import LARGEST
from ulak.delivery.trouble import words
from ulak.diagnose.domain.addresses import private
from ulak.diagnose.domain.mta_sts import Fetched
from ulak.dns.records import Resolver

TIMEOUT = 10.0  # seconds for all of it: a person waits
_MOST_ADDRESSES = 3
_PIECE = 16_384
_LARGEST_ANSWER = LARGEST + 65_536  # octets with the header and the frames of chunks
_OK = 200


class PolicyFetcher:
    """Fetches with `context`, which verifies; `port` is another one only in the lab."""

    def __init__(
        self, resolver: Resolver, context: ssl.SSLContext, *, reach_private: bool = False,
        port: int = 443,
    ) -> None:  # fmt: skip
        self._resolver, self._context = resolver, context
        self._reach_private, self._port = reach_private, port

    async def __call__(self, domain: str) -> Fetched:
        """Fetch the policy of a domain."""
        host = f"mta-sts.{domain}"
        answers = await asyncio.gather(
            self._resolver.resolve(host, "A"), self._resolver.resolve(host, "AAAA")
        )
        found = [text for answer in answers for text in answer.texts]
        if not found:
            failed = next((answer for answer in answers if answer.failed), None)
            if failed is not None:
                return Fetched(problem=f"DNS: {failed.status}", unknown=True)
            return Fetched(nowhere=host)
        reachable = [text for text in found if self._reach_private or not private(text)]
        if not reachable:
            return Fetched(refused=found[0])
        fetched = Fetched()
        try:
            async with asyncio.timeout(TIMEOUT):
                for address in reachable[:_MOST_ADDRESSES]:
                    fetched = await self._from(host, address)
                    if not fetched.problem:
                        break
        except TimeoutError:
            return Fetched(problem=f"no answer within {TIMEOUT:g} seconds")
        return fetched

    async def _from(self, host: str, address: str) -> Fetched:
        try:
            reader, writer = await asyncio.open_connection(
                address, self._port, ssl=self._context, server_hostname=host
            )
        except (OSError, ValueError) as error:
            untrusted = isinstance(error, ssl.SSLCertVerificationError)
            return Fetched(problem=words(error), untrusted=untrusted)
        try:
            return await _get(reader, writer, host)
        except (OSError, h11.RemoteProtocolError) as error:
            return Fetched(problem=words(error))
        finally:
            writer.transport.abort()


async def _get(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> Fetched:
    """Ask, and read the answer to its end."""
    http = h11.Connection(our_role=h11.CLIENT)
    fields = [("Host", host), ("Accept", "text/plain"), ("Connection", "close")]
    request = h11.Request(method="GET", target="/.well-known/mta-sts.txt", headers=fields)
    writer.write((http.send(request) or b"") + (http.send(h11.EndOfMessage()) or b""))
    media_type, pieces, size = "", list[bytes](), 0
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            piece = await reader.read(_PIECE)
            size += len(piece)
            if size > _LARGEST_ANSWER:
                return Fetched(problem=f"more than {LARGEST} octets")
            http.receive_data(piece)
        elif isinstance(event, h11.Response):
            if event.status_code != _OK:
                return Fetched(status=event.status_code)
            for name, value in event.headers:
                if name == b"content-type":
                    media_type = value.split(b";")[0].strip().decode("ascii", "replace").lower()
        elif isinstance(event, h11.Data):
            pieces.append(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            octets = b"".join(pieces)
            if len(octets) > LARGEST:
                return Fetched(problem=f"more than {LARGEST} octets")
            return Fetched(octets, media_type)
        elif isinstance(event, h11.ConnectionClosed):
            return Fetched(problem="the connection was closed")
