"""A next hop as it is written in a configuration: `maildir`, `mx`, `smtp:…`, `lmtp:…`.

`parse` is also what checks a configuration, so its errors are sentences for a person.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from ulak.delivery.target import Host, Target, Told, Way
from ulak.smtp.grammar import GrammarError, parse_domain

_HIGHEST_PORT = 65535
_PORT_DIGITS = 5
_SMTP_PORT = 25
_LMTP_PORT = 24  # IANA's; RFC 2033 §5 forbids 25


class HopError(ValueError):
    """The text names no next hop; the error says why, for a person."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One next hop. `way` None stands for `mx`: whatever DNS says.

    `host` is a name or an IP text without brackets; `path` is a unix socket. Of a handler `host` is
    the domain whose mail it takes.
    """

    way: Way | None
    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def address(self) -> bool:
        """Whether the host is an IP, so that nothing has to be looked up."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return True

    @property
    def key(self) -> str:
        """What all mail for this hop shares: its connections and its limits."""
        if self.way is None or self.way is Way.MAILDIR:
            return str(self.way or "mx")
        if self.way in (Way.PIPE, Way.HTTP):
            return f"{self.way}:{self.host}"
        return f"{self.way}:{self.path or self.host}:{self.port}"

    def target(self) -> Target | None:
        """Give the target where nothing has to be looked up, else None."""
        match self.way:
            case Way.MAILDIR | Way.PIPE | Way.HTTP:
                return Target(self.way, self.key)
            case Way.SMTP | Way.LMTP if self.path:
                host = Host(self.path, path=self.path)
                return Target(self.way, self.key, (host,), told=Told.OPERATOR)
            case Way.SMTP | Way.LMTP if self.address:
                host = Host(self.host, (self.host,), self.port)
                return Target(self.way, self.key, (host,), told=Told.OPERATOR)
            case _:
                return None


def parse(text: str) -> Hop:
    """Read `maildir`, `mx`, `smtp:HOST[:PORT]`, `lmtp:HOST[:PORT]` or `lmtp:unix:PATH`.

    An IPv6 address stands in brackets. Raises HopError.
    """
    if text == "maildir":
        return Hop(Way.MAILDIR)
    if text == "mx":
        return Hop(None)
    kind, colon, rest = text.partition(":")
    if not colon or kind not in ("smtp", "lmtp"):
        message = f"“{text}” is no next hop; write maildir, mx, smtp:HOST:PORT or lmtp:HOST:PORT."
        raise HopError(message)
    way = Way(kind)
    if way is Way.LMTP and rest.startswith("unix:"):
        path = rest.removeprefix("unix:")
        if not path.startswith("/"):
            message = f"“{text}”: the path of a unix socket begins with a slash."
            raise HopError(message)
        return Hop(way, path=path)
    host, port = _host_and_port(text, rest)
    return Hop(way, host, port or (_SMTP_PORT if way is Way.SMTP else _LMTP_PORT))


def _host_and_port(text: str, rest: str) -> tuple[str, int]:
    if rest.startswith("["):
        host, bracket, tail = rest[1:].partition("]")
        if not bracket or (tail and not tail.startswith(":")):
            message = f"“{text}”: an IPv6 address is written [2001:db8::1]:25."
            raise HopError(message)
        try:
            host = str(ipaddress.IPv6Address(host))
        except ValueError:
            message = f"“{text}”: {host} is no IPv6 address."
            raise HopError(message) from None
        digits = tail[1:]
        colon = tail[:1]
    else:
        host, colon, digits = rest.partition(":")
        if ":" in digits:
            message = f"“{text}”: an IPv6 address stands in brackets, [2001:db8::1]:25."
            raise HopError(message)
        try:
            host = parse_domain(host).lower()
        except GrammarError as error:
            message = f"“{text}”: the host is not valid: {error}."
            raise HopError(message) from None
    if not colon:
        return host, 0
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _PORT_DIGITS):
        message = f"“{text}”: the port has to be a number."
        raise HopError(message)
    port = int(digits)
    if not 0 < port <= _HIGHEST_PORT:
        message = f"“{text}”: the port has to lie between 1 and {_HIGHEST_PORT}."
        raise HopError(message)
    return host, port
