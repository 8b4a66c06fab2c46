"""TLS of a listener: from certificates to a context, and new certificates for one in use.

What is offered is in docs/tls.md, which a test holds against real clients. A context of OpenSSL
must not change once it has been used, so a renewed one is a new one: connections keep theirs, and
tickets that the old one gave are worth nothing to the new one (RFC 9325 §3.4 wants their keys
changed now and then anyway).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL

from ulak.server.pipe import OtherProtocolError, TlsPipe, reason
from ulak.server.wire import CertificateError

# RFC 9325 §4.2 for TLS 1.2: forward secrecy and authenticated encryption, and nothing else.
_SUITES = b"ECDHE+AESGCM:ECDHE+CHACHA20"
_SUITES_13 = b"TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"
_ALPN = b"smtp"
_DOUBTS = {
    code: name.removeprefix("ERR_").replace("_", " ").lower()
    for name, code in vars(SSL.X509VerificationCodes).items()
    if name.startswith("ERR_")
}


@dataclass(slots=True)
class TlsContext:
    """TLS of one listener. `clients`: the authorities whose client certificates are believed.

    `inner` is what OpenSSL makes of the files, and is for new connections only. `ends` is until
    when the certificate is valid, in seconds since the epoch.
    """

    certificate: Path
    key: Path
    clients: Path | None
    inner: SSL.Context
    ends: float

    def renew(self) -> None:
        """Let new connections have what the files hold now, as `renew` does."""
        renew(self, self.certificate, self.key, self.clients)

    def pipe(self) -> TlsPipe:
        """Begin the server's side of a connection."""
        return TlsPipe(self.inner)


def context(certificate: Path, key: Path, clients: Path | None = None) -> TlsContext:
    """Make the context of a listener. Raises CertificateError."""
    inner, ends = _made(certificate, key, clients)
    return TlsContext(certificate, key, clients, inner, ends)


def renew(live: TlsContext, certificate: Path, key: Path, clients: Path | None = None) -> None:
    """Let new connections have what the files hold now.

    Raises CertificateError, and then everything stays as it was.
    """
    live.inner, live.ends = _made(certificate, key, clients)
    live.certificate, live.key, live.clients = certificate, key, clients


def _made(certificate: Path, key: Path, clients: Path | None) -> tuple[SSL.Context, float]:
    made = SSL.Context(SSL.TLS_SERVER_METHOD)
    made.set_min_proto_version(SSL.TLS1_2_VERSION)  # RFC 8996, RFC 9325 §3.1.1
    made.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)  # RFC 9325 §3.3, §3.5
    made.set_mode(SSL.MODE_RELEASE_BUFFERS)  # an idle connection holds none
    made.set_cipher_list(_SUITES)
    made.set_tls13_ciphersuites(_SUITES_13)
    # Sessions are in the tickets that clients keep, and never here.
    made.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    made.set_session_id(b"ulak")
    made.set_alpn_select_callback(_protocol)
    leaf = _load(made, certificate, key)
    if clients is not None:
        _ask(made, clients)
    return made, leaf.not_valid_after_utc.timestamp()


def _protocol(_connection: SSL.Connection, offered: list[bytes]) -> bytes:
    """Choose among the protocols that a client says it came for (RFC 7301 §3.2).

    A browser that was lured here says so, and gets no connection of which it could think that
    it is one to a web server. Who says nothing is welcome: hardly any mail client does.
    """
    if _ALPN in offered:
        return _ALPN
    names = ", ".join(name.decode("ascii", "replace") for name in offered)
    message = f"the client wants to speak {names}"
    raise OtherProtocolError(message)


def _load(made: SSL.Context, certificate: Path, key: Path) -> x509.Certificate:
    chain, private = _certificates(certificate), _octets(key)
    try:
        loaded = load_pem_private_key(private, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        why = "it has a password" if isinstance(error, TypeError) else "there is no key in it"
        raise _useless(key, why) from error
    try:
        made.use_certificate(chain[0])
        for above in chain[1:]:
            made.add_extra_chain_cert(above)
        made.use_privatekey(loaded)  # type: ignore[arg-type]  # of a kind for TLS, or SSL.Error
        made.check_privatekey()
    except (SSL.Error, TypeError) as error:
        why = reason(error) if isinstance(error, SSL.Error) else "such a key is not for TLS"
        raise _useless(certificate, why, key) from error
    return chain[0]


def _ask(made: SSL.Context, clients: Path) -> None:
    """Let clients show a certificate; who has none, or one that is not believed, goes on without.

    Whether a certificate is believed is found out in its handshake, so there has to be one: a
    resumed session would bring the certificate back and not the doubts about it.
    """
    authorities = _certificates(clients)
    try:
        made.load_verify_locations(str(clients))
    except SSL.Error as error:
        raise _useless(clients, reason(error)) from error
    for authority in authorities:
        made.add_client_ca(authority)
    made.set_options(SSL.OP_NO_TICKET)
    made.set_verify(SSL.VERIFY_PEER, _believe)


def _believe(
    connection: SSL.Connection, _certificate: object, error: int, _depth: int, good: int
) -> bool:
    if not good:
        connection.get_app_data().append(_DOUBTS.get(error, f"error {error}"))
    return True


def _certificates(file: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_octets(file))
    except ValueError as error:
        raise _useless(file, "there is no certificate in it") from error


def _octets(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}."
        raise CertificateError(message) from error


def _useless(file: Path, why: str, other: Path | None = None) -> CertificateError:
    what = file if other is None else f"{file} and {other}"
    return CertificateError(f"{what} cannot be used for TLS: {why}.")
