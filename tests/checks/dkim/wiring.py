"""Keys, a zone and messages for tests of DKIM."""

from __future__ import annotations

import base64
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ulak.checks.dkim import Finding, Key, Limits, Signer, verify
from ulak.dns import Zone
from ulak.dns.records import Resolver

T = TypeVar("T")
NOW = 1_790_000_000.0
DOMAIN = "example.org"
HEADER = (
    b"Received: from a.example.net\r\n\tby b.example.net; Mon, 16 Nov 2026 12:00:00 +0000\r\n"
    b"From: Ada <ada@example.org>\r\n"
    b"To: grace@example.net\r\n"
    b"Subject: Notes on\r\n the engine\r\n"
    b"Date: Mon, 16 Nov 2026 12:00:00 +0000\r\n"
    b"Message-ID: <1@example.org>\r\n"
)
BODY = b"Dear Grace,\r\n\r\nit  weaves\talgebraic patterns. \r\n-- \r\nAda\r\n"


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to its end what never waits."""
    with pytest.raises(StopIteration) as end:
        coroutine.send(None)
    value: T = end.value.value
    return value


@cache
def rsa_key(bits: int = 2048, exponent: int = 65537) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(exponent, bits)


@cache
def ed_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)


RSA = Key(DOMAIN, "rsa", rsa_key())
ED = Key(DOMAIN, "ed", ed_key())


def published(key: Key) -> str:
    """Give the record that a key is published with."""
    public = key.private.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        octets = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k=rsa; p={base64.b64encode(octets).decode()}"
    return f"v=DKIM1; k=ed25519; p={base64.b64encode(public.public_bytes_raw()).decode()}"


def zone_of(*keys: Key) -> Zone:
    return Zone(
        {(f"{key.selector}._domainkey.{key.domain}", "TXT"): [published(key)] for key in keys}
    )


ZONE = zone_of(RSA, ED)


def signed(
    header: bytes = HEADER, body: bytes = BODY, *, signer: Signer | None = None, now: float = NOW
) -> bytes:
    """Give a message with its signatures."""
    signer = signer or Signer((RSA, ED))
    return signer.sign(header, body, now) + header + b"\r\n" + body


def judged(
    message: bytes, *, zone: Resolver = ZONE, now: float = NOW, limits: Limits | None = None
) -> tuple[Finding, ...]:
    return drive(verify(zone, message, now=now, limits=limits or Limits()))


def results(findings: tuple[Finding, ...]) -> list[str]:
    return [str(finding.result) for finding in findings]


def keys(finding: Finding) -> list[str]:
    """Give the keys of the reasons, without what all have in common."""
    return [reason.key.removeprefix("dkim.") for reason in finding.reasons]
