"""What a domain and its hosts say of TLS: DANE (RFC 7672) and MTA-STS (RFC 8461)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ulak.checks.dane import TRUST_ANCHOR, Tlsa
from ulak.checks.mta_sts import Mode


@dataclass(frozen=True, slots=True)
class Dane:
    """What signed DNS says of one host.

    `base` is the name whose TLSA records these are, and by which the host is asked for its
    certificate (RFC 7672 §2.2.2). Without records, `problem` says why they are not known, and
    `heard`, which is for the operator alone, what our resolver said; where nothing is said, there
    are some and none can be used: TLS, and no proof (§2.2). `ttl` is for how many seconds that
    holds.
    """

    base: str
    records: tuple[Tlsa, ...] = ()
    problem: str = ""
    ttl: int = 0
    heard: str = ""

    @property
    def anchored(self) -> bool:
        """Whether a record names who signs the certificate, so that its names count."""
        return any(record.usage == TRUST_ANCHOR for record in self.records)


@dataclass(frozen=True, slots=True)
class Sts:
    """The policy of a domain as it holds now. `mx` are patterns of hosts.

    `problem` is why it could not be fetched lately: the one that is known goes on to hold, and
    where there is none, `mode` is `none`. `fault` is the same as RFC 8460 §4.3 names it.
    """

    domain: str
    mode: Mode
    id: str = ""
    mx: tuple[str, ...] = ()
    max_age: int = 0
    problem: str = ""
    fault: str = ""

    @property
    def binding(self) -> bool:
        """Whether mail waits rather than go another way."""
        return self.mode is Mode.ENFORCE


class Policies(Protocol):
    """Who knows what domains say of TLS."""

    async def of(self, domain: str) -> Sts | None:
        """Give the policy of a domain, None where it has none. Never raises but when cancelled."""
