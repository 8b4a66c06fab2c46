"""The octets of one connection: in clear, or under TLS from some moment on (RFC 3207, RFC 8314)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # OpenSSL is large, and where no TLS is offered nobody needs it
    from ulak.server.certified import Certified
    from ulak.server.pipe import TlsPipe
    from ulak.server.tls import TlsContext


class CertificateError(Exception):
    """A certificate or its key cannot be used; the text says which and why."""


class Wire(asyncio.Protocol):
    """What a connection sends, and how it ends."""

    __slots__ = ("_closing", "_paused", "_pipe", "_tls", "_transport", "tls")

    def __init__(self, tls: TlsContext | None) -> None:
        self._tls = tls
        self._transport: asyncio.Transport | None = None
        self._pipe: TlsPipe | None = None
        self._paused = self._closing = False
        self.tls = ""  # protocol and cipher

    @property
    def bindings(self) -> dict[str, bytes]:
        """What binds a login to this connection, by the names of bindings (RFC 9266, RFC 5929)."""
        return {} if self._pipe is None else self._pipe.bindings

    @property
    def certified(self) -> Certified | None:
        """Who the client is by its certificate, if it has one that is vouched for."""
        return None if self._pipe is None else self._pipe.client

    @property
    def doubt(self) -> str:
        """Why the certificate that the client has shown is not believed, `""` where it is."""
        return "" if self._pipe is None else self._pipe.doubt

    def start_tls(self) -> None:
        """Take every octet from here on as one of TLS (RFC 3207 §4.2).

        What was fed before was forgotten by the core with its 220.
        """
        assert self._tls is not None  # noqa: S101 -- the core offers STARTTLS only with a certificate
        self._pipe = self._tls.pipe()

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

    def _send(self, octets: bytes) -> None:
        """Send octets, under TLS where it has begun."""
        if self._pipe is not None:
            self._pipe.send(octets)
            if self._pipe.problem:  # TLS is over, or was never there: nobody could read it
                self._closing = True
                self.abort()
                return
            octets = self._pipe.outgoing()
        self._send_raw(octets)

    def _send_raw(self, octets: bytes) -> None:
        transport = self._transport
        if octets and transport is not None and not transport.is_closing():
            transport.write(octets)

    def _part(self, *, linger: bool) -> bool:
        """Send no more. `linger`: let the client end first, if it still can; say whether it can.

        Octets of the client that nobody has read make the kernel reset the connection, and then
        the last reply may never be read: end our side, and wait for the client to end its own.
        """
        self._closing = True
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        if self._pipe is not None and self._pipe.established:
            self._pipe.end()
            transport.write(self._pipe.outgoing())
        if linger and transport.can_write_eof():
            transport.write_eof()
            self._resume()
            return True
        transport.close()
        return False

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()
