"""xtext: any text in printable ASCII, as parameters of commands have it (RFC 3461 §4).

`+` and two capital hexadecimal digits stand for an octet; everything but `+` and `=` that is
printable stands for itself. Decoded octets are taken as UTF-8.
"""

from __future__ import annotations

import re

_XTEXT = re.compile(r"(?:[\x21-\x2a\x2c-\x3c\x3e-\x7e]|\+[0-9A-F]{2})*")
_HEX = re.compile(r"\+([0-9A-F]{2})")
_SPECIAL = re.compile(rb"[^\x21-\x2a\x2c-\x3c\x3e-\x7e]")


def decode(text: str) -> str:
    """Give what xtext stands for. ValueError where it is none, or stands for no UTF-8."""
    if not _XTEXT.fullmatch(text):
        message = "this is no xtext"
        raise ValueError(message)
    if "+" not in text:
        return text
    return _HEX.sub(lambda found: chr(int(found[1], 16)), text).encode("latin-1").decode()


def encode(text: str) -> str:
    """Write a text as xtext."""
    octets = text.encode()
    return _SPECIAL.sub(lambda found: b"+%02X" % found[0][0], octets).decode("ascii")
