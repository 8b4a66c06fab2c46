"""A reply to look at: a cause's words with facts of nobody put in, names kept for examples."""

from __future__ import annotations

import re
from types import MappingProxyType

from ulak.replies.catalog import CATALOG, Cause
from ulak.replies.sides import Side

_PLACE = re.compile(r"\{([a-z_]+)\}")
_FACTS = MappingProxyType(
    {
        "account": "ada",
        "address": "ada@example.org",
        "addresses": "ada@example.org",
        "author": "grace@example.com",
        "client": "mail.example.com",
        "command": "MAIL",
        "count": "3",
        "days": "5",
        "domain": "example.com",
        "host": "mx.example.net",
        "hostname": "mx.example.org",
        "hops": "100",
        "hours": "4",
        "id": "K7W4QF",
        "ip": "192.0.2.1",
        "last": "10",
        "length": "1200",
        "limit": "100",
        "line": "7",
        "mechanism": "PLAIN",
        "minutes": "5",
        "octet": "0x80",
        "octets": "52428800",
        "offset": "120",
        "parameter": "SIZE",
        "priority": "4",
        "protocol": "TLSv1.3",
        "reason": "see https://dnsbl.example/",
        "seconds": "300",
        "sender": "grace@example.com",
        "size": "52428800",
        "user": "ada",
        "zone": "dnsbl.example",
    }
)
# What a fact of these tells is a sentence of its own: "…" stands for it.
_ANY = "…"
_FAMILIAR = (
    "no-such-mailbox", "listed-by-dnsbl", "greylisted", "mailbox-full", "message-too-large",
    "authentication-failed", "policy-refused", "accepted",
)  # fmt: skip


def example(half: Side) -> str:
    """Give a reply with this code or of this cause as Ulak would send it, or ""."""
    row = CATALOG.get(half.key) or _row_of(half)
    if row is None:
        return ""
    code = row.code if half.kind == "cause" else half.code or _code_of(row, half)
    words = _PLACE.sub(lambda place: _FACTS.get(place[1], _ANY), row.words)
    enhanced = "" if row.detail is None else f"{code // 100}.{row.detail}"
    return " ".join(filter(None, (str(code), enhanced, words)))


def _row_of(half: Side) -> Cause | None:
    """Choose the cause by which a code is known best: one that people know, else the first."""
    rows = [CATALOG[name] for name in half.causes]
    if half.kind == "code":
        rows = [row for row in rows if row.code == half.code] or rows
    rows.sort(key=lambda row: row.name not in _FAMILIAR)
    return rows[0] if rows else None


def _code_of(row: Cause, half: Side) -> int:
    every = (row.code, *row.codes)
    return next((code for code in every if code // 100 == half.severity), row.code)
