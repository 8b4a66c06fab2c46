"""base64 as SASL has it: nothing that is not in the alphabet, padding right (RFC 4954 §4)."""

from __future__ import annotations

import binascii


def decode(text: bytes) -> bytes | None:
    """Give what base64 stands for; None where it is none.

    Of the ways in which the last letter could be written, only the regular one is taken
    (RFC 4648 §3.5).
    """
    try:
        octets = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return None
    return octets if encode(octets) == text else None


def encode(octets: bytes) -> bytes:
    """Write octets in base64, on one line."""
    return binascii.b2a_base64(octets, newline=False)
