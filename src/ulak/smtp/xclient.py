"""XCLIENT: a server in front says whom it speaks for (RFC 5321 §4.1.5; a command of Postfix's).

There is no RFC. Postfix's XCLIENT_README describes it, and what is read here is what it says.
"""

from __future__ import annotations

import ipaddress
import re

from ulak.language.case import upper
from ulak.mail import xtext
from ulak.smtp.events import XClient
from ulak.smtp.grammar import GrammarError

ATTRIBUTES = ("NAME", "ADDR", "PORT", "PROTO", "HELO", "LOGIN", "DESTADDR", "DESTPORT")

_UNKNOWN = frozenset({"[UNAVAILABLE]", "[TEMPUNAVAIL]"})
_IPV6 = "IPV6:"
_LONGEST = 255  # characters of a value
_PORTS = 1 << 16
_NAME = re.compile(r"[A-Za-z0-9._-]+")  # with _, which DNS has and RFC 5321 has not
_NUMBERS = re.compile(r"[0-9.]+")


def parse(rest: str) -> XClient:
    """Read what follows XCLIENT. Raises GrammarError, also for an attribute that is not known."""
    said: dict[str, str] = {}
    for word in rest.split(" "):
        key, equals, value = word.partition("=")
        key = upper(key)
        if key not in ATTRIBUTES or not equals:
            message = f"XCLIENT takes {', '.join(ATTRIBUTES)}, each with = and a value"
            raise GrammarError(message)
        if key in said:
            message = f"{key} stands there twice"
            raise GrammarError(message)
        said[key] = _value(key, value)
    return XClient(
        name=_name(said.get("NAME")),
        ip=_ip(said.get("ADDR")),
        port=_port(said.get("PORT")),
        protocol=_protocol(said.get("PROTO")),
        helo=said.get("HELO"),
        login=said.get("LOGIN"),
        own_ip=_ip(said.get("DESTADDR")),
        own_port=_port(said.get("DESTPORT")),
    )


def _value(key: str, value: str) -> str:
    """Decode a value; `""` where it says that there is none to be had."""
    try:
        text = xtext.decode(value)
    except ValueError:
        message = f"the value of {key} is no xtext"
        raise GrammarError(message) from None
    if not text or len(text) > _LONGEST or not text.isprintable():
        message = f"the value of {key} is empty, too long or not printable"
        raise GrammarError(message)
    return "" if upper(text) in _UNKNOWN else text


def _name(value: str | None) -> str | None:
    if value and (not _NAME.fullmatch(value) or _NUMBERS.fullmatch(value)):
        message = "the name is none that DNS has for a machine"
        raise GrammarError(message)
    return value


def _ip(value: str | None) -> str | None:
    if not value:
        return value
    tagged = upper(value[: len(_IPV6)]) == _IPV6
    try:
        if not tagged:
            return str(ipaddress.IPv4Address(value))
        address = ipaddress.IPv6Address(value[len(_IPV6) :])
    except ValueError:
        message = "the address is neither IPv4 nor IPV6: and IPv6"
        raise GrammarError(message) from None
    if address.scope_id is not None:
        message = "an address with a zone is nobody's beyond its machine"
        raise GrammarError(message)
    return str(address.ipv4_mapped or address)


def _port(value: str | None) -> int | None:
    """Read a port; 0 where there is none to be had."""
    if not value:
        return None if value is None else 0
    # Not int() alone: that takes `+25`, `1_0` and the digits of every script.
    if set(value) - set("0123456789") or len(value) > len("65535") or int(value) >= _PORTS:
        message = "a port is a number up to 65535"
        raise GrammarError(message)
    return int(value)


def _protocol(value: str | None) -> str | None:
    if value and upper(value) not in ("SMTP", "ESMTP"):
        message = "the protocol is SMTP or ESMTP"
        raise GrammarError(message)
    return upper(value) if value else value
