"""One SMTP session: a thin shell that feeds the core and answers its events.

Nothing a client sends can do more than earn a reply or a closed connection: an exception in
here becomes 451 4.3.0 with an incident id, never its own text.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine
from pathlib import Path
from typing import BinaryIO, cast

from ulak.journal.entry import Entry, Kind
from ulak.mail.address import Address
from ulak.mail.envelope import Envelope
from ulak.queue.item import Body, Message
from ulak.queue.store import StorageError, StorageFullError
from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.server.answers import expand, recipient, verify
from ulak.server.received import protocol, received
from ulak.server.site import Site, body_of
from ulak.smtp import events
from ulak.smtp.server import ServerCore
from ulak.smtp.states import State

_HANDSHAKE = 60.0  # seconds for a TLS handshake
_HIGH_WATER = 262_144  # octets fed and not looked at: stop reading until they are


class Session(asyncio.Protocol):
    """One connection from a client.

    `deadline` is the loop time at which the listener's sweep closes it.
    """

    __slots__ = (
        "_body",
        "_busy",
        "_chunks",
        "_file",
        "_header",
        "_identifier",
        "_loop",
        "_recipients",
        "_relay",
        "_sender",
        "_site",
        "_size",
        "_spooled",
        "_task",
        "_tls",
        "_transport",
        "core",
        "deadline",
        "id",
        "ip",
        "sessions",
    )

    def __init__(
        self, site: Site, sessions: set[Session], tls: ssl.SSLContext | None, *, secure: bool
    ) -> None:
        self._site = site
        self._tls = tls
        self.sessions = sessions
        self._loop = asyncio.get_running_loop()
        self.core = ServerCore(
            site.rules.hostname, site.rules.limits, offer_tls=tls is not None, secure=secure
        )
        self.id = site.new_id()
        self.ip = ""
        self.deadline = self._loop.time() + site.rules.command_timeout
        self._transport: asyncio.Transport | None = None
        self._busy = False
        self._task: asyncio.Task[None] | None = None
        self._relay = False
        self._sender: events.Mail | None = None
        self._recipients: dict[str, None] = {}
        self._chunks: list[bytes] = []
        self._file: BinaryIO | None = None
        self._spooled: Path | None = None
        self._header = b""
        self._size = 0
        self._identifier = ""

    # -- the transport ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, after asking whether the client is welcome."""
        transport = cast("asyncio.Transport", transport)
        if self._transport is not None:  # after STARTTLS
            self._transport = transport
            return
        self._transport = transport
        site = self._site
        peer = transport.get_extra_info("peername")
        self.ip = peer[0] if isinstance(peer, tuple) else "127.0.0.1"
        self.sessions.add(self)
        site.connections += 1
        site.per_client[self.ip] += 1
        self._relay = site.may_relay(self.ip)
        rules = site.rules
        if site.closing:
            self._greet(catalog.SHUTTING_DOWN.reply(hostname=rules.hostname))
        elif site.connections > rules.max_connections:
            self._greet(catalog.TOO_MANY_CONNECTIONS.reply())
        elif site.per_client[self.ip] > rules.max_connections_per_client:
            self._greet(catalog.TOO_MANY_FROM_CLIENT.reply(ip=self.ip))
        elif site.admit is None:
            self._greet(None)
        else:
            self._wait_for(self._admit())

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything; a transaction that was not acknowledged is forgotten."""
        del exc
        if self in self.sessions:
            self.sessions.discard(self)
            self._site.connections -= 1
            self._site.per_client[self.ip] -= 1
            if not self._site.per_client[self.ip]:
                del self._site.per_client[self.ip]
        self.core.close()
        if not self._busy:
            self._forget_message()

    def data_received(self, data: bytes) -> None:
        """Take octets; what cannot be worked on yet waits, and a flood is not read."""
        self.core.feed(data)
        if self._busy:
            if self.core.waiting > _HIGH_WATER and self._transport is not None:
                self._transport.pause_reading()
            return
        self._run()

    def eof_received(self) -> bool:
        """Close: a client that says no more will not read a reply to half a command."""
        return False

    def expire(self) -> None:
        """Say that the time is up, and close."""
        if not self.core.closed and not self._busy:
            seconds = int(self._site.rules.command_timeout)
            self.core.answer(
                events.Refused(catalog.CLOSING.reply(hostname="")),
                catalog.TIMED_OUT.reply(hostname=self._site.rules.hostname, seconds=seconds),
            )
        self._flush()
        if self._transport is not None:
            self._transport.abort() if self._busy else self._transport.close()

    def drain(self) -> None:
        """Say 421 and close, unless a message is under way: that one may end first."""
        if self.core.state is not State.MESSAGE and not self._busy and not self.core.closed:
            reply = catalog.SHUTTING_DOWN.reply(hostname=self._site.rules.hostname)
            self.core.answer(events.Refused(reply), reply)
            self._flush()

    # -- events -----------------------------------------------------------------------------

    def _run(self) -> None:
        core = self.core
        try:
            while not self._busy and (event := core.next_event()) is not None:
                self._handle(event)
        except Exception as error:  # noqa: BLE001 -- whatever it was, the client gets a 451
            self._fail(error)
        rules = self._site.rules
        patience = rules.data_timeout if core.state is State.MESSAGE else rules.command_timeout
        if core.state is State.REFUSED:
            patience = min(patience, rules.refused_timeout)
        self.deadline = self._loop.time() + patience
        self._flush()

    def _flush(self) -> None:
        transport = self._transport
        if transport is None:
            return
        output = self.core.output()
        if output:
            transport.write(output)
        if self.core.closed:
            transport.close()

    def _fail(self, error: Exception) -> None:
        incident = self._site.incident(error)
        self._note(Kind.INCIDENT, catalog.INTERNAL_ERROR.name, incident=incident)
        reply = catalog.INTERNAL_ERROR.reply(id=incident)
        self.core.answer(events.Refused(reply, closing=True), reply)
        self.core.close()
        self._forget_message()

    def _wait_for(self, work: Coroutine[None, None, None]) -> None:
        self._busy = True
        self._task = self._loop.create_task(self._work(work))

    async def _work(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 -- as in _run
            self._fail(error)
        self._busy = False
        self._task = None
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
            self._run()
        else:
            self._forget_message()

    async def _admit(self) -> None:
        assert self._site.admit is not None  # noqa: S101 -- for the type checker
        self._greet(await self._site.admit(self.ip, self.id))

    def _greet(self, refusal: Reply | None) -> None:
        hostname = self._site.rules.hostname
        if refusal is None:
            self.core.greet(catalog.READY.reply(hostname=hostname))
        else:
            self._note(Kind.REFUSED, refusal.cause, refusal)
            self.core.greet(refusal)
        self._run()

    def _handle(self, event: events.Event) -> None:
        match event:
            case events.Chunk(data):
                self._take(data)
            case events.EndOfData():
                self._wait_for(self._finish(event))
            case events.StartTls():
                self.core.answer(event, catalog.READY_FOR_TLS.reply())
                self._wait_for(self._start_tls())
            case _:
                reply = self._reply(event)
                if not reply.positive:
                    self._note(Kind.REFUSED, reply.cause, reply)
                self.core.answer(event, reply)

    def _reply(self, event: events.Event) -> Reply:
        rules, core = self._site.rules, self.core
        match event:
            case events.Hello(name, extended):
                self._forget_transaction()
                if not extended:
                    return catalog.HELLO.reply(hostname=rules.hostname, client=name)
                core.client_name = name
                return catalog.HELLO.listing(*core.hello_lines(vrfy=rules.vrfy != "refuse"))
            case events.Mail():
                self._forget_transaction()
                if not self._site.room(event.size):
                    return catalog.DISK_NEARLY_FULL.reply()
                self._sender = event
                return catalog.SENDER_OK.reply()
            case events.Recipient(address):
                return self._recipient(address)
            case events.Data():
                self._identifier = self._site.new_id()
                return catalog.START_DATA.reply()
            case events.Verify(user):
                return verify(user, rules, self._site.directory)
            case events.Expand(user):
                return expand(user, rules, self._site.directory)
            case events.Help():
                return catalog.HELP_TEXT.reply()
            case events.Noop():
                return catalog.NOTHING_DONE.reply()
            case events.Reset():
                self._forget_transaction()
                return catalog.RESET_DONE.reply()
            case events.Quit():
                return catalog.CLOSING.reply(hostname=rules.hostname)
            case events.Refused(reply):
                return reply
            case _:
                message = f"no answer to {event!r}"
                raise AssertionError(message)

    def _recipient(self, address: Address) -> Reply:
        reply, members = recipient(address, self._site, self.ip, relay=self._relay)
        if reply.positive:
            if len(self._recipients) >= self._site.rules.max_recipients:
                return catalog.TOO_MANY_RECIPIENTS.reply(limit=self._site.rules.max_recipients)
            self._recipients.update(dict.fromkeys(members))
        return reply

    # -- the message ------------------------------------------------------------------------

    def _take(self, data: bytes) -> None:
        self._size += len(data)
        if self._file is not None:
            self._file.write(data)
        else:
            self._chunks.append(data)
            if self._size > self._site.rules.body_threshold:
                self._spool()

    def _spool(self) -> None:
        """Go on in a file: a large message never lies in memory whole."""
        path = self._site.incoming / self._identifier
        # Blocking, but only into the page cache; the store makes it durable.
        self._file = path.open("wb")
        self._spooled = path
        self._header = b"".join(self._chunks)
        self._chunks.clear()
        self._file.write(self._trace())
        self._file.write(self._header)

    async def _finish(self, event: events.EndOfData) -> None:
        site, sender = self._site, self._sender
        assert sender is not None  # noqa: S101 -- the core lets no DATA through without MAIL
        identifier = self._identifier
        reply = event.fault
        if reply is None:
            reply = self._judge()
        if reply is None:
            try:
                message = self._message(identifier, sender)
                await site.keep(message)
                self._spooled = None  # the store's now
                reply = catalog.MESSAGE_QUEUED.reply(id=identifier)
            except (StorageFullError, OSError) as error:
                site.incident(error)
                reply = catalog.DISK_NEARLY_FULL.reply()
            except StorageError as error:
                reply = catalog.STORAGE_FAILED.reply(id=site.incident(error))
        facts = {
            "sender": str(sender.sender or ""),
            "recipients": " ".join(list(self._recipients)[:20]),
            "size": str(event.size),
            "ip": self.ip,
            "reply": str(reply),
        }
        kind = Kind.ACCEPTED if reply.positive else Kind.REFUSED
        site.journal.write(Entry(site.clock(), kind, reply.cause, self.id, identifier, facts=facts))
        self._forget_transaction()
        self.core.answer(event, reply)

    def _judge(self) -> Reply | None:
        head = self._header or b"".join(self._chunks)
        if not self._header:
            self._chunks = [head]
        return self._site.judge(head)

    def _trace(self) -> bytes:
        site, core, sender = self._site, self.core, self._sender
        utf8 = sender is not None and sender.smtputf8
        return received(
            client=core.client_name,
            ip=self.ip,
            hostname=site.rules.hostname,
            word=protocol(extended=core.extended, secure=core.secure, smtputf8=utf8),
            identifier=self._identifier,
            when=site.clock(),
            only=next(iter(self._recipients)) if len(self._recipients) == 1 else "",
        )

    def _message(self, identifier: str, sender: events.Mail) -> Message:
        if self._file is not None and self._spooled is not None:
            self._file.close()
            body = Body(self._spooled.stat().st_size, path=self._spooled)
        else:
            body = body_of([self._trace(), *self._chunks])
        envelope = Envelope(
            str(sender.sender or ""),
            tuple(self._recipients),
            smtputf8=sender.smtputf8,
            body=sender.body,
        )
        return Message(identifier, envelope, body, self._site.clock(), session=self.id)

    async def _start_tls(self) -> None:
        """Shake hands; everything said before is forgotten (RFC 3207 §4.2)."""
        transport, tls = self._transport, self._tls
        assert transport is not None  # noqa: S101 -- for the type checker
        assert tls is not None  # noqa: S101 -- the core offers STARTTLS only with a certificate
        transport.pause_reading()
        self._flush()
        try:
            secure = await self._loop.start_tls(
                transport, self, tls, server_side=True, ssl_handshake_timeout=_HANDSHAKE
            )
        except (OSError, ssl.SSLError, asyncio.CancelledError) as error:
            facts = {"ip": self.ip, "problem": str(error)}
            self._note(Kind.REFUSED, catalog.TLS_FAILED.name, facts=facts)
            self.core.close()
            transport.abort()
            return
        if secure is None:  # the connection went away during the handshake
            self.core.close()
            return
        self._transport = secure
        self._forget_transaction()
        self.core.tls_started()

    # -- the end ----------------------------------------------------------------------------

    def _note(
        self,
        kind: Kind,
        cause: str,
        reply: Reply | None = None,
        *,
        incident: str = "",
        facts: dict[str, str] | None = None,
    ) -> None:
        known = dict(facts or {"ip": self.ip})
        if reply is not None:
            known.update(reply.facts)
            known["reply"] = str(reply)
        clock = self._site.clock
        self._site.journal.write(
            Entry(clock(), kind, cause, self.id, incident=incident, facts=known)
        )

    def _forget_transaction(self) -> None:
        self._sender = None
        self._recipients = {}
        self._forget_message()

    def _forget_message(self) -> None:
        if self._file is not None:
            self._file.close()
        if self._spooled is not None:
            self._spooled.unlink(missing_ok=True)
        self._file = None
        self._spooled = None
        self._chunks = []
        self._header = b""
        self._size = 0
        self._identifier = ""
