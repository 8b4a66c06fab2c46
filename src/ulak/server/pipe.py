"""TLS over the octets of a connection (RFC 3207, RFC 8314), without a socket.

A connection under TLS stays the same connection: it is counted, its time is measured and it is
closed in the same way, whichever event loop is under it, and nothing that came in clear can get
into it: the octets of TLS have their own way in from the first one on.
"""

from __future__ import annotations

from contextlib import suppress

from cryptography.hazmat.primitives import hashes
from OpenSSL import SSL

from ulak.server.certified import Certified, certified

_RECORD = 16_384  # octets of one record at most (RFC 8446 §5.1)
_WIRE = 65_536
# How a client's first octet can look: a handshake (RFC 8446 §5.1), an alert, or what SSL 2 began
# with, which OpenSSL knows how to refuse. Nothing that is ASCII.
_FIRST = frozenset({21, 22, *range(128, 256)})
_LABEL, _BINDING = b"EXPORTER-Channel-Binding", 32  # RFC 9266 §4


class OtherProtocolError(Exception):
    """The client came to speak another protocol; it hears the alert no_application_protocol."""


class TlsPipe:
    """The server's side of one TLS connection.

    `clear` as long as nothing of TLS has come; `established` after the handshake; `ended` when
    the client has said that it sends no more; `problem` when what it said was no TLS, or none
    that we speak: nothing more comes of it.
    """

    __slots__ = ("_connection", "_doubts", "clear", "ended", "established", "problem")

    def __init__(self, context: SSL.Context) -> None:
        self._doubts: list[str] = []  # the context notes here what is wrong with a certificate
        self._connection = SSL.Connection(context, None)
        self._connection.set_app_data(self._doubts)
        self._connection.set_accept_state()
        self.clear = True
        self.established = False
        self.ended = False
        self.problem = ""

    @property
    def name(self) -> str:
        """Protocol and cipher: `TLSv1.3 with TLS_AES_256_GCM_SHA384`."""
        connection = self._connection
        return f"{connection.get_protocol_version_name()} with {connection.get_cipher_name()}"

    @property
    def binding(self) -> bytes | None:
        """What binds a login to this connection: `tls-exporter` (RFC 9266 §4), 32 octets.

        None under TLS 1.2, where it holds only with the extended master secret (RFC 9266 §4.2),
        of which the library does not tell.
        """
        if self._connection.get_protocol_version() < SSL.TLS1_3_VERSION:
            return None
        return self._connection.export_keying_material(_LABEL, _BINDING, b"")

    @property
    def bindings(self) -> dict[str, bytes]:
        """What a login can be bound to, by name: `tls-exporter`, and `tls-server-end-point`.

        The latter, a hash of our certificate (RFC 5929 §4.1), is there for clients that cannot
        export; where there is no exporter, there is none of them: a client of TLS 1.2 that saw
        logins with binding would bind by `tls-unique`.
        """
        exported = self.binding
        if exported is None:
            return {}
        found = {"tls-exporter": exported}
        own = self._connection.get_certificate(as_cryptography=True)
        chosen = None if own is None else own.signature_hash_algorithm
        if own is not None and chosen is not None:  # who signs without a hash has none
            weak = isinstance(chosen, hashes.MD5 | hashes.SHA1)
            found["tls-server-end-point"] = own.fingerprint(hashes.SHA256() if weak else chosen)
        return found

    @property
    def client(self) -> Certified | None:
        """What the client's certificate says of it, if one of our authorities vouches for it."""
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        return None if certificate is None or self._doubts else certified(certificate)

    @property
    def doubt(self) -> str:
        """Why the client's certificate is not believed, `""` without one or if it is."""
        return self._doubts[0] if self._doubts else ""

    def receive(self, octets: bytes) -> bytes:
        """Take octets from the client and give what they say.

        After each call, what `outgoing` gives has to be sent. What comes behind the client's end
        (it could be in clear) says nothing.
        """
        if self.ended or self.problem:
            return b""
        if self.clear:
            self.clear = octets[0] not in _FIRST
            if self.clear:
                self.problem = "what came was in clear"
                return b""
        connection = self._connection
        said = []
        try:
            connection.bio_write(octets)
            if not self.established:
                connection.do_handshake()
                self.established = True
            while True:
                said.append(connection.recv(_RECORD))
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.ended = True
        except OtherProtocolError as error:
            self.problem = str(error)
        except SSL.Error as error:
            self.problem = reason(error)
        return said[0] if len(said) == 1 else b"".join(said)

    def send(self, octets: bytes) -> None:
        """Take octets for the client. Where TLS is over, or was never there: `problem`."""
        view = memoryview(octets)
        try:
            while view:
                view = view[self._connection.send(view) :]
        except SSL.Error as error:
            self.problem = self.problem or reason(error)

    def end(self) -> None:
        """Say that no more is sent, so that nobody can have cut something off."""
        with suppress(SSL.Error):
            self._connection.shutdown()

    def outgoing(self) -> bytes:
        """Give the octets to be sent now."""
        pieces = []
        with suppress(SSL.WantReadError):  # there are no more
            while len(piece := self._connection.bio_read(_WIRE)) == _WIRE:
                pieces.append(piece)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def reason(error: SSL.Error) -> str:
    """Give the words of OpenSSL for what went wrong: the last of them says the most."""
    what = error.args[0] if error.args else ()
    if isinstance(what, list) and what:
        return str(what[-1][2]) or "unknown"
    return str(error.args[-1]) if error.args else "unknown"
