"""Whether the name of an address looks like one that a provider gives to every address it has.

Receivers take such names for dial-in customers and infected machines: the octets of the address,
or words such as `dsl`, `pool` and `dynamic`, stand in them.
"""

from __future__ import annotations

import ipaddress

from ulak.checks.dnsbl import normalise

_WORDS = frozenset(
    {"dyn", "dynamic", "dynamicip", "pool", "pools", "dhcp", "dsl", "adsl", "vdsl", "xdsl", "sdsl",
     "cable", "cablemodem", "catv", "dial", "dialup", "dialin", "ppp", "pppoe", "broadband", "ftth",
     "fiber", "res", "residential", "cust", "customer", "customers", "client", "clients", "cpe",
     "unassigned", "unknown", "static", "staticip", "hsd", "wimax", "lte", "mobile", "user"}
)  # fmt: skip
_DIGITS = "0123456789"
_DOMAIN = 2  # labels at the end that are the provider's own name
_IPV4_OCTETS = 4
_ENOUGH = 3  # octets of an IPv4 address in its name


def looks_generic(name: str, ip: str) -> bool:
    """Tell by the labels before the domain. ValueError if `ip` is no address."""
    labels = name.lower().split(".")
    words = [
        word
        for label in labels[:-_DOMAIN] or labels[:1]
        for word in label.replace("_", "-").split("-")
    ]
    if any(word.strip(_DIGITS) in _WORDS for word in words):
        return True
    address = normalise(ip)
    joined = "".join(words)
    if isinstance(address, ipaddress.IPv6Address):
        return address.exploded.replace(":", "")[16:] in joined
    octets = str(address).split(".")
    numbers = [word.lstrip("0") or "0" for word in words if word.strip(_DIGITS) == "" and word]
    # The first word may have letters before the number: ip192-0-2-25.
    numbers += [word.lstrip("abcdefghijklmnopqrstuvwxyz").lstrip("0") for word in words[:1]]
    found = sum(octet in numbers for octet in octets)
    whole = ("".join(octet.zfill(3) for octet in octets), address.packed.hex())
    return found >= _ENOUGH + (len(set(octets)) < _IPV4_OCTETS) or any(w in joined for w in whole)
