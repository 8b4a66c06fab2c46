"""Removing the Authentication-Results that claim to be ours (RFC 8601 §5).

A field with our authserv-id that comes from outside is forged, or will be taken for ours by who
reads the mail later. One that cannot be read and mentions us is taken away, too: what one parser
gives up on, another one may understand.
"""

from __future__ import annotations

import re

import idna

from ulak.checks.results.reading import Scanner, head, text_of
from ulak.dns.names import to_ascii
from ulak.mail.address import ascii_lower

_NAME = b"authentication-results"
# The rest of a field, to the line end that no fold follows. Possessive, so that it is read once.
_REST = re.compile(rb"[ \t]*+:([^\r]*+(?:\r(?!\n(?![ \t]))[^\r]*+)*+)(?:\r\n|\Z)")
_SQUEEZED = re.compile(r"[\s\"\\]+|\([^()]*+\)")


def strip(header: bytes, authserv_id: str) -> bytes:
    """Give the header without the fields that bear our name; no other octet changes."""
    lowered = header.lower()
    at = lowered.find(_NAME)
    if at < 0:
        return header
    ours = _key(authserv_id)
    kept: list[bytes] = []
    start = 0
    while at >= 0:
        end = at + len(_NAME)
        if at == 0 or lowered.startswith(b"\r\n", at - 2):
            found = _REST.match(header, end)
            if found is not None:
                end = found.end()
                if _claims(found[1], ours):
                    kept.append(header[start:at])
                    start = end
        at = lowered.find(_NAME, end)
    kept.append(header[start:])
    return b"".join(kept)


def _claims(value: bytes, ours: str) -> bool:
    text = text_of(value)
    said = head(Scanner(text))
    if said is not None:
        return _key(said[0]) == ours
    squeezed = ascii_lower(_SQUEEZED.sub("", text))
    return ours in squeezed or _unicode(ours) in squeezed


def _key(name: str) -> str:
    """Give a name as it is compared: without regard to case and script."""
    name = name.strip()
    return to_ascii(name) or ascii_lower(name)


def _unicode(name: str) -> str:
    """Give a name in the script that it is read in."""
    try:
        return idna.decode(name)
    except UnicodeError:  # of which idna.IDNAError is one
        return name
