"""The webhooks of a configuration: what is noted for them, and how it is sent.

A receiver is asked over TLS that is verified, at an address that is looked up anew each time and
is one of the public Internet: what a name leads to must not make this machine talk to its
neighbours. Only where the operator says so may it be a private one, or be spoken to in clear.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

import h11

from ulak import config as settings
from ulak.app.places import Places
from ulak.delivery.connection import words
from ulak.diagnose.domain.addresses import private
from ulak.dns.records import Resolver
from ulak.events.event import Wanted, event_of
from ulak.events.hook import Answered, Hook
from ulak.events.outbox import Outbox
from ulak.events.postman import Postman
from ulak.events.sqlite import SqliteOutbox
from ulak.journal.entry import Entry
from ulak.log import Event, Log

if TYPE_CHECKING:
    from ulak.app.parts import Parts

_PIECE = 16_384
_LARGEST_ANSWER = 262_144  # octets, of which nothing but the status is of interest
_PORTS = {"https": 443, "http": 80}
_MOST_ADDRESSES = 3


def hooks_of(chosen: settings.Config, log: Log | None = None) -> list[Hook]:
    """Give the webhooks; one whose secret cannot be read is left out, and the log told."""
    made = []
    for one in chosen.webhooks:
        try:
            secret = one.secret.read_bytes().strip()
        except OSError as error:
            if log is not None:
                log.emit(Event.WEBHOOK_FAILED, url=one.url, problem=f"its secret: {error.strerror}")
            continue
        wanted = Wanted(frozenset(one.events), frozenset(one.domains))
        made.append(Hook(one.url, secret, wanted, one.private, one.timeout))
    return made


def outbox_file(chosen: settings.Config) -> SqliteOutbox:
    """Open the outbox."""
    return SqliteOutbox(Places(chosen.data).outbox)


def outbox_of(parts: Parts) -> Outbox | None:
    """Make what notes events for webhooks, and hears of all entries; None where there are none."""
    chosen = parts.config
    hooks = [
        (one.url, Wanted(frozenset(one.events), frozenset(one.domains))) for one in chosen.webhooks
    ]
    if not hooks:
        return None
    file = outbox_file(chosen)

    def dropped(count: int) -> None:
        parts.log.emit(Event.WEBHOOK_DROPPED, count=count, problem="the backlog is full")

    made = Outbox(
        file,
        hooks,
        most=max(one.backlog for one in chosen.webhooks),
        incident=parts.incident,
        dropped=dropped,
    )

    async def close() -> None:
        await made.flush()
        await asyncio.to_thread(file.close)

    def tell(entry: Entry) -> None:
        event = event_of(entry)
        if event is not None:
            made.note(event)

    parts.journal.told = tell
    parts.closing.append(close)
    return made


def postmen(parts: Parts, *, first: bool) -> list[Callable[[], Coroutine[None, None, None]]]:
    """Make who brings events to their receivers: in the first worker alone."""
    hooks = hooks_of(parts.config, parts.log) if first else []
    if not hooks:
        return []
    file = outbox_file(parts.config)

    async def close() -> None:
        await asyncio.to_thread(file.close)

    parts.closing.append(close)
    postman = Postman(
        file,
        hooks,
        HttpSend(parts.resolver, ssl.create_default_context()),
        clock=parts.clock,
        chance=parts.chance,
        log=parts.log,
        incident=parts.incident,
    )
    return [postman.run]


class HttpSend:
    """Sends over HTTP/1.1 (RFC 9112), one request a connection; follows `events.hook.Send`."""

    def __init__(self, resolver: Resolver, context: ssl.SSLContext) -> None:
        self._resolver = resolver
        self._context = context

    async def __call__(self, hook: Hook, body: bytes, fields: dict[str, str]) -> Answered:
        """Send a body; redirects are not followed."""
        where = urlsplit(hook.url)
        try:
            async with asyncio.timeout(hook.timeout):
                return await self._send(hook, where, body, fields)
        except TimeoutError:
            return Answered(problem=f"no answer within {hook.timeout:g} seconds")
        except (OSError, ValueError, h11.RemoteProtocolError) as error:
            return Answered(problem=words(error))

    async def _send(
        self, hook: Hook, where: SplitResult, body: bytes, fields: dict[str, str]
    ) -> Answered:
        host, secure = where.hostname or "", where.scheme == "https"
        if not secure and not hook.private:
            return Answered(problem="in clear, which is only for private receivers")
        found = await self._addresses(host)
        if isinstance(found, Answered):
            return found
        reachable = [one for one in found if hook.private or not private(one)]
        if not reachable:
            return Answered(problem=f"{host} has only private addresses ({found[0]})")
        answered = Answered(problem="no address")
        for address in reachable[:_MOST_ADDRESSES]:
            try:
                reader, writer = await asyncio.open_connection(
                    address,
                    where.port or _PORTS[where.scheme],
                    ssl=self._context if secure else None,
                    server_hostname=host if secure else None,
                )
            except (OSError, ValueError) as error:
                answered = Answered(problem=words(error))
                continue
            try:
                return await _post(reader, writer, where, body, fields)
            finally:
                writer.transport.abort()
        return answered

    async def _addresses(self, host: str) -> list[str] | Answered:
        try:
            return [str(ip_address(host))]
        except ValueError:
            pass
        answers = await asyncio.gather(
            self._resolver.resolve(host, "A"), self._resolver.resolve(host, "AAAA")
        )
        found = [text for answer in answers for text in answer.texts]
        if found:
            return found
        failed = next((answer for answer in answers if answer.failed), None)
        why = "it has no address" if failed is None else f"DNS: {failed.status}"
        return Answered(problem=f"{host}: {why}")


async def _post(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    where: SplitResult,
    body: bytes,
    fields: dict[str, str],
) -> Answered:
    http = h11.Connection(our_role=h11.CLIENT)
    target = (where.path or "/") + (f"?{where.query}" if where.query else "")
    told = [("host", where.netloc.rpartition("@")[2]), *fields.items()]
    told += [("content-length", str(len(body))), ("connection", "close")]
    request = h11.Request(method="POST", target=target, headers=told)
    for part in (request, h11.Data(data=body), h11.EndOfMessage()):
        writer.write(http.send(part) or b"")
    size = 0
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            piece = await reader.read(_PIECE)
            size += len(piece)
            if size > _LARGEST_ANSWER:
                return Answered(problem="its answer is too large")
            http.receive_data(piece)
        elif isinstance(event, h11.Response):
            return Answered(event.status_code, after=_after(event))
        elif isinstance(event, h11.ConnectionClosed):
            return Answered(problem="the connection was closed")


def _after(response: h11.Response) -> float:
    """Read Retry-After in seconds (RFC 9110 §10.2.3); a date counts for nothing."""
    for name, value in response.headers:
        if name == b"retry-after" and value.isdigit() and len(value) < 6:  # noqa: PLR2004 -- a day
            return float(value)
    return 0.0
