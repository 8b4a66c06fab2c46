"""A chain of seals (RFC 8617): judged whatever it is, and one more set added to it."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.checks.dkim.wiring import drive, zone_of
from tests.fuzz.octets import Octets, pieces, sound

from ulak.checks import arc
from ulak.checks.dkim import Key
from ulak.mail import message as mail

_NOW = 1_790_000_000.0
_KEY = Key("a.example", "s", Ed25519PrivateKey.from_private_bytes(b"\x07" * 32))
_ZONE = zone_of(_KEY)
_SEALER = arc.Sealer(_KEY, "mx.a.example")
_START = b"From: a@a.example\r\n\r\n"


def one(data: bytes) -> None:
    given = Octets(data)
    places, sets = given.places(), given.number(2)
    octets = given.rest()

    message = octets
    for _ in range(sets):  # what a stranger wrote stands under, or is in front of, a true chain
        header, body = mail.split(message)
        found = drive(arc.verify(_ZONE, message, now=_NOW))
        message = _SEALER.seal(header, body, found, (), _NOW) + message
    judged(message, places)
    judged(octets + message, places)
    judged(octets + _START, places)


def judged(message: bytes, places: tuple[int, ...]) -> None:
    """Judge a message whole and in pieces, and seal what came of it."""
    finding = drive(arc.verify(_ZONE, message, now=_NOW))
    assert finding.reasons
    assert all(str(reason) for reason in finding.reasons)
    assert (finding.oldest_pass is not None) == finding.passed
    header, body = mail.split(message)
    reading = arc.Reading(header, now=_NOW)
    for piece in pieces(body, places):
        reading.feed(piece)
    assert drive(reading.judge(_ZONE)) == finding

    added = _SEALER.seal(header, body, finding, (), _NOW)
    if not added:
        return
    assert added.isascii()
    assert sound(added)
    fields = mail.raw_fields(added)
    assert [name for name, _ in fields] == [
        b"arc-seal",
        b"arc-message-signature",
        b"arc-authentication-results",
    ]
    after = drive(arc.verify(_ZONE, added + message, now=_NOW))
    if header != b"".join(octets for _, octets in mail.raw_fields(header)):
        return  # its first lines would become part of our last field
    assert after.instance == finding.instance + 1
    assert after.passed == (finding.result is not arc.Result.FAIL)
