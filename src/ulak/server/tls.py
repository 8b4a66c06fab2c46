"""TLS of a listener: from a certificate to a context, and a new certificate for an old context."""

from __future__ import annotations

import ssl
from pathlib import Path


class CertificateError(Exception):
    """A certificate or its key cannot be used; the text says which and why."""


def context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Make the context of a listener: TLS 1.2 and better (RFC 8996, RFC 9325 §3.1.1)."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    _load(made, certificate, key)
    return made


def renew(live: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Let new sessions of a context that is in use have a new certificate.

    It is tried on another context first: a certificate without its key would end TLS for all.
    """
    context(certificate, key)
    _load(live, certificate, key)


def _load(made: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        made.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        message = f"{certificate} and {key} cannot be used for TLS: {error.reason or error}."
        raise CertificateError(message) from error
    except OSError as error:
        which = key if not _readable(key) else certificate
        message = f"{which} cannot be read: {error.strerror}."
        raise CertificateError(message) from error


def _readable(path: Path) -> bool:
    try:
        with path.open("rb"):
            return True
    except OSError:
        return False
