"""Line ends for messages that do not come over SMTP (RFC 5322 §2.3)."""

from __future__ import annotations


def with_crlf(message: bytes) -> bytes:
    """Give a message with CRLF line ends, as it is signed.

    A file that was saved with LF alone gets CRLF for each. Where there is any CRLF, the file has
    the octets of the message, and nothing is changed: a bare LF in it is part of what came.
    """
    return message if b"\r\n" in message else message.replace(b"\n", b"\r\n")
