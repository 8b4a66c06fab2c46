"""A message on its way out (RFC 5321 §4.5.2): our own reader gives it back, in pieces or whole."""

from __future__ import annotations

from tests.fuzz.octets import Octets, pieces, sound

from ulak.smtp.body import BodyReader
from ulak.smtp.client import Encoder, encode
from ulak.smtp.client.message import Mender, mend


def one(data: bytes) -> None:
    given = Octets(data)
    places = given.places()
    message = given.rest()
    wire = encode(message)
    for cut in (places, (-1,)):
        encoder = Encoder()
        assert b"".join([*map(encoder.feed, pieces(message, cut)), encoder.end()]) == wire

        mender = Mender()
        parts = [*map(mender.feed, pieces(message, cut)), mender.end()]
        assert b"".join(parts) == mend(message)

    assert sound(wire)
    assert sound(mend(message))
    reader = BodyReader()
    taken, rest = reader.feed(wire)
    assert (reader.done, rest, reader.bare) == (True, b"", "")
    if sound(message):
        assert taken == (message if message.endswith(b"\r\n") or not message else message + b"\r\n")
    # What it mends is mended for good.
    assert encode(taken) == wire
