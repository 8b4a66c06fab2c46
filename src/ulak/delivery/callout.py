"""A roster that is another server: it is asked by RCPT, over SMTP or LMTP, and never sent mail.

One connection is kept and asked one question after another: MAIL FROM:<>, RCPT, RSET. A 2yz says
that there is the address. That there is none it says by 5.1.x or 5.2.1, or by 550, 551 and 553
without an enhanced code (RFC 3463 §3.2); any other answer is trouble, for a policy or a mistake of
that server's must not refuse good mail.

TLS is what the configuration wants of it: used where it is offered, or proven, or from the first
octet on (RFC 3207, RFC 8314 for SMTP; RFC 2033 has the same commands for LMTP).

Some servers say yes to every address and send back later what they do not want. Once an hour one is
asked about a name that nobody can have, and the log hears when it says yes to that.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from ulak.delivery.demands import Demands
from ulak.delivery.trouble import words
from ulak.rosters.roster import UNSURE, Answer, Known, RosterError, Unsure
from ulak.smtp.client.reply import Babble, PeerReply, ReplyReader

_PIECE = 65_536
_TRY = 3600.0  # seconds between two questions about nobody
_PLAIN = 900.0  # seconds for which a server whose TLS failed is asked in the clear
_UNKNOWN = frozenset({550, 551, 553})
_CLOSING = 421


@dataclass(frozen=True, slots=True)
class Asked:
    """Which server is asked, and how. `path` is a unix socket; `domain` is whose addresses.

    `demands` are those on its TLS: none at all without a context.
    """

    domain: str
    host: str
    port: int
    path: str = ""
    lmtp: bool = False
    demands: Demands = field(default_factory=Demands)

    def __str__(self) -> str:
        return self.path or (f"[{self.host}]" if ":" in self.host else self.host) + f":{self.port}"


class _GoneError(Exception):
    """A connection that was kept has ended meanwhile."""


class _NoTlsError(Exception):
    """A handshake has failed; the text says why."""


class Callout:
    """Asks one server. `hostname` is our name; `nobody` draws a name that nobody has.

    `clock` counts seconds; `told` hears whether the server says yes to everybody, and each change.
    """

    def __init__(
        self,
        asked: Asked,
        hostname: str,
        nobody: Callable[[], str],
        clock: Callable[[], float],
        told: Callable[[bool], None] = lambda _yes: None,
    ) -> None:
        self._asked = asked
        self._hostname = hostname
        self._nobody = nobody
        self._clock = clock
        self._told = told
        self._turn = asyncio.Lock()
        self._talk: _Talk | None = None
        self._tried = -_TRY
        self._says_yes = False
        self._plain_until = -_PLAIN

    def glance(self, address: str) -> Answer | Unsure:
        """Know nothing without asking."""
        del address
        return UNSURE

    async def ask(self, address: str) -> Answer:
        """Ask about an address. Raises RosterError and OSError."""
        async with self._turn:
            try:
                answer = await self._answer(address)
                if self._clock() - self._tried >= _TRY:
                    await self._try()
            except BaseException:
                self._drop()
                raise
        return answer

    async def _answer(self, address: str) -> Answer:
        if self._talk is not None:
            try:
                return await self._talk.ask(address)
            except (_GoneError, OSError):
                self._drop()
        self._talk = await self._begin()
        try:
            return await self._talk.ask(address)
        except _GoneError:
            message = f"{self._asked} closed the connection"
            raise RosterError(message) from None

    async def _begin(self) -> _Talk:
        asked, plain = self._asked, self._plain_until > self._clock()
        try:
            return await _Talk.begin(asked, self._hostname, plain=plain)
        except _NoTlsError as error:
            if asked.demands.required:
                message = f"{asked}: {error}"
                raise RosterError(message) from None
        self._plain_until = self._clock() + _PLAIN
        return await _Talk.begin(asked, self._hostname, plain=True)

    async def _try(self) -> None:
        """Ask about nobody. What goes wrong with it takes no answer away."""
        self._tried = self._clock()
        try:
            yes = await self._answer(f"{self._nobody()}@{self._asked.domain}") is not None
        except (RosterError, OSError):
            self._drop()
            return
        if yes is not self._says_yes:
            self._says_yes = yes
            self._told(yes)

    def _drop(self) -> None:
        if self._talk is not None:
            self._talk.abort()
            self._talk = None

    async def close(self) -> None:
        """Say goodbye."""
        if self._talk is not None:
            await self._talk.leave()
            self._talk = None


class _Talk:
    """One session."""

    def __init__(
        self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._asked = asked
        self._reader = reader
        self._writer = writer
        self._replies = ReplyReader()
        self._utf8 = False

    @classmethod
    async def begin(cls, asked: Asked, hostname: str, *, plain: bool) -> _Talk:
        """Connect and greet, by TLS where it is to be. Raises RosterError, OSError, _NoTlsError."""
        tls = None if plain or asked.path else asked.demands.tls
        if asked.path:
            streams = await asyncio.open_unix_connection(asked.path)
        elif tls is not None and asked.demands.implicit:
            streams = await asyncio.open_connection(
                asked.host, asked.port, ssl=tls, server_hostname=asked.host
            )
        else:
            streams = await asyncio.open_connection(asked.host, asked.port)
        talk = cls(asked, *streams)
        try:
            talk._must(await talk._reply(), "its greeting")
            offered = await talk._greet(hostname, None if asked.demands.implicit else tls)
            talk._utf8 = "SMTPUTF8" in offered
        except _GoneError:
            talk.abort()
            message = f"{asked} closed the connection"
            raise RosterError(message) from None
        except BaseException:
            talk.abort()
            raise
        return talk

    async def _greet(self, hostname: str, tls: ssl.SSLContext | None) -> frozenset[str]:
        """Greet, and anew under TLS where there is to be some (RFC 3207 §4.2)."""
        offered = await self._hello(hostname)
        if tls is None:
            return offered
        if "STARTTLS" in offered and await self._encrypt(tls):
            return await self._hello(hostname)
        if self._asked.demands.required:
            message = f"{self._asked} offers no TLS"
            raise RosterError(message)
        return offered

    async def _hello(self, hostname: str) -> frozenset[str]:
        """Greet; give the keywords of what is offered."""
        lmtp = self._asked.lmtp
        hello = await self._say(f"{'LHLO' if lmtp else 'EHLO'} {hostname}")
        if not hello.positive and not lmtp:
            hello = await self._say(f"HELO {hostname}")
        self._must(hello, "our greeting")
        return frozenset(line.upper().split(" ")[0] for line in hello.lines)

    async def _encrypt(self, context: ssl.SSLContext) -> bool:
        """Begin TLS; False where the server does not want to, after all. Raises _NoTlsError."""
        if not (await self._say("STARTTLS")).positive:
            return False
        try:
            await self._writer.start_tls(context, server_hostname=self._asked.host)
        except (OSError, ValueError) as error:  # ValueError: a name that none can be
            raise _NoTlsError(words(error)) from None
        # What came in the clear behind the reply must not be taken for an answer under TLS.
        early = asyncio.ensure_future(self._reader.read(1))
        await asyncio.sleep(0)
        if early.done() or self._replies.pending:
            message = f"{self._asked} speaks out of turn"
            raise RosterError(message)
        early.cancel()
        await asyncio.wait([early])
        return True

    async def ask(self, address: str) -> Answer:
        """Ask about an address, and have it forgotten. Raises _GoneError before it is answered."""
        utf8 = "" if address.isascii() else " SMTPUTF8"
        if utf8 and not self._utf8:
            message = f"{self._asked} does not offer SMTPUTF8, which the address needs"
            raise RosterError(message)
        self._must(await self._say(f"MAIL FROM:<>{utf8}"), "MAIL FROM:<>")
        reply = await self._say(f"RCPT TO:<{address}>")
        if reply.code == _CLOSING:
            message = f"{self._asked} said {reply}"
            raise RosterError(message)
        self._must(await self._say("RSET"), "RSET")
        if reply.positive:
            return Known()
        if _is_unknown(reply):
            return None
        message = f"{self._asked} said {reply}"
        raise RosterError(message)

    def _must(self, reply: PeerReply, what: str) -> None:
        if not reply.positive:
            message = f"{self._asked} said {reply} to {what}"
            raise RosterError(message)

    async def _say(self, line: str) -> PeerReply:
        if self._replies.pending:
            message = f"{self._asked} speaks out of turn"
            raise RosterError(message)
        self._writer.write(f"{line}\r\n".encode())
        return await self._reply()

    async def _reply(self) -> PeerReply:
        while True:
            reply = self._replies.next()
            if isinstance(reply, Babble):
                message = f"{self._asked}: {reply.problem}"
                raise RosterError(message)
            if reply is not None:
                return reply
            octets = await self._reader.read(_PIECE)
            if not octets:
                raise _GoneError
            self._replies.feed(octets)

    async def leave(self) -> None:
        """Say QUIT, and do not wait for more than the octets to go."""
        try:
            self._writer.write(b"QUIT\r\n")
            self._writer.close()
            await self._writer.wait_closed()
        except OSError:
            pass

    def abort(self) -> None:
        """Close at once."""
        self._writer.transport.abort()


def _is_unknown(reply: PeerReply) -> bool:
    """Whether a refusal says that there is no such address, and not something else."""
    if reply.enhanced is not None:
        return reply.enhanced.startswith("5.1.") or reply.enhanced == "5.2.1"
    return reply.code in _UNKNOWN
