"""The records that a domain needs, as far as its server knows them.

A server behind a translator of addresses does not know its own, and nobody but the owner knows who
else sends in the name of a domain: what cannot be known is said and not guessed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ulak.keys.key import DkimKey, Stage, strings


class Purpose(StrEnum):
    """What a record is for."""

    MX = "mx"
    ADDRESS = "address"
    REVERSE = "reverse"
    SPF = "spf"
    DKIM = "dkim"
    DMARC = "dmarc"


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain and its server. `addresses` are the server's own, as far as they are known.

    `relays` are the servers through which its mail goes out, if it does not do so itself.
    """

    name: str
    hostname: str
    addresses: tuple[str, ...] = ()
    relays: tuple[str, ...] = ()
    keys: Sequence[DkimKey] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """One record. `value` is as a zone file has it, but for quotes; `""` where it is not known.

    `note` names a text about it (`cli/texts`, `dns.note.`), `""` for none, with `facts`.
    """

    purpose: Purpose
    name: str
    kind: str
    value: str
    note: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    key: DkimKey | None = None

    def line(self) -> str:
        """Write the record as a line of a zone file (RFC 1035 §5.1)."""
        value = self.value
        if self.kind == "TXT":
            escaped = (one.replace("\\", "\\\\").replace('"', '\\"') for one in strings(value))
            quoted = [f'"{one}"' for one in escaped]
            value = quoted[0] if len(quoted) == 1 else f"( {' '.join(quoted)} )"
        return f"{self.name}. IN {self.kind} {value}"


def wanted(domain: Domain) -> tuple[Wanted, ...]:
    """Give the records in the order in which they are best published."""
    return (*_host(domain), *_mx(domain), *_spf(domain), *_dkim(domain), *_dmarc(domain))


def family(address: str) -> str:
    """Give the kind of record that has an address."""
    return "AAAA" if ":" in address else "A"


def reverse(address: str, hostname: str) -> Wanted:
    """Give the record that leads from an address to the name of its server (RFC 1035 §3.5)."""
    name = ipaddress.ip_address(address).reverse_pointer
    return Wanted(Purpose.REVERSE, name, "PTR", f"{hostname}.", "reverse", (("address", address),))


def _host(domain: Domain) -> Iterator[Wanted]:
    for address in domain.addresses:
        yield Wanted(Purpose.ADDRESS, domain.hostname, family(address), address)
        yield reverse(address, domain.hostname)
    if not domain.addresses:
        yield Wanted(Purpose.ADDRESS, domain.hostname, "A", "", "addresses-unknown")


def _mx(domain: Domain) -> Iterator[Wanted]:
    yield Wanted(Purpose.MX, domain.name, "MX", f"10 {domain.hostname}.")


def _spf(domain: Domain) -> Iterator[Wanted]:
    terms = ["mx"]
    if domain.addresses:
        terms += [f"ip{6 if ':' in each else 4}:{each}" for each in domain.addresses]
    else:
        terms.append(f"a:{domain.hostname}")
    note = "spf-relays" if domain.relays else "spf-others"
    facts = (("relays", ", ".join(domain.relays)),) if domain.relays else ()
    record = f"v=spf1 {' '.join(terms)} ~all"
    yield Wanted(Purpose.SPF, domain.name, "TXT", record, note, facts)


def _dkim(domain: Domain) -> Iterator[Wanted]:
    for key in domain.keys:
        note = {Stage.NEW: "dkim-new", Stage.RETIRED: "dkim-retired"}.get(key.stage, "")
        facts = (("domain", key.domain), ("selector", key.selector))
        yield Wanted(Purpose.DKIM, key.name, "TXT", key.record, note, facts, key)
    if not domain.keys:
        name = f"_domainkey.{domain.name}"
        yield Wanted(Purpose.DKIM, name, "TXT", "", "dkim-none", (("domain", domain.name),))


def _dmarc(domain: Domain) -> Iterator[Wanted]:
    record = f"v=DMARC1; p=none; rua=mailto:postmaster@{domain.name}"
    yield Wanted(Purpose.DMARC, f"_dmarc.{domain.name}", "TXT", record, "dmarc")
