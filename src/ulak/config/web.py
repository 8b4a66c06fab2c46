"""The settings of the web pages, and what of them does not go together."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path as File

from ulak.config.kinds import BAD, Bad, Count, FileName, Flag, ListOf, Plain
from ulak.config.lines import Path
from ulak.config.mistake import Place, Report
from ulak.config.names import DomainName, Listen, NetworkRange
from ulak.config.sections import Section, setting
from ulak.config.values import Network, SocketAddress, parse_ip, parse_port, split_port

_SCHEMES = {"http": 80, "https": 443}


class Listens(Plain):
    """Where to listen: one address, several, or `""` for nowhere."""

    name = "listens"

    def read(self, value: object, place: Place) -> tuple[SocketAddress, ...] | Bad:
        """Take `IP:PORT`, a list of such, or an empty text."""
        if value == "":
            return ()
        if isinstance(value, list):
            return ListOf(Listen()).read(value, place)
        one = Listen().read(value, place)
        return BAD if isinstance(one, Bad) else (one,)

    def write(self, value: object) -> object:
        """Write one address as a text, several as a list."""
        texts = [str(one) for one in value] if isinstance(value, tuple) else []
        return texts if len(texts) > 1 else "".join(texts)


class HostName(Plain):
    """What a browser asks for: a domain name or an IP address, in lower case."""

    name = "host-name"

    def read(self, value: object, place: Place) -> str | Bad:
        """Take a name or an address, without a port."""
        ip = parse_ip(value.strip("[]")) if isinstance(value, str) else None
        if ip is not None:
            return str(ip)
        quiet = Report("", {})
        found = DomainName().read(value, Place(quiet))
        return self.unlike(value, place) if isinstance(found, Bad) else found


class SiteAddress(Plain):
    """The address of a web site, without a path: `https://mx.example.org`."""

    name = "site-address"

    def read(self, value: object, place: Place) -> str | Bad:
        """Take a scheme, a host, and a port where it is not the scheme's own."""
        if value == "":
            return ""
        found = read_site(value) if isinstance(value, str) else None
        return self.unlike(value, place) if found is None else found


@dataclass(frozen=True, slots=True, kw_only=True)
class WebTls:
    """TLS of the web pages, as of a listener: one file may hold both, and none is needed."""

    certificate: File | None = setting(FileName(), None)
    key: File | None = setting(FileName(), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """Where the web pages and the API are, and who may see what there.

    No `addresses`: nobody serves them. `base` is how others reach the site, without a slash at
    its end, `""` where that is not known.
    """

    addresses: tuple[SocketAddress, ...] = setting(
        Listens(), (SocketAddress("127.0.0.1", 8025),), key="address"
    )
    tls: WebTls | None = setting(Section(WebTls), None)
    hosts: tuple[str, ...] = setting(ListOf(HostName()), ())
    base: str = setting(SiteAddress(), "")
    console: bool = setting(Flag(), default=True)
    private: bool = setting(Flag(), default=False)
    proxies: tuple[Network, ...] = setting(ListOf(NetworkRange(trusted="everybody-believed")), ())
    connections: int = setting(Count(1, 100_000), 1000)
    connections_per_client: int = setting(Count(1, 100_000), 200)


def check_web(path: Path, web: Web, report: Report) -> None:
    """Look whether the console is kept from who listens in, and the limits are in order."""
    if web.tls is not None:
        from ulak.config.certificates import check_pair  # noqa: PLC0415 -- ssl is slow

        check_pair((*path, "tls"), web.tls.certificate, web.tls.key, report)
    far = [one for one in web.addresses if not ipaddress.ip_address(one.host).is_loopback]
    if far and web.console and web.tls is None and not web.proxies:
        paths = ((*path, "console"), (*path, "address"))
        report.clash(paths, "console-in-clear", address=str(far[0]))
    if far and web.tls is not None and web.tls.certificate is None:
        report.warn((*path, "tls"), "own-certificate", address=str(far[0]))
    if web.connections_per_client > web.connections:
        paths = ((*path, "connections"), (*path, "connections_per_client"))
        report.clash(paths, "client-over-all-web")


def read_listen(text: str) -> SocketAddress | None:
    """Read an address to listen on as the file has it; None for anything else."""
    found = Listen().read(text, Place(Report("", {})))
    return None if isinstance(found, Bad) else found


def read_site(text: str) -> str | None:
    """Put the address of a site into one form; None for anything else."""
    scheme, mark, rest = text.partition("://")
    scheme, rest = scheme.lower(), rest.removesuffix("/")
    if not mark or scheme not in _SCHEMES:
        return None
    port: int | None = _SCHEMES[scheme]
    whole = not rest.endswith("]") and ":" in rest
    parts = split_port(rest) if whole else (rest.strip("[]"), str(port))
    if parts is None:
        return None
    host, port = parts[0], parse_port(parts[1])
    name = HostName().read(host, Place(Report("", {})))
    if isinstance(name, Bad) or not port:
        return None
    name = f"[{name}]" if ":" in name else name
    return f"{scheme}://{name}" + ("" if port == _SCHEMES[scheme] else f":{port}")
