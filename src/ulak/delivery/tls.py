"""TLS for mail on its way out (RFC 3207, RFC 7435, RFC 8689)."""

from __future__ import annotations

import ssl
from pathlib import Path


def opportunistic() -> ssl.SSLContext:
    """Make a context that takes any certificate, at TLS 1.2 or newer.

    The alternative to an unverified certificate is no TLS at all (RFC 7435 §1.2), and a mail
    server's name comes from DNS that anybody may have answered (RFC 3207 §4.1).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def verifying(authorities: Path | None = None) -> ssl.SSLContext:
    """Make a context that takes only a valid certificate for the server's name (RFC 6125).

    `authorities` are those that are believed, None the system's. Raises OSError for a file that
    has none.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if authorities is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        with authorities.open("rb"):
            pass  # an error of OpenSSL would not name the file
        context.load_verify_locations(authorities)
    return context
