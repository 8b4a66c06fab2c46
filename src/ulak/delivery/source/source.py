"""A source: an address to send from and the name that is said there; and pools of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ulak.delivery.source.warmup import Plan


@dataclass(frozen=True, slots=True)
class Source:
    """One source. `hostname` is what it says in EHLO, `""` the server's own name.

    `free`: where it has no address of a family the system takes one; else it does without that
    family. The one with the name `""` is there where none is configured.
    """

    name: str
    address: str = ""  # IPv4
    address6: str = ""
    hostname: str = ""
    plan: Plan | None = None
    free: bool = False

    def of(self, host: str) -> str | None:
        """Give the address from which to reach a host's address, `""` for any, None for none."""
        address = self.address6 if ":" in host else self.address
        return address if address or self.free else None

    @property
    def addresses(self) -> tuple[str, ...]:
        """Its addresses."""
        return tuple(filter(None, (self.address, self.address6)))


@dataclass(frozen=True, slots=True)
class Pool:
    """Sources that stand in for each other, by name, each with its weight; 0 rests."""

    name: str
    weights: Mapping[str, int] = field(default_factory=dict)


SYSTEM = Source("", free=True)
