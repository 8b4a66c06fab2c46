"""Values that a configuration is made of, beyond numbers and texts."""

from __future__ import annotations

import ipaddress
import shlex
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """An IP address or a host name, and a TCP or UDP port; or the path of a unix socket."""

    host: str
    port: int
    path: str = ""

    def __str__(self) -> str:
        """Write it as the configuration does: an IPv6 address has brackets."""
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class NextHop:
    """Where mail goes next. `way` is `maildir`, `mx`, `smtp`, `lmtp`, `pipe` or `http`.

    `smtp` and `lmtp` have a host and a port, or `lmtp` the path of a unix socket; `pipe` has the
    `argv` of a program, `http` a `url`.
    """

    way: str
    host: str = ""
    port: int = 0
    path: str = ""
    argv: tuple[str, ...] = ()
    url: str = ""

    def __str__(self) -> str:
        """Write it as the configuration does, but a program with arguments as a shell would."""
        if self.argv:
            return f"{self.way}:{shlex.join(self.argv)}"
        if self.url:
            return self.url
        if self.path:
            return f"{self.way}:unix:{self.path}"
        return f"{self.way}:{SocketAddress(self.host, self.port)}" if self.host else self.way


class Hidden(str):
    """A secret: the text that it is, and nothing to see where values are shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Show nothing of it."""
        return "'***'"


_SECONDS = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}
_OCTETS = {
    "TB": 10**12, "GB": 10**9, "MB": 10**6, "KB": 10**3,
    "TIB": 2**40, "GIB": 2**30, "MIB": 2**20, "KIB": 2**10, "B": 1,
}  # fmt: skip
_SPELLINGS = {"TIB": "TiB", "GIB": "GiB", "MIB": "MiB", "KIB": "KiB"}
_DIGITS = frozenset("0123456789.")


def parse_size(text: str) -> int | None:
    """Read `50MB`, `1.5 GiB` or `512` as octets; None for anything else."""
    number = text.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    unit = text[len(number) :].upper()
    factor = _OCTETS.get(unit or "B")
    value = _decimal(number.rstrip(" "))
    return None if factor is None or value is None else int(value * factor)


def write_size(octets: int) -> str | int:
    """Write a size in the greatest unit that divides it."""
    for unit, factor in sorted(_OCTETS.items(), key=lambda item: -item[1]):
        if octets and unit != "B" and octets % factor == 0:
            return f"{octets // factor}{_SPELLINGS.get(unit, unit)}"
    return octets


def parse_duration(text: str) -> float | None:
    """Read `90s`, `4h` or `1h30m` as seconds; None for anything else.

    Each unit may stand once, the greater before the smaller.
    """
    rest, seconds = text, 0.0
    if not rest:
        return None
    for unit, factor in _SECONDS.items():
        number, mark, after = rest.partition(unit)
        if mark and (value := _decimal(number)) is not None:
            seconds += value * factor
            rest = after
    return None if rest else seconds


def write_duration(seconds: float) -> str:
    """Write a duration in units that add up to it."""
    text, rest = "", seconds
    for unit, factor in _SECONDS.items():
        if unit == "s":
            break
        count, rest = divmod(rest, factor)
        if count:
            text += f"{int(count)}{unit}"
    if rest or not text:
        text += f"{rest:g}s"
    return text


def parse_port(text: str) -> int | None:
    """Read a port from 0 to 65535 in ASCII digits; 0 asks the system for a free one."""
    if not (text.isascii() and text.isdigit()) or len(text) > 5:  # noqa: PLR2004 -- 65535
        return None
    port = int(text)
    return port if port <= 65535 else None  # noqa: PLR2004 -- RFC 9293 §3.1


def split_port(text: str) -> tuple[str, str] | None:
    """Part `HOST:PORT` or `[IPV6]:PORT`; None where it is neither."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or rest[:1] != ":" or ":" not in host:
            return None
        return host, rest[1:]
    host, colon, port = text.rpartition(":")
    return (host, port) if colon and host and ":" not in host else None


def parse_ip(text: str) -> IPAddress | None:
    """Read an IP address without a zone; None for anything else."""
    try:
        return ipaddress.ip_address(text) if "%" not in text else None
    except ValueError:
        return None


def _decimal(text: str) -> float | None:
    """Read plain ASCII digits with at most one point."""
    if not text or not _DIGITS.issuperset(text) or len(text) > 15:  # noqa: PLR2004 -- exact in a float
        return None
    whole, point, part = text.partition(".")
    if not whole or "." in part or (point and not part):
        return None
    return float(text)
