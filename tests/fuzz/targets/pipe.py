"""TLS of strangers (RFC 8446): a problem by its name comes of it, and nothing that was said."""

from __future__ import annotations

import contextlib
import ssl

from tests.fuzz.octets import Octets, pieces
from tests.server.dialogue import client_context, server_context

from ulak.server.pipe import TlsPipe

_ANSWER = 65_536  # octets that a handshake may be answered with


def one(data: bytes) -> None:
    given = Octets(data)
    established, behind_hello = given.flag(), given.flag()
    places = given.places()
    sent = given.rest()
    pipe = server_context().pipe()
    if established:
        shake(pipe)
    elif behind_hello:
        sent = hello() + sent
    for part in pieces(sent, places):
        assert pipe.receive(part) == b""
        assert len(pipe.outgoing()) < _ANSWER
    assert pipe.established == established
    assert pipe.problem.isprintable()
    pipe.send(b"250 ok\r\n")
    pipe.end()
    pipe.outgoing()


def hello() -> bytes:
    """Give what a client begins with."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_context().wrap_bio(incoming, outgoing)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    message = "nobody has answered"
    raise AssertionError(message)


def shake(pipe: TlsPipe) -> None:
    """Shake hands as a client does."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_context().wrap_bio(incoming, outgoing)
    while not pipe.established:
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.do_handshake()
        pipe.receive(outgoing.read())
        incoming.write(pipe.outgoing())
