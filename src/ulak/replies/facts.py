"""What a reply of any server tells besides its cause: addresses, zones, limits, times, links.

The text is a stranger's and each expression is linear in it: each begins with something that
stands rarely, and ends at the next blank.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

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
    r"(?:blocked|listed|found|rejected|refused|denied|dnsbl|rbl|blacklist(?:ed)?|blocklist(?:ed)?)"
    r" {1,2}(?:(?:using|by|in|at|on|via|is|the|lookup|site|entry|dnsbl|rbl) ){0,5}"
    rf"['\"<(]?({_NAME})",
    re.IGNORECASE | re.ASCII,
)
_DOMAIN = re.compile(
    rf"(?:domain(?:'s)?(?: name)?|policy (?:for|of)|mail from|email from|messages from|lookup of)"
    rf" ['\"<(\[]?({_NAME})",
    re.IGNORECASE | re.ASCII,
)
_ADDRESS = re.compile(r"<([^<>@\s\"]{1,64}@[^<>@\s\"]{1,255})>")
_LIMIT = re.compile(
    r"(?:size|limit|maximum|exceeds?|exceeded|more than|at most)[a-z :=]{0,40}\(?([0-9]{1,12}) ?"
    r"(bytes|octets|[kmg]i?b|recipients|messages|connections)?\b",
    re.IGNORECASE | re.ASCII,
)
_WAIT = re.compile(
    r"(?:after|again in|retry in|wait|for|within|next)[ :=]{1,3}(?:at least |about )?([0-9]{1,6}) ?"
    r"(seconds?|secs?|s|minutes?|mins?|hours?|hrs?|h)\b",
    re.IGNORECASE | re.ASCII,
)
_HOST = re.compile(rf"connect(?:ion)? to ({_NAME})", re.IGNORECASE | re.ASCII)
_UNITS = {"s": 1, "m": 60, "h": 3600}
_POINTS = 3  # of an IPv4 address
_LONGEST = 16_384
_ENDS = ".,;:!?)]'\""


def read(text: str) -> dict[str, str]:
    """Give the facts of a text by name.

    `ip` (of the sender, never one of 127.0.0.0/8), `zone`, `domain`, `address`, `host` (that was
    to be reached), `limit` (with its unit where it has one), `retry_after` (seconds), `link`.
    """
    text = text[:_LONGEST]
    found: dict[str, str] = {}
    if ip := _ip(text):
        found["ip"] = ip
    for name, expression in (("zone", _ZONE), ("domain", _DOMAIN), ("host", _HOST)):
        if name_found := _named(expression, text):
            found[name] = name_found
    if address := _ADDRESS.search(text):
        found["address"] = address[1]
    if any(c.isdigit() for c in text):
        if limit := _LIMIT.search(text):
            found["limit"] = f"{limit[1]} {limit[2]}" if limit[2] else limit[1]
        if wait := _WAIT.search(text):
            found["retry_after"] = str(int(wait[1]) * _UNITS[wait[2][0].lower()])
    if "://" in text and (link := _LINK.search(text)):
        found["link"] = link[0].rstrip(_ENDS)
    return found


def _ip(text: str) -> str:
    """Give the address that a text speaks of: one in its place first, else the first."""
    first = ""
    reached = _HOST.search(text)
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


def _named(expression: re.Pattern[str], text: str) -> str:
    for match in expression.finditer(text):
        name = match[1].rstrip(".").lower()
        # The last label of a name has letters, or it would be an address or a number.
        if not name.rpartition(".")[2].isdigit():
            return name
    return ""
