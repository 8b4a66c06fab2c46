"""No way of writing an address hides that it is one of somebody's own network."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.diagnose.domain.addresses import private

INSIDE = [
    "0.0.0.0", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.1",
    "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192",
    "192.88.99.1", "192.168.1.1", "198.18.0.1", "224.0.0.1", "239.255.255.255", "255.255.255.255",
    "168.63.129.16",
    "::", "::1", "::7f00:1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1",
    "ff02::1", "64:ff9b:1::1", "100::1", "2001:10::1", "2001:20::1", "5f00::1",
]  # fmt: skip
OUTSIDE = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
    "126.255.255.255", "128.0.0.0", "169.253.255.255", "172.15.255.255", "172.32.0.0",
    "192.167.255.255", "192.169.0.0", "198.17.255.255", "223.255.255.255", "168.63.129.17",
    "2001:4860:4860::8888", "2a01:4f8::1", "2002:808:808::1", "64:ff9b::808:808",
    "::ffff:8.8.8.8",
]  # fmt: skip


def _in_ipv6(high: int) -> Callable[[ipaddress.IPv4Address], ipaddress.IPv6Address]:
    return lambda inner: ipaddress.IPv6Address(high | int(inner))


WRITTEN: dict[str, Callable[[ipaddress.IPv4Address], ipaddress.IPv6Address]] = {
    "mapped": _in_ipv6(0xFFFF << 32),
    "translated": _in_ipv6(0xFFFF << 48),
    "nat64": _in_ipv6(0x64FF9B << 96),
    "isatap": _in_ipv6(0x2A0104F8 << 96 | 0x5EFE << 32),
    "isatap-universal": _in_ipv6(0x2A0104F8 << 96 | 0x02005EFE << 32),
    "6to4": lambda inner: ipaddress.IPv6Address(0x2002 << 112 | int(inner) << 80 | 1),
    "teredo-client": lambda inner: ipaddress.IPv6Address(
        0x20010000 << 96 | 0x08080808 << 64 | (int(inner) ^ 0xFFFFFFFF)
    ),
    "teredo-server": lambda inner: ipaddress.IPv6Address(
        0x20010000 << 96 | int(inner) << 64 | (0x08080808 ^ 0xFFFFFFFF)
    ),
}
ADDRESSES = st.one_of(
    st.ip_addresses(v=4, network="10.0.0.0/8"),
    st.ip_addresses(v=4, network="127.0.0.0/8"),
    st.ip_addresses(v=4, network="169.254.0.0/16"),
    st.ip_addresses(v=4, network="192.168.0.0/16"),
    st.ip_addresses(v=4, network="100.64.0.0/10"),
    st.ip_addresses(v=4, network="172.16.0.0/12"),
    st.ip_addresses(v=4, network="224.0.0.0/3"),
)


@pytest.mark.parametrize("text", INSIDE)
def test_an_address_of_nobody_outside_is_refused(text: str) -> None:
    assert private(text)


@pytest.mark.parametrize("text", OUTSIDE)
def test_an_address_of_the_internet_is_not(text: str) -> None:
    assert not private(text)


@pytest.mark.parametrize("way", WRITTEN)
@given(inner=ADDRESSES)
def test_it_is_found_within_any_other(way: str, inner: ipaddress.IPv4Address) -> None:
    outer = WRITTEN[way](inner)
    for text in (str(outer), outer.exploded, outer.exploded.upper(), f"{outer}%1"):
        assert private(text), text


@pytest.mark.parametrize("way", WRITTEN)
def test_what_is_within_may_be_public(way: str) -> None:
    assert not private(str(WRITTEN[way](ipaddress.IPv4Address("8.8.4.4"))))
