"""What goes wrong with a connection, in the words of the system and of RFC 8460 §4.3."""

from __future__ import annotations

import os
import ssl

# Numbers of OpenSSL (X509_V_ERR_…): not valid yet, expired, another host, another address.
_FAULTS = {
    9: "certificate-expired",
    10: "certificate-expired",
    62: "certificate-host-mismatch",
    64: "certificate-host-mismatch",
}


def words(error: BaseException) -> str:
    """Say what the system says, without Python's decoration."""
    if isinstance(error, ssl.SSLCertVerificationError) and error.verify_message:
        return f"its certificate is not valid: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return str(error) or type(error).__name__


def fault(error: BaseException) -> str:
    """Name what is wrong with a certificate as RFC 8460 §4.3 does; "" where it is none."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return "certificate-host-mismatch" if isinstance(error, ValueError) else ""
    return _FAULTS.get(error.verify_code, "certificate-not-trusted")
