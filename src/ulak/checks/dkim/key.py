"""Key records: what a domain publishes at `selector._domainkey.domain` (RFC 6376 §3.6, RFC 8463).

What a record says is read with care for time: a modulus or an exponent that would make arithmetic
slow is refused before any is done.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ulak.checks.asking import not_answered
from ulak.checks.dkim import tags
from ulak.checks.dkim.finding import Limits, Result
from ulak.checks.reason import Reason, because
from ulak.dns.names import to_ascii
from ulak.dns.records import Answer
from ulak.language.case import lower

_ED25519_OCTETS = 32
_KNOWN = 256  # records that are known as they were read: 4 MB at the very most


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is nothing to go on with: the result that follows, and the step."""

    result: Result
    reason: Reason


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that can verify. `algorithm` is `rsa-sha256` or `ed25519-sha256`."""

    key: rsa.RSAPublicKey | ed25519.Ed25519PublicKey
    bits: int

    def fits(self, signature: bytes, signed: bytes) -> bool:
        """Whether a signature is this key's over these octets."""
        try:
            if isinstance(self.key, rsa.RSAPublicKey):
                self.key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
            else:  # RFC 8463 §3: what is signed is the hash
                self.key.verify(signature, hashlib.sha256(signed).digest())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One key record, read. `key` is what verifies with it, or why nothing does.

    `testing` is t=y, `strict` t=s (i= must be in the very domain of d=), `kind` k=, `notes` n=.
    """

    key: PublicKey | Fault
    kind: str = "rsa"
    testing: bool = False
    strict: bool = False
    notes: str = ""


def question(selector: str, domain: str) -> str | None:
    """Give the name that has the key (§3.6.2.1); None where there can be no such name."""
    return to_ascii(f"{selector}._domainkey.{domain}")


def records(answer: Answer, wanted: str, limits: Limits) -> Sequence[KeyRecord] | Fault:
    """Read what DNS said of a key that verifies `wanted`, as `rsa-sha256`.

    Of several records those that are no keys at all are left out (§3.6.2.2 leaves open what
    several mean), and there are at most `limits.keys`.
    """
    if answer.failed:
        return Fault(Result.TEMPERROR, not_answered(answer))
    found = [record for record in answer.records if isinstance(record, bytes)]
    if not found:
        return Fault(Result.PERMERROR, because("dkim.no-key", name=answer.name))
    read_ = [read(record, answer.name, wanted, limits) for record in found[: limits.keys]]
    keys = [one for one in read_ if isinstance(one, KeyRecord)]
    if keys:
        return keys
    return next(one for one in read_ if isinstance(one, Fault))


@lru_cache(_KNOWN)
def read(record: bytes, name: str, wanted: str, limits: Limits) -> KeyRecord | Fault:
    """Read one record; a fault where it is no key record (§3.6.1).

    Few keys sign most mail, and to take an RSA key apart costs more than to verify with it.
    """
    if len(record) > limits.record:
        reason = because("dkim.record-too-long", name=name, octets=len(record))
        return Fault(Result.PERMERROR, reason)
    read_ = tags.read(tags.decoded(record), name)
    if isinstance(read_, Reason):
        return Fault(Result.PERMERROR, read_)
    if read_.get("v", "DKIM1") != "DKIM1" or "p" not in read_:
        return Fault(Result.PERMERROR, because("dkim.no-key-record", name=name))
    flags = tags.listed(read_.get("t", ""))
    kind = lower(read_.get("k", "rsa"))
    return KeyRecord(
        _key(read_, name, kind, wanted, limits),
        kind,
        "y" in flags,
        "s" in flags,
        read_.get("n", ""),
    )


def _key(record: tags.Tags, name: str, kind: str, wanted: str, limits: Limits) -> PublicKey | Fault:
    """Read the key, if it may verify what is wanted."""
    kind_wanted, _, hash_wanted = wanted.partition("-")
    text = tags.without_space(record["p"])
    services = tags.listed(record.get("s", "*"))
    reason = None
    if not text:
        reason = because("dkim.revoked", name=name)
    elif kind != kind_wanted:
        reason = because("dkim.other-key", name=name, kind=kind, algorithm=wanted)
    elif "h" in record and hash_wanted not in tags.listed(record["h"]):
        reason = because("dkim.other-hash", name=name, hashes=record["h"], algorithm=wanted)
    elif not {"*", "email"} & set(services):
        reason = because("dkim.other-service", name=name, services=record["s"])
    if reason is not None:
        return Fault(Result.PERMERROR, reason)
    octets = tags.octets(text)
    if octets is None:
        return Fault(Result.PERMERROR, because("dkim.key-no-base64", name=name))
    return _ed25519(octets, name) if kind == "ed25519" else _rsa(octets, name, limits)


def _ed25519(octets: bytes, name: str) -> PublicKey | Fault:
    """Read the octets of a point (RFC 8463 §4.2)."""
    if len(octets) != _ED25519_OCTETS:
        reason = because("dkim.ed25519-length", name=name, octets=len(octets))
        return Fault(Result.PERMERROR, reason)
    return PublicKey(ed25519.Ed25519PublicKey.from_public_bytes(octets), 8 * _ED25519_OCTETS)


def _rsa(octets: bytes, name: str, limits: Limits) -> PublicKey | Fault:
    """Read RSAPublicKey (§3.6.1), or SubjectPublicKeyInfo, which most publish (errata 3017)."""
    try:
        key = load_der_public_key(octets)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, rsa.RSAPublicKey):
        return Fault(Result.PERMERROR, because("dkim.key-no-rsa", name=name))
    if key.key_size < limits.shortest_key:
        reason = because(
            "dkim.key-too-short", name=name, bits=key.key_size, least=limits.shortest_key
        )
        return Fault(Result.POLICY, reason)
    if key.key_size > limits.longest_key:
        reason = because("dkim.key-too-long", name=name, bits=key.key_size, most=limits.longest_key)
        return Fault(Result.POLICY, reason)
    exponent = key.public_numbers().e.bit_length()
    if exponent > limits.exponent:
        return Fault(Result.POLICY, because("dkim.exponent-too-long", name=name, bits=exponent))
    return PublicKey(key, key.key_size)
