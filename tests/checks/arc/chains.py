"""Messages that passed servers which seal."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cache

from tests.checks.dkim.wiring import BODY, HEADER, NOW, drive, ed_key, rsa_key, zone_of

from ulak.checks.arc import Finding, Sealer, verify
from ulak.checks.dkim import Key
from ulak.checks.dkim.canonical import Form
from ulak.checks.dkim.canonical import field as canonical
from ulak.checks.dkim.hashing import BodyHash
from ulak.checks.dkim.header import SignedHeader
from ulak.checks.results import Property, Resinfo
from ulak.dns.records import Resolver
from ulak.mail import message as mail

ONE = Key("one.example", "s1", rsa_key())
TWO = Key("two.example", "s2", ed_key())
THREE = Key("three.example", "s3", rsa_key(1024))
KEYS = (ONE, TWO, THREE)
ZONE = zone_of(*KEYS)
SAID = (Resinfo("spf", "pass", (Property("smtp", "mailfrom", "ada@example.org"),)),)
MESSAGE = HEADER + b"\r\n" + BODY


def judged(message: bytes, zone: Resolver = ZONE, now: float = NOW) -> Finding:
    return drive(verify(zone, message, now=now))


def seal(
    message: bytes,
    key: Key,
    *,
    found: Finding | None = None,
    said: Sequence[Resinfo] = SAID,
    now: float = NOW,
) -> bytes:
    """Let a server verify a message, seal it with a key, and pass it on."""
    header, body = mail.split(message)
    finding = found or judged(message, now=now)
    sealer = Sealer(key, f"mx.{key.domain}")
    return sealer.seal(header, body, finding, said, now) + message


@cache
def chain(count: int, among: Sequence[Key] = KEYS) -> bytes:
    """Give a message that so many servers have sealed in turn."""
    message = MESSAGE
    for number in range(count):
        message = seal(message, among[number % len(among)])
    return message


def handmade(names: bytes, tags: bytes = b"c=relaxed/relaxed;", key: Key = ONE) -> bytes:
    """Seal as others may: with a signature over these names (h=), and these tags in it."""
    header = SignedHeader(HEADER)
    form = BodyHash(Form.RELAXED)
    form.feed(BODY)
    form.finish()
    digest = base64.b64encode(form.digest() or b"")
    whose = f"i=1; a={key.algorithm}; d={key.domain}; s={key.selector}".encode()
    chosen = header.selected([name.decode() for name in names.split(b":")])
    start = b"ARC-Message-Signature: %b; %b h=%b; bh=%b; b=" % (whose, tags, names, digest)
    message = _signed(key, header.octets(chosen, Form.RELAXED), start)
    results = b"ARC-Authentication-Results: i=1; mx; none\r\n"
    covered = canonical(results, Form.RELAXED) + canonical(message, Form.RELAXED)
    seal_ = _signed(key, covered, b"ARC-Seal: %b; cv=none; b=" % whose)
    return seal_ + message + results + MESSAGE


def _signed(key: Key, covered: bytes, start: bytes) -> bytes:
    octets = covered + canonical(start + b"\r\n", Form.RELAXED).removesuffix(b"\r\n")
    return start + base64.b64encode(key.sign(octets)) + b"\r\n"


def keys(finding: Finding) -> list[str]:
    """Give the keys of the reasons."""
    return [reason.key.removeprefix("arc.") for reason in finding.reasons]


def field(message: bytes, name: bytes, instance: int) -> bytes:
    """Give a whole field of ARC, with its CRLF."""
    for found, octets in mail.raw_fields(mail.split(message)[0]):
        if found == name.lower() and f"i={instance};".encode() in octets:
            return octets
    raise LookupError(name, instance)
