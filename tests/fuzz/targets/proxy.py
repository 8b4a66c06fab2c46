"""The header of the PROXY protocol: read the same in any pieces, believed only if it is sound."""

from __future__ import annotations

from ipaddress import ip_address

from tests.fuzz.octets import Octets, pieces

from ulak.server.proxy import Fault, Header, HeaderReader

_BINARY = b"\r\n\r\n\x00\r\nQUIT\n"


def read(parts: list[bytes]) -> tuple[Header | Fault | None, bytes]:
    """Feed pieces; give what the header says and what came behind it."""
    reader = HeaderReader()
    got: Header | Fault | None = None
    for number, part in enumerate(parts):
        got = reader.feed(part)
        if got is not None:
            behind = b"".join(parts[number + 1 :]) if isinstance(got, Header) else b""
            return got, reader.rest + behind if isinstance(got, Header) else b""
    return got, b""


def one(data: bytes) -> None:
    given = Octets(data)
    beginning = given.choice(
        (b"", b"PROXY ", _BINARY, _BINARY + b"\x21\x11", _BINARY + b"\x21\x21")
    )
    places = given.places()
    sent = beginning + given.rest()
    if not sent:
        return
    got, rest = read([sent])
    assert read(pieces(sent, places)) == (got, rest)
    assert read(pieces(sent, (-1,))) == (got, rest)
    if isinstance(got, Header):
        assert sent.endswith(rest)
        assert got.tls.isprintable()
        for ip, port in ((got.ip, got.port), (got.own_ip, got.own_port)):
            assert 0 <= port <= 0xFFFF
            assert not ip or str(ip_address(ip)) == ip
            assert not got.local or not ip
