"""TLS of the web: a context that new connections enter, and that takes over new certificates."""

from __future__ import annotations

import ssl
from pathlib import Path

from ulak.server.wire import CertificateError

# RFC 9325 §4.2 for TLS 1.2, as where mail is taken.
_SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20"


class WebCertificate:
    """A certificate in use. `ends` is until when it is valid, in seconds since the epoch.

    A context of OpenSSL must not change once it has been used: every handshake begins in
    `context` and goes on in one that was made of what the files held last. Raises
    CertificateError.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self.certificate = certificate
        self.key = key
        self.clients: Path | None = None
        self._inner, self.ends = _made(certificate, key)
        self.context, _ = _made(certificate, key)
        self.context.sni_callback = self._enter

    def renew(self) -> None:
        """Let new connections have what the files hold now.

        Raises CertificateError, and then everything stays as it was.
        """
        self._inner, self.ends = _made(self.certificate, self.key)

    def _enter(self, connection: ssl.SSLObject, _name: str | None, _outer: ssl.SSLContext) -> None:
        connection.context = self._inner


def _made(certificate: Path, key: Path) -> tuple[ssl.SSLContext, float]:
    from cryptography import x509  # noqa: PLC0415 -- large, and without TLS nobody needs it

    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8996
    made.set_ciphers(_SUITES)
    made.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    made.num_tickets = 0  # their keys would have to be changed now and then (RFC 9325 §3.4)
    made.set_alpn_protocols(["http/1.1"])
    try:
        # An empty password: a key that wants one must not wait for somebody at a terminal.
        made.load_cert_chain(certificate, key, password="")
        leaf = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    except ssl.SSLError as error:
        why = str(error.reason or "they do not fit").replace("_", " ").lower()
        message = f"{certificate} and {key} cannot be used for TLS: {why}."
        raise CertificateError(message) from error
    except OSError as error:
        message = f"{certificate} or {key} cannot be read: {error.strerror}."
        raise CertificateError(message) from error
    return made, leaf.not_valid_after_utc.timestamp()
