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
from ulak.server.proxy import Fault, Header, HeaderReader
from ulak.server.site import Site
from ulak.server.wire import Wire
from ulak.smtp import events
from ulak.smtp.offers import Offers
from ulak.smtp.sasl.table import Channel
from ulak.smtp.server import ServerCore
from ulak.smtp.states import State

if TYPE_CHECKING:  # as in `wire`
    from ulak.server.pipe import TlsPipe
    from ulak.server.tls import TlsContext

_HIGH_WATER = 262_144  # octets fed and not looked at: stop reading until they are
_BATCH = 64  # replies that are sent together at most
_OWN_TIME = (State.REFUSED, State.HANDSHAKE)  # whose deadline is set once
# After an error of ours in the first there is nothing to answer; in the others, no transaction.
_UNANSWERED = events.Bdat | events.Chunk | events.StartTls
_OF_A_MESSAGE = events.Bdat | events.Chunk | events.EndOfChunk | events.EndOfData
_DEAF = 262_144  # octets after our last reply: who still sends that much does not read it


class Connection(Wire):
    """One connection. `deadline` is the loop time at which the listener's sweep closes it.

    While it waits for something of ours (`_busy`) or for the client to read (`_choked`), no
    event is looked at.
    """

    __slots__ = (
        "_busy",
        "_choked",
        "_deaf",
        "_eof",
        "_header",
        "_lingers",
        "_loop",
        "_sealed",
        "_site",
        "_started",
        "connections",
        "core",
        "deadline",
        "id",
        "ip",
        "since",
    )

    def __init__(
        self,
        site: Site,
        connections: set[Connection],
        tls: TlsContext | None,
        offers: Offers,
    ) -> None:
        super().__init__(tls)
        rules = site.rules
        self._site = site
        self._loop = asyncio.get_running_loop()
        self.connections = connections
        self.core = ServerCore(rules.hostname, rules.limits, offers)
        self.id = site.new_id()
        self.ip = ""  # and so it stays where the client comes over a unix socket
        self.since = 0.0  # by the clock, as the loop's time is as old as its round
        self.deadline = self._loop.time() + rules.command_timeout
        self._header: HeaderReader | None = None  # while a proxy has to tell of the client
        self._sealed = b""  # octets of a handshake that wait for their turn
        self._started = 0.0  # when the message under way began
        self._deaf = 0
        self._busy = self._choked = self._eof = False
        self._lingers = True

    # -- what a session does ----------------------------------------------------------------

    def arrive(self, transport: asyncio.Transport) -> None:
        """Meet the client."""
        raise NotImplementedError

    def introduced(self, told: Header | Fault) -> None:
        """Meet the client of which a proxy has told."""
        raise NotImplementedError

    def secured(self) -> None:
        """Go on: TLS has just come about."""
        raise NotImplementedError

    def unsecured(self, problem: str, *, clear: bool) -> None:
        """Tell of a handshake that came to nothing. `clear`: no octet of it was TLS."""
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
            self.since = self._site.clock()
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
        pipe = self._pipe
        if self._header is not None:
            self._introduce(self._header, data)
        elif pipe is None:
            self._take(data)
        elif pipe.established:
            self._open(pipe, data)
        else:
            begins = not self._sealed
            self._sealed += data
            if len(self._sealed) > _HIGH_WATER:
                self._pause()
            if begins:
                self._site.handshakes.take(self._shake)

    def _introduce(self, reader: HeaderReader, data: bytes) -> None:
        """Take octets of a PROXY header; what comes behind it is the client's."""
        told = reader.feed(data)
        if told is None:
            return
        self._header = None
        try:
            self.introduced(told)
        except Exception as error:  # noqa: BLE001 -- as in connection_made
            self._fail(error, None)
            self._flush()
        transport = self._transport
        if reader.rest and transport is not None and not transport.is_closing():
            self.data_received(reader.rest)

    def _take(self, data: bytes) -> None:
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

    # -- time -------------------------------------------------------------------------------

    def expire(self) -> None:
        """Say that the time is up, and close."""
        transport = self._transport
        if transport is None:
            return
        if self._header is not None:
            self._header = None
            self.introduced(Fault.LATE)
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
            State.CHUNKS: rules.data_timeout,
            State.REFUSED: rules.refused_timeout,
        }.get(self.core.state, rules.command_timeout)
        self.core.announce(
            catalog.TIMED_OUT.reply(hostname=rules.hostname, seconds=round(patience))
        )
        self._flush()

    def drain(self) -> None:
        """Say 421 and close, unless a message is under way: that one may end first."""
        shaking = self._pipe is not None and not self._pipe.established
        if shaking or self._header is not None:
            self.abort()
        elif not self.core.receiving and not self._busy and not self.core.closed:
            hostname = self._site.rules.hostname
            self.core.announce(catalog.SHUTTING_DOWN.reply(hostname=hostname))
            self._flush()

    def _set_deadline(self) -> None:
        rules, now = self._site.rules, self._loop.time()
        if not self.core.receiving:
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
            self._send(output)
        if self.core.closed and not self._closing:
            self._close()

    def _close(self) -> None:
        """Close so that the client can read the last reply."""
        if self._part(linger=self._lingers and not self._eof):
            self.deadline = self._loop.time() + self._site.rules.closing_timeout

    def _fail(self, error: Exception, event: events.Event | None) -> None:
        """Turn an error of ours into 451 for the command that met it, or into 421."""
        core = self.core
        try:
            incident = self._site.incident(error, session=self.id)
            if event is None or isinstance(event, _UNANSWERED):
                hostname = self._site.rules.hostname
                core.announce(catalog.SESSION_FAILED.reply(hostname=hostname, id=incident))
            elif not core.closed:
                core.answer(event, catalog.INTERNAL_ERROR.reply(id=incident))
                core.blame()
            if event is None or isinstance(event, _OF_A_MESSAGE):
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
        """Take every octet from here on as one of TLS, and not for ever."""
        super().start_tls()
        self.deadline = self._loop.time() + self._site.rules.handshake_timeout

    def _shake(self) -> None:
        """Go on with the handshake: its turn has come."""
        octets, self._sealed = self._sealed, b""
        if self._pipe is not None and self._transport is not None and not self._closing:
            self._resume()
            self._open(self._pipe, octets)

    def _open(self, pipe: TlsPipe, octets: bytes) -> None:
        """Take what octets of TLS say. A handshake that ends in it begins the session anew."""
        before, said = pipe.established, b""
        try:
            said = pipe.receive(octets)
            if pipe.problem:
                self._break_off(pipe, pipe.problem)
                return
            self._send_raw(pipe.outgoing())
            if pipe.established and not before:
                self._secure(pipe)
        except Exception as error:  # noqa: BLE001 -- as in connection_made
            self._fail(error, None)
        self._eof |= pipe.ended
        if said or self._eof or self.core.closed:
            self._take(said)

    def _secure(self, pipe: TlsPipe) -> None:
        self.tls = pipe.name
        self.forget()
        core = self.core
        logins = bool(core.standing.offers.ways.allowed)  # who else asks for it
        binding = logins and pipe.binding is not None
        certificate = logins and pipe.client is not None
        core.tls_started(Channel(secure=True, certificate=certificate, binding=binding))
        self._set_deadline()
        self.secured()

    def _break_off(self, pipe: TlsPipe, problem: str) -> None:
        """Close a connection whose TLS makes no sense; say so to the journal if it never did."""
        self.core.close()
        self._send_raw(pipe.outgoing())  # the alert
        if not pipe.established:
            self.unsecured(problem, clear=pipe.clear)
        self._close()
