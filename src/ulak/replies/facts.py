"""What a reply of any server tells besides its cause: addresses, zones, limits, times, links.

The text is a stranger's and each expression is linear in it: each begins with something that
stands rarely, and ends at the next blank. Names and times are looked for in small letters, which
takes half of the time that it takes to ignore case.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from ulak.language.case import lower

# Where an address stands that is spoken of: behind these words or in brackets.
_TELLING = re.compile(
    r"(?:\b(?:from|client|host|ip|address|by|messages?|server|sender|your)[ :=]{1,3}|[\[(<=])\Z",
    re.IGNORECASE | re.ASCII,
)
_IPV4 = re.compile(r"(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9]|\.[0-9])", re.ASCII)
_IPV6 = re.compile(
    r"(?<![0-9A-Za-z:.])[0-9A-Fa-f]{1,4}:[0-9A-Fa-f:.]{2,41}(?![0-9A-Za-z])", re.ASCII
)
_LINK = re.compile(r"https?://[^\s<>\"'|\\^`{}]{3,500}", re.IGNORECASE | re.ASCII)
_NAME = r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){1,10}"
_ZONE = re.compile(
    r"(?:blocked|listed|found|rejected|refused|denied|dnsbl|rbl|(?:black|block) ?list(?:ed)?)"
    r" {1,2}(?:(?:using|by|in|at|on|via|is|the|lookup|site|entry|dnsbl|rbl) ){0,5}"
    rf"['\"<(]?({_NAME})"
)
_DOMAIN = re.compile(
    rf"(?:domain(?:'s)?(?: name)?|policy (?:for|of)|mail from|email from|messages from|lookup of)"
    rf" ['\"<(\[]?({_NAME})"
)
_ADDRESS = re.compile(r"<([^<>@\s\"]{1,64}@[^<>@\s\"]{1,255})>")
_LIMIT = re.compile(
    r"(?:size|limit|maximum|exceeds?|exceeded|more than|at most)[a-z :=]{0,40}\(?([0-9]{1,12}) ?"
    r"(bytes|octets|[kmg]i?b|recipients|messages|connections)?\b",
    re.IGNORECASE | re.ASCII,
)
_WAIT = re.compile(
    r"(?:after|again in|again|back in|retry in|retry|try in|delay|wait|for|within|next)"
    r"[ :=]{1,3}(?:at least |about |another )?(?<![0-9:.])"
    r"(?:([0-9]{1,6}) ?(seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h)"
    r"|([0-9]{1,2}):([0-9]{2}):([0-9]{2}))\b",
    re.ASCII,
)
_HOST = re.compile(rf"connect(?:ion)? to ({_NAME})")
# What each expression needs to find anything.
_NAMES = (
    ("zone", _ZONE, ("blocked", "listed", "found", "rejected", "refused", "denied", "rbl", "dnsbl",
                     "blacklist", "black list", "block list", "blocklist")),
    ("domain", _DOMAIN, ("domain", "policy ", " from", "lookup of")),
    ("host", _HOST, ("connect",)),
)  # fmt: skip
_PER = re.compile(r"(?:per|every|each|an|a|/) ?(second|minute|hour|day)\b", re.ASCII)
_MOST = re.compile(r"maximum|more than|at most").search
_UNITS = {"s": 1, "m": 60, "h": 3600}
_POINTS = 3  # of an IPv4 address
_LONGEST = 16_384
_ENDS = ".,;:!?)]'\""


def read(text: str) -> dict[str, str]:
    """Give the facts of a text by name.

    `ip` (of the sender, never one of 127.0.0.0/8), `zone`, `domain`, `address`, `host` (that was
    to be reached), `limit` (with its unit where it has one), `per` (what time, where it is one of
    messages in a time), `retry_after` (seconds), `link`.
    """
    text = text[:_LONGEST]
    found: dict[str, str] = {}
    small = lower(text)
    if ip := _ip(text, small):
        found["ip"] = ip
    # An expression is tried only where one of its words stands: most replies have none of them.
    for name, expression, words in _NAMES:
        for word in words:
            if word in small:
                if name_found := _named(expression, small):
                    found[name] = name_found
                break
    if "@" in text and (address := _ADDRESS.search(text)):
        found["address"] = address[1]
    if ("limit" in small or "exce" in small or "size" in small or _MOST(small)) and (
        limit := _LIMIT.search(text)
    ):
        found["limit"] = f"{limit[1]} {limit[2]}" if limit[2] else limit[1]
        if per := _PER.search(small, limit.end(), limit.end() + 40):
            found["per"] = per[1]
    if wait := _wait(small):
        found["retry_after"] = wait
    if "://" in text and (link := _LINK.search(text)):
        found["link"] = link[0].rstrip(_ENDS)
    return found


def _wait(small: str) -> str:
    """Give the seconds that a text says to wait, or ""."""
    match = _WAIT.search(small)
    if match is None:
        return ""
    if match[2]:
        return str(int(match[1]) * _UNITS[match[2][0]])
    hours, minutes, seconds = (int(match[part]) for part in (3, 4, 5))
    return str((hours * 60 + minutes) * 60 + seconds)


def _ip(text: str, small: str) -> str:
    """Give the address that a text speaks of: one in its place first, else the first."""
    if text.count(".") < _POINTS and text.count(":") <= 1:
        return ""
    first = ""
    reached = _HOST.search(small) if "connect" in small else None
    for at, candidate in _addresses(text):
        if reached is not None and at == reached.end() + 1:
            continue  # `connect to mx.example.org[192.0.2.1]`: not the sender's
        if _TELLING.search(text, max(0, at - 12), at):
            return "" if candidate == "0.0.0.0" else candidate  # noqa: S104 -- blanked by who wrote it
        first = first or candidate
    return first


def _addresses(text: str) -> Iterator[tuple[int, str]]:
    matches = list(_IPV4.finditer(text)) if text.count(".") >= _POINTS else []
    if text.count(":") > 1:
        matches = sorted((*matches, *_IPV6.finditer(text)), key=lambda match: match.start())
    for match in matches[:50]:
        written = match[0].rstrip(":.")
        try:
            address = ipaddress.ip_address(written)
        except ValueError:
            continue
        if not address.is_loopback:
            yield match.start(), written


def _named(expression: re.Pattern[str], small: str) -> str:
    for match in expression.finditer(small):
        name = match[1].rstrip(".")
        # The last label of a name has letters, or it would be an address or a number.
        if not name.rpartition(".")[2].isdigit():
            return name
    return ""
