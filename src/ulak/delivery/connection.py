"""One connection to another server: a thin shell of callbacks around `smtp.client`.

Nothing here is a task: the octets that come drive the core, and whoever uses the connection waits
for one future until a whole transaction is over.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ulak.delivery.reading import Reading, WrongSizeError
from ulak.delivery.trouble import fault, words
from ulak.smtp.client import ClientCore, Encoder, Mender, Stage, Step, Transaction, encode, mend

__all__ = ["Connection", "Key", "words"]

if TYPE_CHECKING:
    from ulak.delivery.transport.handshake import Handshake
    from ulak.delivery.transport.policy import Dane

_SHUTDOWN = 2.0  # seconds for TLS to say goodbye

Key = tuple[str, str, str, int, str]


class Connection(asyncio.Protocol):
    """One session on one socket.

    `key` is for whom it can be used again; `label` names the host for people. `deadline` is the
    loop time at which `expire` is to be called. `messages` counts transactions;
    there may be `most`.
    """

    __slots__ = (
        "_body", "_forget", "_handshake", "_loop", "_paused", "_reading", "_times",
        "_transaction", "_transport", "_waiter", "born", "core", "deadline", "domains", "fault",
        "full", "key", "label", "messages", "most", "notes", "policy", "timed_out", "tls",
        "unproven", "unreadable",
    )  # fmt: skip

    def __init__(
        self,
        core: ClientCore,
        key: Key,
        label: str,
        times: Mapping[Stage, float],
        forget: Callable[[Connection], None],
        most: int,
    ) -> None:
        self.core = core
        self.key = key
        self.label = label
        self.messages = 0
        self.most = most
        self.timed_out = 0.0  # after how many seconds of waiting, 0 where it was not
        self.tls = ""
        self.unproven = False  # whether the server's certificate was not taken
        self.fault = ""  # what RFC 8460 §4.3 calls that
        self.unreadable = ""  # why the message could not be read here
        self.notes: dict[str, str] = {}  # facts for every outcome of this connection
        self.policy: Mapping[str, str] = {}  # facts for those of the message on it
        self.domains: set[str] = set()  # of recipients, where the server counts them
        self.full = False  # whether it may have no more of them
        self._loop = asyncio.get_running_loop()
        self._times = times
        self._forget = forget
        self._transport: asyncio.Transport | None = None
        self._handshake: Handshake | None = None
        self._waiter: asyncio.Future[Step] | None = self._loop.create_future()
        self._paused = False
        self._body: bytes | Path = b""
        self._transaction: Transaction | None = None
        self._reading: Reading | None = None
        self.born = self._loop.time()
        self.deadline = 0.0
        self._wait_anew()

    # -- what the carrier calls ---------------------------------------------------------------

    async def opened(self) -> Step:
        """Wait for READY, TLS or OVER, after connecting or after the handshake."""
        return await self._step()

    async def start_tls(self, context: ssl.SSLContext, name: str) -> str:
        """Shake hands; give what went wrong, `""` for nothing. Then wait for `opened` again."""
        assert self._transport is not None  # noqa: S101 -- TLS comes after the greeting
        self._wait_anew()
        transport = self._transport
        try:
            secure = await self._loop.start_tls(
                transport,
                self,
                context,
                server_hostname=name or None,
                ssl_handshake_timeout=self._times[Stage.HANDSHAKE],
                ssl_shutdown_timeout=_SHUTDOWN,
            )
        except (OSError, ValueError) as error:  # ValueError: DNS gave a name that none can be
            self.unproven = isinstance(error, (ssl.SSLCertVerificationError, ValueError))
            self.fault = fault(error)
            self._end(words(error))
            return words(error)
        if secure is None:
            self._end("the connection was closed")
            return "the connection was closed during the handshake"
        self._transport = secure
        self.tls = secure.get_extra_info("ssl_object").version() or "TLS"
        self._secure()
        return ""

    async def start_dane(self, dane: Dane, names: Sequence[str]) -> str:
        """Do the same with a server whose certificate has to fit a record (RFC 7672 §3)."""
        from ulak.delivery.transport.handshake import Handshake  # noqa: PLC0415 -- OpenSSL is large

        assert self._transport is not None  # noqa: S101 -- as above
        self._wait_anew()
        shaking = self._handshake = Handshake(dane, names)
        self._waiter = self._loop.create_future()
        self._transport.write(shaking.outgoing())
        self._transport.resume_reading()
        step = await self._step()
        if step is Step.OVER:
            self.unproven, self.fault = bool(shaking.fault), shaking.fault
            closed = "timed out" if self.timed_out else "the connection was closed"
            return shaking.problem or f"{closed} during the handshake"
        self.tls = shaking.version
        if shaking.fit is not None:
            self.notes["tlsa-fit"] = str(shaking.fit)
        self._secure()
        return ""

    def _secure(self) -> None:
        self._waiter = self._loop.create_future()
        self.core.tls_started()
        self._flush()
        self._wait_anew()

    async def transact(self, transaction: Transaction, body: bytes | Path) -> Step:
        """Send one message; DONE or OVER. A file has to have the size of the transaction."""
        self._body, self._transaction = body, transaction
        self.messages += 1
        step = self.core.begin(transaction)
        if step is not Step.WAIT:
            self.abort()
            return step
        self._waiter = self._loop.create_future()
        self._flush()
        self._wait_anew()
        return await self._step()

    def keep(self) -> None:
        """Wait for the next message."""
        self.deadline = self._loop.time() + self._times[Stage.IDLE]

    @property
    def own(self) -> str:
        """The address of this side, `""` where it is not known."""
        name = self._transport.get_extra_info("sockname") if self._transport else None
        return str(name[0]) if isinstance(name, tuple) else ""

    @property
    def facts(self) -> dict[str, str]:
        """What is to be noted with every outcome."""
        return {**self.policy, **self.notes} if self.policy else self.notes

    @property
    def usable(self) -> bool:
        """Whether the connection is open, as far as is known, and a transaction may follow."""
        core = self.core
        return (
            core.stage is Stage.IDLE
            and core.usable
            and self._transport is not None
            and not self._transport.is_closing()
        )

    @property
    def spent(self) -> bool:
        """Whether the server has said beforehand that it takes no more in one session."""
        return self.full or 0 < self.core.offer.transactions <= self.messages

    def leave(self) -> None:
        """Say QUIT, and close when it was answered or its time is up."""
        if self._transport is None or self._transport.is_closing():
            self._gone()
            return
        self.core.quit()
        self._flush()
        if self.core.said_quit:
            self.deadline = self._loop.time() + self._times[Stage.QUIT]
        else:
            self._transport.close()

    def abort(self) -> None:
        """Close at once, without a word."""
        self._close_file()
        if self._transport is not None:
            self._transport.abort()

    def expire(self) -> None:
        """Act on the deadline: leave where nothing was asked, give up where no answer came."""
        if self.core.stage is Stage.IDLE and self._waiter is None:
            self.leave()
            return
        if self._waiter is not None:
            self.timed_out = self._times[self.core.stage]
        self._end("timed out")

    # -- the transport ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; the server speaks first."""
        self._transport = cast("asyncio.Transport", transport)
        secure = transport.get_extra_info("ssl_object")
        if secure is not None:  # from the first octet
            self.tls = secure.version() or "TLS"

    def data_received(self, data: bytes) -> None:
        """Let the core read, and do what it asks for."""
        if self._handshake is not None:
            data = self._unsealed(self._handshake, data)
            if not data:
                return
        core = self.core
        heard = core.heard
        step = core.feed(data)
        self._flush()
        if core.heard != heard:  # a drop of a reply at a time does not buy more time
            self._wait_anew()
        if step is Step.BODY:
            self._send_body()
        elif step is Step.CHUNK:
            self._pump()
        elif step is not Step.WAIT:
            self._finish(step)

    def eof_received(self) -> bool:
        """Close: a server that says no more will answer no more."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything."""
        self._end(words(exc) if exc is not None else "the connection was closed")

    def pause_writing(self) -> None:
        """Wait with more of the message until the server has taken some."""
        self._paused = True

    def resume_writing(self) -> None:
        """Go on with the message."""
        self._paused = False
        if self._reading is not None:
            self._pump()

    # -- inside -----------------------------------------------------------------------------

    def _wait_anew(self) -> None:
        self.deadline = self._loop.time() + self._times[self.core.stage]

    async def _step(self) -> Step:
        assert self._waiter is not None  # noqa: S101 -- made before the octets that answer it
        try:
            return await self._waiter
        finally:
            self._waiter = None

    def _flush(self) -> None:
        output = self.core.output()
        if output and self._transport is not None:
            self._write(output)

    def _write(self, octets: bytes) -> None:
        assert self._transport is not None  # noqa: S101 -- who has something to say has looked
        if self._handshake is not None:
            octets = self._handshake.send(octets)
        self._transport.write(octets)

    def _unsealed(self, shaking: Handshake, octets: bytes) -> bytes:
        """Give what octets of TLS say; nothing while hands are shaken, and where TLS is over."""
        before = shaking.established
        said = shaking.receive(octets)
        transport = self._transport
        if transport is not None and (answer := shaking.outgoing()):
            transport.write(answer)
        if shaking.problem or shaking.ended:
            self._end(shaking.problem or "the connection was closed")
            return b""
        waiter = self._waiter
        if shaking.established and not before and waiter is not None and not waiter.done():
            waiter.set_result(Step.TLS)
        if said and not self.core.secure:  # RFC 3207 §4.2: it is the client's turn to speak
            self._end("the server spoke before it was asked")
            return b""
        return said

    def _finish(self, step: Step) -> None:
        """Tell the carrier; a file half sent is not sent on."""
        transport = self._transport
        if step is Step.TLS and transport is not None:
            transport.pause_reading()
        elif self._reading is not None:
            self.abort()
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(step)
        elif transport is not None:
            transport.close()  # QUIT was answered, or an idle connection has ended

    def _end(self, problem: str) -> None:
        self._close_file()
        step = self.core.connection_lost(problem)
        self._gone()
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(step)

    def _gone(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        self._forget(self)

    # -- the message ------------------------------------------------------------------------

    def _send_body(self) -> None:
        body, transaction = self._body, self._transaction
        self._body = b""
        assert self._transport is not None  # noqa: S101 -- it has just been read from
        assert transaction is not None  # noqa: S101 -- the core asks in a transaction only
        binary = transaction.body == "BINARYMIME"
        if isinstance(body, bytes):
            if transaction.chunking:
                body = body if binary else mend(body)
                self.core.chunk(len(body), last=True)
                self._flush()
            else:
                body = encode(body)
            self._write(body)
            self._body_sent()
            return
        coder = Encoder() if not transaction.chunking else None if binary else Mender()
        try:
            self._reading = Reading(body, transaction.size, coder)
        except OSError as error:
            self._give_up_reading(words(error))
            return
        self._pump()

    def _pump(self) -> None:
        """Send pieces until the socket is full, or the server has to answer first."""
        core, transport, transaction = self.core, self._transport, self._transaction
        assert transport is not None  # noqa: S101 -- as above
        assert transaction is not None  # noqa: S101 -- as above
        # Into a connection that is closing octets go without end, and never come up to the end.
        while self._reading is not None and not self._paused and not transport.is_closing():
            if not core.takes_more:
                break
            try:
                octets, last = self._reading.next()
            except (OSError, WrongSizeError) as error:
                self._give_up_reading(words(error))
                return
            if transaction.chunking:
                core.chunk(len(octets), last=last)
                self._flush()
            self._write(octets)
            if last:
                self._close_file()
                self._body_sent()
                return
        self._wait_anew()

    def _body_sent(self) -> None:
        self.core.body_sent()
        self._wait_anew()

    def _give_up_reading(self, problem: str) -> None:
        self.unreadable = problem
        self._end(problem)

    def _close_file(self) -> None:
        if self._reading is not None:
            self._reading.close()
            self._reading = None
