"""A client that means no good: it says octets when it likes, and can stop being TLS."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from types import TracebackType
from typing import Self

_PATIENCE = 20.0  # seconds for a reply that has to come
_QUIET = 0.3  # seconds after which nothing more is expected

HELLO = b"EHLO client.example.net\r\n"
TO_ADA = b"MAIL FROM:<g@example.net>\r\nRCPT TO:<ada@example.org>\r\n"


class Hostile:
    """One connection from `source`. What it heard is in `heard`; `ended` once the server closed."""

    def __init__(self, port: int, *, source: str = "127.0.0.1") -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), _PATIENCE, (source, 0))
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None
        self.heard = b""
        self.ended = False

    def send(self, *segments: bytes) -> None:
        """Send segments of their own, a moment apart."""
        for number, segment in enumerate(segments):
            if number:
                time.sleep(0.05)  # what comes in one segment or in two is the point here
            try:
                self._sock.sendall(self._sealed(segment))
            except OSError:
                self.ended = True

    def _sealed(self, octets: bytes) -> bytes:
        if self._tls is None:
            return octets
        self._tls.write(octets)
        return self._outgoing.read()

    def until(self, replies: int, patience: float = _PATIENCE) -> list[str]:
        """Hear so many replies, or the end; give their codes, and forget them."""
        end = time.monotonic() + patience
        while len(codes(self.heard)) < replies and not self.ended and time.monotonic() < end:
            self._hear(end - time.monotonic())
        return self.take()

    def rest(self, patience: float = _QUIET) -> list[str]:
        """Hear what comes until the server closes, or is quiet for so long; give the codes."""
        while not self.ended and self._hear(patience):
            pass
        return self.take()

    def take(self) -> list[str]:
        heard, self.heard = self.heard, b""
        return codes(heard)

    def _hear(self, patience: float) -> bool:
        if not select.select([self._sock], [], [], max(patience, 0))[0]:
            return False
        try:
            octets = self._sock.recv(65_536)
        except OSError:
            octets = b""
        self.ended = not octets
        if self._tls is not None:
            self._incoming.write(octets)
            octets = b""
            try:
                while piece := self._tls.read(65_536):
                    octets += piece
            except ssl.SSLError:
                pass
        self.heard += octets
        return True

    def begin_tls(self) -> None:
        """Shake hands, whoever has the certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        tls = context.wrap_bio(self._incoming, self._outgoing)
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                self._sock.sendall(self._outgoing.read())
                self._incoming.write(self._sock.recv(65_536))
            else:
                self._sock.sendall(self._outgoing.read())
                self._tls = tls
                return

    def end_tls_and_say(self, sealed: bytes, clear: bytes) -> None:
        """Send, in one segment, octets under TLS, the end of TLS, and octets in clear."""
        assert self._tls is not None
        self._tls.write(sealed)
        with contextlib.suppress(ssl.SSLWantReadError):  # the server's end has not come
            self._tls.unwrap()
        self._sock.sendall(self._outgoing.read() + clear)

    def say_no_more(self) -> None:
        """End our side alone."""
        self._sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Break the connection off, so that the server's kernel gets a RST."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self._sock.close()

    def close(self) -> None:
        self._sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def codes(octets: bytes) -> list[str]:
    """Give the codes of whole replies."""
    return [
        line[:3].decode("ascii", "replace")
        for line in octets.split(b"\r\n")[:-1]
        if line[3:4] == b" "
    ]
