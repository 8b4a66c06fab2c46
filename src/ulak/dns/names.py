"""Domain names as DNS is asked for them: ASCII, lower case, no last dot (RFC 1035, RFC 5890).

A name in another script becomes its A-labels by IDNA 2008 with the mapping of UTS #46, not by the
IDNA 2003 of Python's own codec: that one turns `straße.example` into `strasse.example`, which is
somebody else's domain.
"""

from __future__ import annotations

import re

import idna

_LONGEST_LABEL = 63
_LONGEST_NAME = 253
# What most names are: in the form that is asked for already.
_PLAIN = re.compile(r"(?:[a-z0-9_-]{1,63}+\.)*+[a-z0-9_-]{1,63}+")


def to_ascii(name: str) -> str | None:
    """Give the name in the form that DNS is asked for, `""` for the root, None if impossible.

    All printable ASCII may stand in a label (`_dmarc`, `*`, what an SPF macro made); the lengths
    of RFC 1035 §2.3.4 are held. Names in other scripts must be valid U-labels.
    """
    if len(name) <= _LONGEST_NAME and _PLAIN.fullmatch(name):
        return name
    name = name.removesuffix(".")
    if not name:
        return ""
    if len(name) > _LONGEST_NAME:  # also keeps hostile names away from the IDNA tables
        return None
    if not name.isascii():
        try:
            name = ".".join(
                label if label.isascii() else idna.encode(label, uts46=True).decode("ascii")
                for label in name.split(".")
            )
        except (idna.IDNAError, UnicodeError):
            return None
    if len(name) > _LONGEST_NAME or not name.isprintable():
        return None
    if any(not 0 < len(label) <= _LONGEST_LABEL for label in name.split(".")):
        return None
    return name.lower()
