"""Where a record wants reports to be sent: URIs, in practice of mailboxes (RFC 9989 §4.6, §4.8)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from ulak.language.case import lower

_SIZE = re.compile(r"!([0-9]{1,18})([kmgtKMGT]?)$")
_URI = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]{0,30}):((?:[A-Za-z0-9._~:/?#\[\]@$&'()*+;=-]|%[0-9A-Fa-f]{2})+)"
)
_MAILBOX = re.compile(
    r"[^@\s<>,;:\\\"()\[\]\x00-\x1f\x7f]{1,64}@[A-Za-z0-9._\u0080-\U0010ffff-]{1,253}"
)
_FACTORS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


@dataclass(frozen=True, slots=True)
class ReportURI:
    """One destination. `uri` is without a size; `scheme` in lower case.

    `address` is the mailbox of a `mailto:` URI, and `""` of one that nobody can mail to. `size`
    is the largest report that is wanted, in octets: RFC 7489 had it, RFC 9989 has it ignored.
    """

    uri: str
    scheme: str
    address: str = ""
    size: int | None = None


def read(text: str) -> ReportURI | None:
    """Read one URI, with or without a size; None where it is no URI.

    Commas and exclamation marks within a URI have to be encoded (RFC 9989 §4.8).
    """
    text = text.strip(" \t")
    size = None
    if limit := _SIZE.search(text):
        size = int(limit[1]) * _FACTORS[lower(limit[2])]
        text = text[: limit.start()]
    found = _URI.fullmatch(text)
    if found is None:
        return None
    scheme = lower(found[1])
    if scheme != "mailto":
        return ReportURI(text, scheme, size=size)
    mailbox = unquote(found[2].partition("?")[0], errors="replace")
    if not _MAILBOX.fullmatch(mailbox):
        return None
    return ReportURI(text, scheme, mailbox, size)
