"""PROXY headers: what is read, what is refused, and that pieces do not matter."""

from __future__ import annotations

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.server.proxy import Fault, Header, HeaderReader, crc32c

from .proxying import SIGNATURE, binary, line, tls, value

FOUR = Header("192.0.2.7", 40_000, "198.51.100.1", 25)
SIX = Header("2001:db8::7", 65_535, "2001:db8::1", 0)

ports = st.integers(0, 65_535)


def pairs(version: int) -> st.SearchStrategy[Header]:
    def plain(address: object) -> bool:
        return getattr(address, "ipv4_mapped", None) is None

    addresses = st.ip_addresses(v=version).filter(plain).map(str)  # type: ignore[arg-type]
    return st.builds(Header, addresses, ports, addresses, ports)


headers = st.one_of(pairs(4), pairs(6), st.just(Header()), st.just(Header(local=True)))


def read(octets: bytes) -> tuple[Header | Fault | None, bytes]:
    reader = HeaderReader()
    return reader.feed(octets), reader.rest


@given(st.one_of(pairs(4), pairs(6), st.just(Header())), st.binary())
def test_a_line_says_what_was_written(header: Header, behind: bytes) -> None:
    assert read(line(header) + behind) == (header, behind)


@given(
    header=headers,
    noise=st.lists(st.binary(max_size=100)),
    checksum=st.booleans(),
    behind=st.binary(),
)
def test_octets_say_what_was_written(
    *, header: Header, noise: list[bytes], checksum: bool, behind: bytes
) -> None:
    written = binary(header, [value(0x04, each) for each in noise], checksum=checksum)
    assert read(written + behind) == (header, behind)


hostile = st.one_of(
    st.binary(max_size=300),
    st.binary(max_size=300).map(lambda b: b"PROXY " + b),
    st.binary(max_size=300).map(lambda b: SIGNATURE + b),
    st.tuples(headers, st.binary(max_size=60), st.integers(0, 80), st.binary(max_size=3)).map(
        lambda t: (w := binary(t[0], [t[1]], checksum=True))[: t[2]] + t[3] + w[t[2] + 1 :]
    ),
    st.lists(
        st.sampled_from(
            [b"PROXY", b" ", b"TCP4", b"TCP6", b"UNKNOWN", b"1.2.3.4", b"::1", b"25", b"\r", b"\n"]
        ),
        max_size=20,
    ).map(b"".join),
)


@given(hostile, st.integers(1, 20))
def test_whatever_comes_has_an_outcome_and_pieces_do_not_matter(octets: bytes, size: int) -> None:
    whole, rest = read(octets)
    assert whole is None or isinstance(whole, Header | Fault)
    reader = HeaderReader()
    found: Header | Fault | None = None
    at = 0
    while found is None and at < len(octets):
        found = reader.feed(octets[at : at + size])
        at += size
    assert found == whole
    if isinstance(found, Header):
        assert reader.rest + octets[at:] == rest
        if found.ip:
            assert str(ipaddress.ip_address(found.ip)) == found.ip
        assert found.tls.isprintable()


