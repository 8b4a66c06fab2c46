"""TLS over the octets of a connection (RFC 3207, RFC 8314), without a socket.

A connection under TLS stays the same connection: it is counted, its time is measured and it is
closed in the same way, whichever event loop is under it, and nothing that came in clear can get
into it: the octets of TLS have their own way in from the first one on.
"""

from __future__ import annotations

import ssl
from contextlib import suppress

_READ = 65_536


class TlsPipe:
    """The server's side of one TLS connection.

    `established` after the handshake; `ended` when the client has said that it sends no more.
    """

    __slots__ = ("_incoming", "_object", "_outgoing", "ended", "established")

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.established = False
        self.ended = False

    @property
    def name(self) -> str:
        """Protocol and cipher: `TLSv1.3 with TLS_AES_256_GCM_SHA384`."""
        cipher = self._object.cipher()
        return f"{self._object.version()} with {cipher[0] if cipher else '?'}"

    def receive(self, octets: bytes) -> bytes:
        """Take octets from the client and give what they say. Raises ssl.SSLError.

        After each call, what `outgoing` gives has to be sent. What comes behind the client's end
        (it could be in clear) says nothing.
        """
        self._incoming.write(octets)
        said = []
        try:
            if not self.established:
                self._object.do_handshake()
                self.established = True
            while piece := self._object.read(_READ):
                said.append(piece)
        except ssl.SSLWantReadError:
            return b"".join(said)
        self.ended = True
        return b"".join(said)

    def send(self, octets: bytes) -> None:
        """Take octets for the client. Raises ssl.SSLError."""
        view = memoryview(octets)
        while view:
            view = view[self._object.write(view) :]

    def end(self) -> None:
        """Say that no more is sent, so that nobody can have cut something off."""
        with suppress(ssl.SSLError):  # the client's own end has not come yet; ours is made
            self._object.unwrap()

    def outgoing(self) -> bytes:
        """Give the octets to be sent now."""
        return self._outgoing.read()
