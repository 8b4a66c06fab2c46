"""Where reports may go: nobody gets reports about others who has not said so (RFC 9990 §4).

A destination outside of the organizational domain has to publish a record that it is willing, at
`<policy domain>._report._dmarc.<its own host>`, and may name there another address at the same
host. RFC 9991 §5 asks for the same of failure reports, with the tag ruf.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ulak.checks.dmarc.record import read
from ulak.checks.dmarc.uris import ReportURI
from ulak.checks.dmarc.walk import Walker
from ulak.dns.names import to_ascii
from ulak.dns.records import Resolver

MOST = 5  # destinations of one record: the limit that RFC 9990 §3.5 lets a receiver have


class Why(StrEnum):
    """Why a destination is passed over, or has to wait."""

    SCHEME = "scheme"  # it is no mailbox
    MANY = "many"  # more are named than are served
    NO_HOST = "no-host"  # what follows the @ is no domain
    LONG_NAME = "long-name"  # the name that would have to be asked for is too long for DNS
    NOT_WILLING = "not-willing"  # it has not said that it takes reports about this domain
    OTHER_HOST = "other-host"  # it names an address at yet another host
    DNS = "dns"  # DNS does not answer; to be asked again
    TOO_LARGE = "too-large"  # the report is larger than it wants
    REFUSED = "refused"  # the queue did not take it
    OLD = "old"  # it could not be sent in days
    UNSIGNED = "unsigned"  # mail with it would have no signature, and such reports are ignored
    NOT_POSTED = "not-posted"  # its address of HTTPS did not take it


@dataclass(frozen=True, slots=True)
class Willing:
    """Reports may go to these addresses, in the place of the one that was asked about."""

    addresses: tuple[str, ...]
    external: bool = False


@dataclass(frozen=True, slots=True)
class Unwilling:
    """No reports may go there."""

    why: Why


@dataclass(frozen=True, slots=True)
class Unsure:
    """DNS did not answer: to be asked again later."""

    name: str


Standing = Willing | Unwilling | Unsure


async def verify(
    resolver: Resolver, uri: ReportURI, *, domain: str, organizational: str = "", tag: str = "rua"
) -> Standing:
    """Ask whether a destination that the record at `domain` names takes reports.

    `organizational` is the organizational domain of the author. It is that of `domain`, too, unless
    the record is a public suffix's, above all of them; then, and without it, that is looked for.
    """
    if not f".{domain}".endswith(f".{organizational}"):
        organizational = ""
    if not uri.address:
        return Unwilling(Why.SCHEME)
    host = to_ascii(uri.address.rpartition("@")[2])
    if not host:
        return Unwilling(Why.NO_HOST)
    if host == domain:
        return Willing((uri.address,))
    for name in (domain, host):
        if name == domain and organizational:
            continue
        walk = await Walker(resolver).walk(name)
        if not walk.complete:
            return Unsure(name)
        if name == domain:
            organizational = walk.organizational
        elif walk.organizational == organizational:
            return Willing((uri.address,))
    return await _asked(resolver, uri, domain, host, tag)


async def _asked(resolver: Resolver, uri: ReportURI, domain: str, host: str, tag: str) -> Standing:
    name = to_ascii(f"{domain}._report._dmarc.{host}")
    if not name:
        return Unwilling(Why.LONG_NAME)
    answer = await resolver.resolve(name, "TXT")
    if answer.failed:
        return Unsure(name)
    records = [found for r in answer.records if isinstance(r, bytes) and (found := read(r))]
    if not records:
        return Unwilling(Why.NOT_WILLING)
    others = [other for record in records for other in getattr(record, tag) if other.address]
    if not others:
        return Willing((uri.address,), external=True)
    addresses = dict.fromkeys(other.address for other in others[:MOST])
    # The whole destination falls with one such address, and the one asked for with it.
    if any(to_ascii(address.rpartition("@")[2]) != host for address in addresses):
        return Unwilling(Why.OTHER_HOST)
    return Willing(tuple(addresses), external=True)
