r"""Addresses in the fields of a report, with their types (RFC 3464 §2.1.2, RFC 6533 §3).

What goes beyond ASCII stands as it is in a part for UTF-8. In one for ASCII it is written as
`utf-8-addr-xtext`, `\x{E7}` for ç, so that such a report can go to whoever wrote from a world
without SMTPUTF8.
"""

from __future__ import annotations

import re

from ulak.bounce.header import clean
from ulak.mail import unitext, xtext

_TYPE = re.compile(r"[A-Za-z0-9!#$%&'*+^_`{|}~.-]+")


def final(address: str, *, international: bool) -> str:
    """Write the address of an envelope; `international`: in a part for UTF-8."""
    if address.isascii():
        return f"rfc822; {address}"
    return f"utf-8; {address if international else _in_ascii(address)}"


def original(orcpt: str, *, international: bool) -> str:
    """Write what ORCPT said, decoded: `rfc822;bob@example.org`."""
    kind, semicolon, address = orcpt.partition(";")
    if not semicolon or not _TYPE.fullmatch(kind):
        kind, address = "rfc822", orcpt
    if not international:
        if kind.lower() == "utf-8":
            address = _in_ascii(address)
        elif not address.isascii():
            address = xtext.encode(clean(address))  # as it came: another type has no other form
    return f"{kind}; {address}"


def _in_ascii(address: str) -> str:
    return unitext.encode(clean(address), ascii_only=True)
