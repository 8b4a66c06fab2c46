"""The kinds of settings that name something in mail or on the network."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import ClassVar

from ulak.config.argv import Argv
from ulak.config.kinds import BAD, Bad, Plain
from ulak.config.mistake import Place, given
from ulak.config.values import (
    Network,
    NextHop,
    SocketAddress,
    parse_ip,
    parse_port,
    split_port,
)
from ulak.mail.address import Address as MailboxName
from ulak.smtp.grammar import GrammarError, parse_domain, parse_mailbox

_LONGEST_PATH = 107  # octets of a unix socket's path: sun_path has a NUL behind it
_MODE = re.compile(r"0?[0-7]{3}")
_URL = re.compile(
    r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[\x21\x22\x24-\x7e]*)?"
)
DATABASE = re.compile(r"postgres(?:ql)?://[\x21-\x7e]*")
_FIELD_NAME = re.compile(r"[\x21-\x39\x3b-\x7e]{1,70}")


class DomainName(Plain):
    """A name of DNS, in lower case."""

    name = "domain"

    def read(self, value: object, place: Place) -> str | Bad:
        """Take a domain (RFC 5321 §4.1.2, RFC 6531 §3.3)."""
        if not isinstance(value, str):
            return self.unlike(value, place)
        if parse_ip(value.strip("[]")) or value.endswith(".") or value.startswith("["):
            return self.unlike(value, place)
        try:
            return parse_domain(value).lower()
        except GrammarError:
            return self.unlike(value, place)


class FieldName(Plain):
    """The name of a field of a header, in lower case (RFC 5322 §3.6.8)."""

    name = "field-name"

    def read(self, value: object, place: Place) -> str | Bad:
        """Take a name without its colon."""
        if isinstance(value, str) and _FIELD_NAME.fullmatch(value):
            return value.lower()
        return self.unlike(value, place)


class RouteName(DomainName):
    """A domain to which mail is sent, or `*` for all others."""

    name = "route-name"

    def read(self, value: object, place: Place) -> str | Bad:
        """Take a domain or `*`."""
        return value if value == "*" else super().read(value, place)


@dataclass(frozen=True, slots=True)
class Mailbox(Plain):
    """The local-part of a mailbox, in lower case; with `every`, also `*` for all of them."""

    every: bool = False
    name: ClassVar[str] = "mailbox"

    def read(self, value: object, place: Place) -> str | Bad:
        """Take what may stand before the @ (RFC 5321 §4.1.2)."""
        if not isinstance(value, str):
            return self.unlike(value, place)
        if value == "*":
            if self.every:
                return value
            place.wrong("alias-for-all")
            return BAD
        try:
            return parse_mailbox(f"{value}@example.org").local.lower()
        except GrammarError:
            text = "mailbox-with-domain" if "@" in value else "not-a-mailbox"
            place.wrong(text, given=given(value), local=value.partition("@")[0])
            return BAD

    def write(self, value: object) -> object:
        """Write the local-part, quoted where RFC 5321 wants it."""
        return value if value == "*" else str(MailboxName(str(value), ""))


class MailAddress(Plain):
    """A whole address, as it stands on the wire."""

    name = "address"

    def read(self, value: object, place: Place) -> str | Bad:
        """Take an address (RFC 5321 §4.1.2)."""
        if isinstance(value, str):
            try:
                return str(parse_mailbox(value))
            except GrammarError:
                pass
        return self.unlike(value, place)


class Listen(Plain):
    """An IP address and a port to listen on."""

    name = "listen"

    def read(self, value: object, place: Place) -> SocketAddress | Bad:
        """Take `IP:PORT`; `localhost` is 127.0.0.1."""
        parts = split_port(value) if isinstance(value, str) else None
        if parts is None:
            return self.unlike(value, place)
        host, port = "127.0.0.1" if parts[0] == "localhost" else parts[0], parse_port(parts[1])
        ip = parse_ip(host)
        if port is None or ip is None:
            return self.unlike(value, place)
        return SocketAddress(str(ip), port)


class Server(Plain):
    """A server that a next hop names, as `HOST:PORT`, the host in lower case."""

    name = "server"

    def read(self, value: object, place: Place) -> str | Bad:
        """Take what stands behind `smtp:` in a next hop."""
        if isinstance(value, str):
            hop = Hop(("smtp",)).of("smtp", value, place)
            if hop is not None:
                return str(SocketAddress(hop.host, hop.port))
        return self.unlike(value, place)


class ListenOrUnix(Listen):
    """The same, or the path of a unix socket."""

    name = "listen-or-unix"

    def read(self, value: object, place: Place) -> SocketAddress | Bad:
        """Take `IP:PORT` or `unix:PATH`."""
        if not isinstance(value, str) or not value.startswith("unix:"):
            return super().read(value, place)
        path = value.removeprefix("unix:")
        whole = str((place.folder / path).absolute())
        octets = len(whole.encode("utf-8", "surrogatepass"))
        if not path or "\0" in path or octets > _LONGEST_PATH:
            place.wrong("socket-path", most=str(_LONGEST_PATH), path=given(whole))
            return BAD
        return SocketAddress("", 0, whole)


class ServerOrUnix(Plain):
    """A program that is asked: a host and a port, or the path of a unix socket."""

    name = "server-or-unix"

    def read(self, value: object, place: Place) -> SocketAddress | Bad:
        """Take `HOST:PORT` or `unix:PATH`."""
        if isinstance(value, str) and value.startswith("unix:"):
            return ListenOrUnix().read(value, place)
        if isinstance(value, str):
            hop = Hop(("smtp",)).of("smtp", value, place)
            if hop is not None:
                return SocketAddress(hop.host, hop.port)
        return self.unlike(value, place)


class FileMode(Plain):
    """Who may open a file, as chmod(1) takes it in octal digits."""

    name = "file-mode"

    def read(self, value: object, place: Place) -> int | Bad:
        """Take `"0660"`."""
        if not isinstance(value, str) or not _MODE.fullmatch(value):
            return self.unlike(value, place)
        return int(value, 8)

    def write(self, value: object) -> object:
        """Write octal digits."""
        return f"{value:04o}" if isinstance(value, int) else value


class NameServer(Plain):
    """The IP address of a resolver, with or without a port."""

    name = "nameserver"

    def read(self, value: object, place: Place) -> SocketAddress | Bad:
        """Take `IP` or `IP:PORT`; without a port it is 53."""
        if isinstance(value, str):
            if ip := parse_ip(value):
                return SocketAddress(str(ip), 53)
            parts = split_port(value)
            ip = parse_ip(parts[0]) if parts else None
            port = parse_port(parts[1]) if parts else None
            if ip and port:
                return SocketAddress(str(ip), port)
        return self.unlike(value, place)


@dataclass(frozen=True, slots=True)
class Address(Plain):
    """An IP address of this machine, or `""` for whichever the system takes."""

    version: int
    name: ClassVar[str] = "ip"

    def read(self, value: object, place: Place) -> str | Bad:
        """Take an IP address of the version."""
        if value == "":
            return ""
        ip = parse_ip(value) if isinstance(value, str) else None
        if ip is None:
            return self.unlike(value, place)
        if ip.version != self.version:
            place.wrong("other-version", version=str(self.version), given=given(value))
            return BAD
        return str(ip)


@dataclass(frozen=True, slots=True)
class NetworkRange(Plain):
    """An IP address or a network in CIDR notation.

    `trusted` names the mistake of trusting the whole world, `""` where that is none.
    """

    trusted: str = ""
    name: ClassVar[str] = "network"

    def read(self, value: object, place: Place) -> Network | Bad:
        """Take a network; one with host bits set is told how to write it."""
        if not isinstance(value, str) or "%" in value:
            return self.unlike(value, place)
        try:
            loose = ipaddress.ip_network(value, strict=False)
        except ValueError:
            return self.unlike(value, place)
        if self.trusted and loose.prefixlen == 0:
            place.wrong(self.trusted, network=str(loose))
            return BAD
        try:
            return ipaddress.ip_network(value)
        except ValueError:
            place.wrong("host-bits", given=given(value), network=str(loose))
            return BAD


class ListCode(Plain):
    """An answer of a DNSBL, or a range of them."""

    name = "list-code"

    def read(self, value: object, place: Place) -> str | Bad:
        """Take what `read_codes` takes."""
        if not isinstance(value, str):
            return self.unlike(value, place)
        from ulak.checks.dnsbl import read_codes  # noqa: PLC0415 -- slow to import, rarely wanted

        try:
            read_codes([value])
        except ValueError:
            return self.unlike(value, place)
        return value


@dataclass(frozen=True, slots=True)
class Hop(Plain):
    """Where mail goes next: one of a few ways, some with a host and a port."""

    ways: tuple[str, ...]
    name: ClassVar[str] = "hop"

    def read(self, value: object, place: Place) -> NextHop | Bad:
        """Take `maildir`, `mx`, `smtp:HOST:PORT`, `lmtp:HOST:PORT`, `lmtp:unix:PATH`, a handler.

        A handler is `pipe:PATH`, the list of a program and its arguments, or an address of the web.
        """
        if isinstance(value, list) and "pipe" in self.ways:
            argv = Argv().read(value, place)
            return BAD if isinstance(argv, Bad) else NextHop("pipe", argv=argv)
        if isinstance(value, str):
            way, colon, rest = value.partition(":")
            if way in ("http", "https") and "http" in self.ways and _URL.fullmatch(value):
                return NextHop("http", url=value)
            if way in self.ways:
                hop = self.of(way, rest if colon else None, place)
                if hop is not None:
                    return hop
        forms = [form for way in self.ways for form in spelled_way(way)]
        place.wrong("not-a-hop", words=", ".join(forms), given=given(value))
        return BAD

    def write(self, value: object) -> object:
        """Write it as it is read: a program with arguments as a list."""
        if isinstance(value, NextHop) and len(value.argv) > 1:
            return list(value.argv)
        return Plain.write(self, value)

    def of(self, way: str, rest: str | None, place: Place) -> NextHop | None:
        """Read what stands behind the way; None where it does not fit."""
        if way in ("maildir", "mx"):
            return NextHop(way) if rest is None else None
        if rest is None or way == "http":
            return None
        if way == "pipe":
            return NextHop(way, argv=(rest,)) if rest[:1] == "/" and "\0" not in rest else None
        if way == "lmtp" and rest.startswith("unix:"):
            path = rest.removeprefix("unix:")
            return NextHop(way, path=str((place.folder / path).absolute())) if path else None
        parts = split_port(rest)
        port = parse_port(parts[1]) if parts else None
        if parts is None or not port:
            return None
        host = parts[0]
        if ip := parse_ip(host):
            return NextHop(way, str(ip), port)
        try:
            return NextHop(way, parse_domain(host).lower(), port)
        except GrammarError:
            return None


def spelled_way(way: str) -> list[str]:
    """Give the forms in which a way is written."""
    forms = {
        "smtp": ["smtp:HOST:PORT"],
        "lmtp": ["lmtp:HOST:PORT", "lmtp:unix:PATH"],
        "pipe": ["pipe:PATH"],
        "http": ["https://HOST/PATH"],
    }
    return forms.get(way, [way])


class Store(Plain):
    """Which database keeps the queue."""

    name = "store"

    def read(self, value: object, place: Place) -> str | Bad:
        """Take `sqlite`, or the URL of a database of PostgreSQL."""
        if value == "sqlite":
            return "sqlite"
        if isinstance(value, str) and value.startswith(("postgresql:", "postgres:")):
            if DATABASE.fullmatch(value):
                return value
            place.wrong("not-a-database", given=given(value))
            return BAD
        place.wrong("not-a-choice", words="sqlite, postgresql://…", given=given(value))
        return BAD


class Database(Plain):
    """The address of a database of PostgreSQL, as libpq has it."""

    name = "database"

    def read(self, value: object, place: Place) -> str | Bad:
        """Take a URL."""
        if not isinstance(value, str):
            return self.unlike(value, place)
        if DATABASE.fullmatch(value):
            return value
        place.wrong("not-a-database", given=given(value))
        return BAD
