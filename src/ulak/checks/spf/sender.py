"""Who sends, from where: the arguments of `check_host()` and what macros make of them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from ulak.checks.dnsbl import normalise
from ulak.dns.names import to_ascii

_LONGEST_LOCAL_PART = 1_000  # SMTP has 64 (RFC 5321 §4.5.3.1.1); who asks by hand may have more
_LONGEST_HELO = 300
_HEX_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Sender:
    """The client's address and the identity it uses (RFC 7208 §4.1).

    `domain` is what the identity names, in ASCII where that is possible; `fit` whether it can have
    a record at all (§4.3). `number` is the address as a number of `width` bits.
    """

    ip: str
    version: int
    number: int
    width: int
    identity: str
    local_part: str
    domain: str
    fit: bool
    helo: str

    @property
    def kind(self) -> str:
        """The kind of record that holds such an address."""
        return "A" if self.version == 4 else "AAAA"  # noqa: PLR2004 -- IPv4

    @property
    def labels(self) -> str:
        """The address as the macro `i` gives it: for IPv6 nibble by nibble (§7.3)."""
        return self.ip if self.kind == "A" else ".".join(f"{self.number:0{_HEX_DIGITS}X}")

    @property
    def reverse_name(self) -> str:
        """Where the PTR records of the address are."""
        return f"{'.'.join(reversed(self.labels.split('.')))}.{self.tree}.arpa"

    @property
    def tree(self) -> str:
        """What the macro `v` gives."""
        return "in-addr" if self.kind == "A" else "ip6"

    def holds(self, addresses: tuple[str, ...], length: int) -> bool:
        """Whether one of these addresses has the same first bits."""
        shift = self.width - length
        mine = self.number >> shift
        for text in addresses:
            try:
                address = ipaddress.ip_address(text)
            except ValueError:
                continue
            if address.version == self.version and int(address) >> shift == mine:
                return True
        return False

    def values(self, domain: str, receiver: str, now: float, validated: str) -> dict[str, str]:
        """Give what the letters of macros stand for in a record of `domain` (§7.2)."""
        return {
            "s": f"{self.local_part}@{self.domain}",
            "l": self.local_part,
            "o": self.domain,
            "d": domain,
            "i": self.labels,
            "p": validated,
            "v": self.tree,
            "h": self.helo,
            "c": self.ip,
            "r": receiver or "unknown",
            "t": str(int(now)),
        }


def read(ip: str, helo: str, mail_from: str) -> Sender:
    """Tell the identity: the reverse-path, or with a null one what HELO said (§2.3, §2.4).

    ValueError if `ip` is no address.
    """
    address = normalise(ip)
    hostname = to_ascii(helo)
    if mail_from:
        identity = "mailfrom"
        local_part, _, named = mail_from.rpartition("@")
    else:
        identity, local_part, named = "helo", "", helo
    domain = to_ascii(named)
    return Sender(
        str(address),
        address.version,
        int(address),
        address.max_prefixlen,
        identity,
        local_part[: _LONGEST_LOCAL_PART + 1] or "postmaster",
        named[:_LONGEST_HELO] if domain is None else domain,
        domain is not None and is_fit(domain) and len(local_part) <= _LONGEST_LOCAL_PART,
        hostname or helo[:_LONGEST_HELO],
    )


def is_fit(name: str) -> bool:
    """Whether a name can have a record: more than one label, and no address in brackets (§4.3)."""
    return "." in name and not name.startswith("[")
