"""Questions and answers of DNS as values (RFC 1035, RFC 2308, RFC 4035 §3.2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Status(StrEnum):
    """How a question ended."""

    OK = "ok"
    NO_DATA = "no-data"  # the name exists, but has no such record
    NXDOMAIN = "nxdomain"  # the name does not exist
    SERVFAIL = "servfail"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    MALFORMED = "malformed"  # an answer that could not be read


@dataclass(frozen=True, slots=True)
class MX:
    """One MX record. `exchange` is in lower case without a last dot, `""` the root (RFC 7505)."""

    preference: int
    exchange: str


Record = str | bytes | MX
"""A and AAAA: the address as text. PTR, CNAME, NS: a name in lower case without a last dot. TXT:
the strings of one record joined to octets (RFC 7208 §3.3). MX: `MX`. Others: presentation text."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one question. A failure is a value too: what the world did is no exception.

    `ttl` is in seconds; `canonical` is the name at the end of the CNAME chain; `authentic` is the
    AD bit of a resolver that validates; `detail` says more of a failure, for a person.
    """

    name: str
    kind: str
    status: Status
    records: tuple[Record, ...] = ()
    ttl: int = 0
    canonical: str = ""
    authentic: bool = False
    detail: str = ""

    @property
    def absent(self) -> bool:
        """Whether it is certain that there is no such record."""
        return self.status in (Status.NO_DATA, Status.NXDOMAIN)

    @property
    def failed(self) -> bool:
        """Whether nothing is known: the question has to be asked again later."""
        return self.status not in (Status.OK, Status.NO_DATA, Status.NXDOMAIN)

    @property
    def texts(self) -> tuple[str, ...]:
        """The records that are text (A, AAAA, PTR, CNAME, NS)."""
        return tuple(r for r in self.records if isinstance(r, str))

    @property
    def exchanges(self) -> tuple[MX, ...]:
        """The records that are MX."""
        return tuple(r for r in self.records if isinstance(r, MX))


class Resolver(Protocol):
    """Who is asked."""

    async def resolve(self, name: str, kind: str) -> Answer:
        """Ask for the records of a kind (`A`, `MX`, `TXT` …) at a name. Never raises."""