@pytest.mark.parametrize(
    ("octets", "outcome"),
    [
        (b"", None),
        (b"PROX", None),
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r", None),
        (b"PROXY UNKNOWN\r\n", Header()),
        (b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", Header()),
        (b"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n", Header("192.0.2.7", 1, "::1", 2)),
        (b"EHLO c.example\r\n", Fault.ABSENT),
        (b"\x16\x03\x01", Fault.ABSENT),
        (b"proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n", Fault.ABSENT),
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", Fault.LINE),
        (b"PROXY UNKNOWN " + b"x" * 91 + b"\r\n", Header()),
        (b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n", Fault.LINE),
        (b"PROXY UNKNOWN " + b"x" * 93, Fault.LINE),
        (b"PROXY \r\n", Fault.WORDS),
        (b"PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n", Fault.WORDS),
        (b"PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n", Fault.WORDS),
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", Fault.WORDS),
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n", Fault.WORDS),
        (b"PROXY TCP4 1.2.3.4\t5.6.7.8 1 2\r\n", Fault.WORDS),
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 \xd9\xa2\r\n", Fault.WORDS),
        (b"PROXY TCP4 ::1 ::1 1 2\r\n", Fault.ADDRESS),
        (b"PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n", Fault.ADDRESS),
        (b"PROXY TCP6 fe80::1%lo ::1 1 2\r\n", Fault.ADDRESS),
        (b"PROXY TCP4 1.2.3.04 5.6.7.8 1 2\r\n", Fault.ADDRESS),
        (b"PROXY TCP4 1.2.3.256 5.6.7.8 1 2\r\n", Fault.ADDRESS),
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n", Fault.ADDRESS),
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n", Fault.ADDRESS),
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n", Fault.ADDRESS),
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 " + b"9" * 50 + b"\r\n", Fault.ADDRESS),
        (SIGNATURE, None),
        (SIGNATURE[:-1] + b"\r", Fault.ABSENT),
        (SIGNATURE + b"\x11\x11\x00\x0c", Fault.VERSION),
        (SIGNATURE + b"\x22\x11\x00\x0c", Fault.VERSION),
        (SIGNATURE + b"\x20\x00\x00\x00", Header(local=True)),
        (SIGNATURE + b"\x20\xff\x00\x02??", Header(local=True)),
        (SIGNATURE + b"\x21\x00\x00\x00", Header()),
        (SIGNATURE + b"\x21\x12\x00\x0c" + bytes(12), Fault.FAMILY),
        (SIGNATURE + b"\x21\x41\x00\x0c" + bytes(12), Fault.FAMILY),
        (SIGNATURE + b"\x21\x11\x00\x0b" + bytes(11), Fault.LENGTH),
        (SIGNATURE + b"\x21\x11\x00\x0c" + bytes(11), None),
        (SIGNATURE + b"\x21\x21\x00\x0c" + bytes(12), Fault.LENGTH),
        (SIGNATURE + b"\x21\x31\x00\xd8" + bytes(216), Header()),
        (SIGNATURE + b"\x21\x31\x00\xd7" + bytes(215), Fault.LENGTH),
    ],
)
def test_a_header_is_read_strictly(octets: bytes, outcome: Header | Fault | None) -> None:
    assert read(octets)[0] == outcome


@pytest.mark.parametrize(
    "values",
    [
        b"\x04",
        b"\x04\x00",
        b"\x04\x00\x02?",
        b"\x04\x00\x01??",
        b"\x05\x00\x81" + bytes(129),
        b"\x03\x00\x03sum",
        b"\x20\x00\x04\x01\x00\x00\x00",
        b"\x20\x00\x07\x01\x00\x00\x00\x00\x21\x00",
    ],
)
def test_values_have_to_fit(values: bytes) -> None:
    assert read(binary(FOUR, [values]))[0] is Fault.LENGTH


def test_a_checksum_holds_and_there_is_one() -> None:
    good = binary(SIX, [value(0x02, b"mx.example.org")], checksum=True)
    assert read(good)[0] == SIX
    for at in (17, 60, len(good) - 1):
        assert read(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])[0] is Fault.CHECKSUM
    twice = struct.pack("!BH4s", 3, 4, b"sum.")
    assert read(binary(SIX, [twice], checksum=True))[0] in (Fault.LENGTH, Fault.CHECKSUM)
    assert crc32c(b"123456789") == 0xE3069283


def test_what_a_proxy_tells_of_tls_is_known_and_fit_to_be_shown() -> None:
    told = read(binary(FOUR, [tls("TLSv1.3", "TLS_AES_128_GCM_SHA256")]))[0]
    assert isinstance(told, Header)
    assert told.tls == "TLSv1.3 with TLS_AES_128_GCM_SHA256"
    told = read(binary(FOUR, [tls("TLS\r\n1", "\x1b[31m")]))[0]
    assert isinstance(told, Header)
    assert told.tls == "TLS??1 with ?[31m"
    assert read(binary(FOUR, [tls("TLSv1.3", "x", client=0)]))[0] == FOUR
