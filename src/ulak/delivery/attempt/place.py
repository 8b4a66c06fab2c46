"""A place to try: one address of one host, reached from one source."""

from __future__ import annotations

from typing import NamedTuple

from ulak.delivery.attempt.eyeballs import Head
from ulak.delivery.demands import Demands
from ulak.delivery.pool import Address
from ulak.delivery.source.source import SYSTEM, Source
from ulak.delivery.target import Host


class Place(NamedTuple):
    """One address of one host. The address is an IP text, or the path of a unix socket."""

    host: Host
    address: str
    source: Source = SYSTEM
    head: Head | None = None  # what a race has shown of it

    @property
    def spot(self) -> Address:
        """What is remembered about it is kept under this."""
        return (self.address, 0 if self.host.path else self.host.port)

    @property
    def name(self) -> str:
        """Connections to it are kept under this."""
        return f"{self.host.name}\n{self.address}\n{self.source.name}"

    @property
    def label(self) -> str:
        """Name it for people: `mx.example.net [192.0.2.1]:25`."""
        host, address = self.host, self.address
        where = f"[{address}]" if host.path else f"[{address}]:{host.port}"
        return where if host.name in ("", address) else f"{host.name} {where}"

    def named(self, demands: Demands) -> str:
        """Give the name to ask for in the handshake (SNI); an IP is none.

        Where the certificate is looked at, it is looked at for this name, or for the address.
        """
        name = self.host.name
        if demands.dane is not None:  # RFC 7672 §8.1, though none of the records can be used
            return demands.dane.base
        if name not in ("", self.address) and ":" not in name and not name.startswith("["):
            return name
        return self.address if demands.required else ""
