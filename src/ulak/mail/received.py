"""The Received fields of a message, read: who handed it to whom, and when (RFC 5321 §4.4).

Servers write them in many ways, and strangers write what they like: what cannot be read is left
empty, and nothing here proves anything.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from ulak.language.case import lower
from ulak.mail import message

MOST = 30  # hops that are read, from the top
_LONGEST = 2_000  # characters of a field that are read

# RFC 5321 §4.4: `from NAME (what was seen of it)`; the address stands in brackets.
_FROM = re.compile(r"from[ \t]+([^ \t()]{1,255})", re.IGNORECASE | re.ASCII)
_BY = re.compile(r"(?:^|[ \t])by[ \t]+([^ \t();]{1,255})", re.IGNORECASE | re.ASCII)
_WITH = re.compile(r"[ \t]with[ \t]+([A-Za-z0-9-]{1,40})", re.IGNORECASE | re.ASCII)
_BRACKETS = re.compile(
    r"\[(?:IPv6:)?([0-9A-Fa-f:.]{2,45})(?:%[0-9A-Za-z]{1,20})?\]", re.IGNORECASE | re.ASCII
)
# RFC 5322 §3.3, with the years and zones of §4.3.
_DATE = re.compile(
    r"([0-9]{1,2})[ \t]+([A-Za-z]{3})[A-Za-z]*[ \t]+([0-9]{2,4})[ \t]+"
    r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?[ \t]*([+-][0-9]{4}|[A-Za-z]{1,5})?",
    re.ASCII,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ZONES = MappingProxyType(
    {
        "edt": -4, "est": -5, "cdt": -5, "cst": -6, "mdt": -6, "mst": -7, "pdt": -7, "pst": -8,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hop:
    """One field: `sender` is the name behind from, `ip` the address in brackets that was seen.

    `receiver` stands behind by, `protocol` behind with. `time` is in seconds since the epoch, None
    where it cannot be read.
    """

    sender: str = ""
    ip: str = ""
    receiver: str = ""
    protocol: str = ""
    time: float | None = None


def hops(header: bytes) -> tuple[Hop, ...]:
    """Give the way of a message, the first hop first: every server writes above the others."""
    return tuple(hop(value) for value in reversed(message.values(header, "Received")[:MOST]))


def hop(value: bytes) -> Hop:
    """Read one field."""
    text = message.unfold(value[: 2 * _LONGEST])[:_LONGEST]
    said, _, date = text.rpartition(";")
    said = said or text
    plain = _without_comments(said)
    by, using = _BY.search(plain), _WITH.search(plain)
    seen = said_of_client(said)
    return Hop(
        name_in(seen) or "",
        ip_in(seen) or "",
        by[1] if by else "",
        using[1] if using else "",
        time_in(date),
    )


def said_of_client(text: str) -> str:
    """Give the part of a field that is about who handed the message over."""
    return re.split(r"[ \t]by[ \t]", text, maxsplit=1)[0]


def ip_in(seen: str) -> str | None:
    """Give the address of the client, which servers put in brackets."""
    for match in _BRACKETS.finditer(seen):
        try:
            return str(ipaddress.ip_address(match[1]))
        except ValueError:
            continue
    return None


def name_in(seen: str) -> str | None:
    """Give the name that the client gave itself."""
    match = _FROM.match(seen)
    return match[1] if match else None


def time_in(text: str) -> float | None:
    """Read a date-time (RFC 5322 §3.3), the day of the week aside; None for what is none."""
    found = _DATE.search(text[:200])
    if found is None or (month := _month(found[2])) is None:
        return None
    year = int(found[3])
    if len(found[3]) < 4:  # noqa: PLR2004 -- §4.3: two or three digits
        year += 2000 if year < 50 and len(found[3]) == 2 else 1900  # noqa: PLR2004 -- as §4.3 has it
    hour, minute, second = int(found[4]), int(found[5]), min(int(found[6] or 0), 59)
    try:
        when = datetime(year, month, int(found[1]), hour, minute, second, tzinfo=UTC)
        return (when - _away(found[7] or "")).timestamp()
    except (ValueError, OverflowError):
        return None


def _month(name: str) -> int | None:
    small = lower(name)
    return _MONTHS.index(small) + 1 if small in _MONTHS else None


def _away(zone: str) -> timedelta:
    """Give how far a zone is before UTC; one that is not known is taken for it (§4.3)."""
    if zone[:1] in ("+", "-"):
        away = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5]))
        return -away if zone[0] == "-" else away
    return timedelta(hours=_ZONES.get(lower(zone), 0))


def _without_comments(text: str) -> str:
    """Leave out what stands in parentheses, however deep."""
    kept: list[str] = []
    depth = 0
    for character in text:
        if character == "(":
            depth += 1
        elif character == ")":
            depth = max(depth - 1, 0)
        elif not depth:
            kept.append(character)
    return "".join(kept)
