"""What somebody wants checked, told from how it is written: an IP address, a domain, a message."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from ulak.dns.names import to_ascii

_FIELD = re.compile(r"[!-9;-~]{1,76}[ \t]*:")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{1,20}:/{0,2}", re.IGNORECASE | re.ASCII)
_PORT = re.compile(r":[0-9]{1,5}\Z", re.ASCII)
_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){1,20}", re.ASCII)
_LONGEST = 1_000  # characters of one line


@dataclass(frozen=True, slots=True)
class Target:
    """`kind` is `ip`, `domain`, `message`, or "" where it is nothing of these; `value` its form."""

    kind: str = ""
    value: str = ""


def target_of(text: str) -> Target:
    """Say what a text is. A URL or an address is about its domain, a bracketed IP about itself."""
    text = text.strip()
    if not text:
        return Target()
    if "\n" in text:
        fields = sum(1 for line in text.split("\n", 40)[:40] if _FIELD.match(line))
        return Target("message", text) if fields > 1 else Target()
    if len(text) > _LONGEST:
        return Target()
    if (ip := ip_of(text)) is not None:
        return Target("ip", ip)
    host = text[text.rfind("<") + 1 :] if text.endswith(">") else text
    host = _SCHEME.sub("", host.strip("<>\"'() \t"), count=1)
    host = re.split(r"[/?#\s]", host, maxsplit=1)[0]
    host = host.rpartition("@")[2].strip("<>\"'()").rstrip(".,;")
    if (ip := ip_of(host)) is not None:
        return Target("ip", ip)
    host = _PORT.sub("", host)
    if (ip := ip_of(host)) is not None:
        return Target("ip", ip)
    name = domain_of(host)
    return Target() if name is None else Target("domain", name)


def ip_of(text: str) -> str | None:
    """Give an IP address in its usual form; an IPv4 one within IPv6 is what it is. None: none."""
    text = text.strip().removeprefix("[").removesuffix("]")
    text = text[5:] if text[:5].upper() == "IPV6:" else text  # RFC 5321 §4.1.3
    if "%" in text:
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    within = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(within or address)


def domain_of(text: str) -> str | None:
    """Give a domain name in ASCII and small letters; None where it is none, or has no point."""
    name = to_ascii(text.strip().rstrip("."))
    if name is None or not _NAME.fullmatch(name) or name.rpartition(".")[2].isdigit():
        return None
    return name
