"""Addresses that nobody on the Internet can reach (RFC 6890)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

_NETWORKS = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
        "224.0.0.0/4", "240.0.0.0/4", "::/96", "64:ff9b:1::/48", "100::/64", "2001:10::/28",
        "2001:20::/28", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
        # What a cloud tells its machines about themselves, at an address that looks public.
        "168.63.129.16/32",
    )
)  # fmt: skip
# Prefixes behind which the last 32 bits are an IPv4 address: mapped (RFC 4291 §2.5.5.2),
# translated (RFC 2765 §2.1) and that of NAT64 (RFC 6052 §2.1).
_MAPPED, _TRANSLATED = (
    ipaddress.ip_network("::ffff:0:0/96"),
    ipaddress.ip_network("::ffff:0:0:0/96"),
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_ISATAP = (0x00005EFE, 0x02005EFE)  # in front of the address, within any prefix (RFC 5214 §6.1)
_LAST = 0xFFFFFFFF


def private(text: str) -> bool:
    """Whether an address is one of a private network, of this machine, or of nobody.

    An IPv6 address that has an IPv4 one within counts as that, too.
    """
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        mapped = any(address in network for network in (_MAPPED, _TRANSLATED, _NAT64))
        if any(_private(within) for within in _within(address)):
            return True
        if mapped:
            return False
    return _private(address)


def _private(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return any(address in network for network in _NETWORKS)


def _within(address: ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    """Give the IPv4 addresses that are written into one of IPv6: 6to4, Teredo and others."""
    number = int(address)
    last = ipaddress.IPv4Address(number & _LAST)
    if any(address in network for network in (_MAPPED, _TRANSLATED, _NAT64)):
        yield last
    if number >> 32 & _LAST in _ISATAP:
        yield last
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo


def literal(name: str) -> bool:
    """Whether a name is an address that was written where a name belongs."""
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
