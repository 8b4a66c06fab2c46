"""Which network an IP address of a client counts for: whoever sends has more addresses than one."""

from __future__ import annotations

import ipaddress

IPV4_BITS = 24
IPV6_BITS = 64  # one customer has at least that


def network_of(ip: str) -> str:
    """Give the network, as `192.0.2.0/24` or `2001:db8::/64`; `""` for what is no address."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ""
    address = getattr(address, "ipv4_mapped", None) or address
    bits = IPV4_BITS if isinstance(address, ipaddress.IPv4Address) else IPV6_BITS
    whole = int(address) >> (address.max_prefixlen - bits) << (address.max_prefixlen - bits)
    return f"{type(address)(whole)}/{bits}"
