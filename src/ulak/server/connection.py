"""One connection from a client: its octets, its time, and the work that it waits for.

What is said on it is the session's. Here is what keeps one client from costing more than its
share: nothing is read that cannot be worked on, nothing is written that is not read, time is
earned by whole commands, and whoever is sent away can still read why.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine
from typing import TYPE_CHECKING, cast

from ulak.replies import catalog
from ulak.server import notes
from ulak.server.site import Site
from ulak.smtp import events
from ulak.smtp.offers import Offers
from ulak.smtp.server import ServerCore
from ulak.smtp.states import State

if TYPE_CHECKING:  # OpenSSL is large, and where no TLS is offered nobody needs it
    from ulak.server.certified import Certified
    from ulak.server.pipe import TlsPipe
    from ulak.server.tls import TlsContext

_HIGH_WATER = 262_144  # octets fed and not looked at: stop reading until they are
_BATCH = 64  # replies that are sent together at most
_OWN_TIME = (State.REFUSED, State.HANDSHAKE)  # whose deadline is set once
_DEAF = 262_144  # octets after our last reply: who still sends that much does not read it


class Connection(asyncio.Protocol):
    """One connection. `deadline` is the loop time at which the listener's sweep closes it.

    While it waits for something of ours (`_busy`) or for the client to read (`_choked`), no
    event is looked at.
    """

    __slots__ = (
        "_busy",
        "_choked",
        "_closing",
        "_deaf",
        "_eof",
        "_lingers",
        "_loop",
        "_paused",
        "_pipe",
        "_site",
        "_started",
        "_tls",
        "_transport",
        "connections",
        "core",
        "deadline",
        "id",
        "ip",
        "tls",
    )

    def __init__(
        self,
        site: Site,
        connections: set[Connection],
        tls: TlsContext | None,
        offers: Offers,
    ) -> None:
        rules = site.rules
        self._site = site
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self.connections = connections
        self.core = ServerCore(rules.hostname, rules.limits, offers)
        self.id = site.new_id()
        self.ip = ""
        self.deadline = self._loop.time() + rules.command_timeout
        self._transport: asyncio.Transport | None = None
        self.tls = ""  # protocol and cipher
        self._pipe: TlsPipe | None = None
        self._started = 0.0  # when the message under way began
        self._deaf = 0
        self._busy = self._choked = self._paused = False
        self._closing = self._eof = False
        self._lingers = True

    # -- what a session does ----------------------------------------------------------------

    def arrive(self, transport: asyncio.Transport) -> None:
        """Meet the client."""
        raise NotImplementedError

    def secured(self) -> None:
        """Go on: TLS has just come about."""
        raise NotImplementedError

    def handle(self, event: events.Event) -> None:
        """Do and answer what the client said."""
        raise NotImplementedError

    def forget(self) -> None:
        """Let go of the transaction under way."""
        raise NotImplementedError

    def leave(self) -> None:
        """Part from the client: the connection is gone."""
        raise NotImplementedError

    # -- octets -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection and meet the client."""
        self._transport = cast("asyncio.Transport", transport)
        self.connections.add(self)
        try:
            self.arrive(self._transport)
        except Exception as error:  # noqa: BLE001 -- whatever it was, the client gets a 421
            self._fail(error, None)
            self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything; a transaction that was not acknowledged is forgotten."""
        del exc
        self._depart()

    def _depart(self) -> None:
        self._transport = None
        self.core.close()
        if not self._busy:
            self.forget()
        if self in self.connections:
            self.connections.discard(self)
            self.leave()

    def data_received(self, data: bytes) -> None:
        """Take octets; what cannot be worked on yet waits, and a flood is not read."""
        if self._closing:
            self._deaf += len(data)
            if self._deaf > _DEAF:
                self.abort()
            return
        if self._pipe is not None:
            try:
                data = self._decrypt(self._pipe, data)
            except Exception as error:  # noqa: BLE001 -- as in connection_made
                self._fail(error, None)
            if not data and not self._eof:
                return
        self.core.feed(data)
        if not self._busy and not self._choked:
            self._run()
        elif self.core.waiting > _HIGH_WATER:
            self._pause()

    def eof_received(self) -> bool:
        """Close, once what was asked before is answered: the client may still be reading."""
        self._eof = True
        return (self._busy or self._choked) and not self._closing

    def pause_writing(self) -> None:
        """Do no more for a client that does not read its replies."""
        self._choked = True
        self._pause()

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        self._choked = False
        if not self._busy and not self._closing:
            self._resume()
            self._run(said=True)

    def _pause(self) -> None:
        transport = self._transport
        if not self._paused and transport is not None and not transport.is_closing():
            self._paused = True
            transport.pause_reading()

    def _resume(self) -> None:
        transport = self._transport
        if self._paused and transport is not None and not transport.is_closing():
            self._paused = False
            transport.resume_reading()

    # -- time -------------------------------------------------------------------------------

    def expire(self) -> None:
        """Say that the time is up, and close."""
        transport = self._transport
        if transport is None:
            return
        if self._pipe is not None and not self._pipe.established:
            self._break_off(self._pipe, "the handshake took too long")
            return
        if self._closing or self._busy or self._choked:
            transport.abort()
            return
        rules = self._site.rules
        patience = {
            State.MESSAGE: rules.data_timeout,
            State.REFUSED: rules.refused_timeout,
        }.get(self.core.state, rules.command_timeout)
        self.core.announce(
            catalog.TIMED_OUT.reply(hostname=rules.hostname, seconds=round(patience))
        )
        self._flush()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def drain(self) -> None:
        """Say 421 and close, unless a message is under way: that one may end first."""
        if self._pipe is not None and not self._pipe.established:
            self.abort()
        elif self.core.state is not State.MESSAGE and not self._busy and not self.core.closed:
            hostname = self._site.rules.hostname
            self.core.announce(catalog.SHUTTING_DOWN.reply(hostname=hostname))
            self._flush()

    def _set_deadline(self) -> None:
        rules, now = self._site.rules, self._loop.time()
        if self.core.state is not State.MESSAGE:
            self.deadline = now + rules.command_timeout
            return
        # Octet by octet is not silence, but no way to send mail either.
        earned = rules.data_timeout + self.core.received / rules.min_data_rate
        self.deadline = min(
            now + rules.data_timeout, self._started + min(earned, rules.message_timeout)
        )

    # -- events -----------------------------------------------------------------------------

    def _run(self, *, said: bool = False) -> None:
        """Look at what the client has said, as far as that is possible now.

        `said`: something has happened that earns the client new patience.
        """
        core = self.core
        said = said or core.state is State.MESSAGE
        while not self._busy and not self._choked:
            event: events.Event | None = None
            try:
                event = core.next_event()
                if event is None:
                    break
                said = True
                self.handle(event)
                if core.unsent >= _BATCH:
                    self._flush()
            except Exception as error:  # noqa: BLE001 -- whatever it was, the client gets a 451
                self._fail(error, event)
        # Half a command earns no more time, and nothing does after a 554 greeting.
        if said and not self._busy and core.state not in _OWN_TIME:
            self._set_deadline()
        self._flush()
        if self._eof and not self._busy and not self._choked and not self._closing:
            core.close()
            self._flush()

    def _flush(self) -> None:
        transport = self._transport
        output = self.core.output()
        if transport is None or transport.is_closing():
            return
        if output:
            if self._pipe is not None:
                output = self._encrypt(self._pipe, output)
            transport.write(output)
        if self.core.closed and not self._closing:
            self._close(transport)

    def _send_raw(self, octets: bytes) -> None:
        transport = self._transport
        if octets and transport is not None and not transport.is_closing():
            transport.write(octets)

    def _close(self, transport: asyncio.Transport) -> None:
        """Close so that the client can read the last reply.

        Octets of the client that nobody has read make the kernel reset the connection, and then
        the reply may never be read: end our side, and wait for the client to end its own.
        """
        self._closing = True
        if self._pipe is not None and self._pipe.established:
            self._pipe.end()
            transport.write(self._pipe.outgoing())
        if self._lingers and not self._eof and transport.can_write_eof():
            transport.write_eof()
            self._resume()
            self.deadline = self._loop.time() + self._site.rules.closing_timeout
        else:
            transport.close()

    def _fail(self, error: Exception, event: events.Event | None) -> None:
        """Turn an error of ours into 451 for the command that met it, or into 421."""
        core = self.core
        try:
            incident = self._site.incident(error, session=self.id)
            if event is None or isinstance(event, events.Chunk | events.StartTls):
                hostname = self._site.rules.hostname
                core.announce(catalog.SESSION_FAILED.reply(hostname=hostname, id=incident))
            elif not core.closed:
                core.answer(event, catalog.INTERNAL_ERROR.reply(id=incident))
                core.blame()
            if event is None or isinstance(event, events.Chunk | events.EndOfData):
                self.forget()
        except Exception:  # noqa: BLE001 -- an error in here is the end of what can be said
            core.close()
            if self._transport is not None:
                self._transport.abort()

    # -- work -------------------------------------------------------------------------------

    def _wait_for(self, work: Coroutine[None, None, None]) -> None:
        """Let a piece of work end before the next event is looked at."""
        self._busy = True
        self.deadline = math.inf  # the time it takes is ours
        self._site.work.add(self._loop.create_task(self._work(work)))

    async def _work(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 -- as in _run
            self._fail(error, None)
        finally:
            self._busy = False
            self._site.work.discard(cast("asyncio.Task[None]", asyncio.current_task()))
        if self._transport is None:
            self.forget()
            return
        if not self._choked:
            self._resume()
        self._run(said=True)

    # -- TLS --------------------------------------------------------------------------------

    def start_tls(self) -> None:
        """Take every octet from here on as one of TLS (RFC 3207 §4.2).

        What was fed before was forgotten by the core with its 220.
        """
        assert self._tls is not None  # noqa: S101 -- the core offers STARTTLS only with a certificate
        self._pipe = self._tls.pipe()
        self.deadline = self._loop.time() + self._site.rules.handshake_timeout

    @property
    def binding(self) -> bytes | None:
        """What binds a login to this connection: `tls-exporter` (RFC 9266), where there is one."""
        return None if self._pipe is None else self._pipe.binding

    @property
    def certified(self) -> Certified | None:
        """Who the client is by its certificate, if it has one that is vouched for."""
        return None if self._pipe is None else self._pipe.client

    def _decrypt(self, pipe: TlsPipe, octets: bytes) -> bytes:
        """Give what octets of TLS say. A handshake that has ended in it begins the session anew."""
        before = pipe.established
        said = pipe.receive(octets)
        if pipe.problem:
            self._break_off(pipe, pipe.problem)
            return b""
        self._send_raw(pipe.outgoing())
        if pipe.established and not before:
            self.tls = pipe.name
            self.forget()
            self.core.tls_started()
            self._set_deadline()
            self.secured()
        self._eof |= pipe.ended
        return said

    def _encrypt(self, pipe: TlsPipe, octets: bytes) -> bytes:
        pipe.send(octets)
        if pipe.problem:  # TLS is over, or was never there: nobody could read it
            self._closing = True
            self.abort()
            return b""
        return pipe.outgoing()

    def _break_off(self, pipe: TlsPipe, problem: str) -> None:
        """Close a connection whose TLS makes no sense; say so to the journal if it never did."""
        site = self._site
        if not pipe.established:
            site.journal.write(notes.handshake_failed(site.clock(), self.id, self.ip, problem))
        self._closing = True
        self.core.close()
        self._send_raw(pipe.outgoing())  # the alert
        if self._transport is not None:
            self._transport.close()
