"""DANE: which certificate a mail server has, said in a DNS that is signed (RFC 6698, RFC 7672)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ulak.checks.asking import not_answered
from ulak.checks.reason import Reason, because
from ulak.dns.records import Answer, Resolver

TRUST_ANCHOR, END_ENTITY = 2, 3
"""The usages that SMTP knows (RFC 7672 §3.1)."""

_USAGES = {0: "PKIX-TA", 1: "PKIX-EE", TRUST_ANCHOR: "DANE-TA", END_ENTITY: "DANE-EE"}
_HASHES = {1: ("sha256", 32), 2: ("sha512", 64)}
_MOST_RECORDS = 20
_MOST_CERTIFICATES = 10
_FIELDS = 4
_LONGEST = 20_000  # characters of one record


class Result(StrEnum):
    """What a host has."""

    PUBLISHED = "published"
    NONE = "none"
    INSECURE = "insecure"  # records that nobody may believe, for their DNS is not signed
    PERMERROR = "permerror"  # only records that cannot be used
    TEMPERROR = "temperror"


@dataclass(frozen=True, slots=True)
class Tlsa:
    """One record (RFC 6698 §2.1): `data` is the certificate, the key, or the hash of either."""

    usage: int
    selector: int
    matching: int
    data: bytes

    def __str__(self) -> str:
        return f"{self.usage} {self.selector} {self.matching} {self.data.hex()}"

    @property
    def usable(self) -> bool:
        """Whether SMTP can do anything with it (RFC 7672 §3.1.3, RFC 7671 §4.1)."""
        if self.usage not in (TRUST_ANCHOR, END_ENTITY) or self.selector not in (0, 1):
            return False
        if self.matching == 0:
            return bool(self.data)
        return self.matching in _HASHES and len(self.data) == _HASHES[self.matching][1]


@dataclass(frozen=True, slots=True)
class Finding:
    """What `_25._tcp.host` has: the records that can be used."""

    result: Result
    host: str
    records: tuple[Tlsa, ...] = ()
    reasons: tuple[Reason, ...] = ()
    trace: tuple[Answer, ...] = ()


async def check(resolver: Resolver, *, host: str, port: int = 25) -> Finding:
    """Ask for the records of a host; without the AD bit they count for nothing (RFC 7672 §2.2)."""
    name = f"_{port}._tcp.{host}"
    answer = await resolver.resolve(name, "TLSA")
    if answer.failed:
        return Finding(Result.TEMPERROR, host, reasons=(not_answered(answer),), trace=(answer,))
    texts = [text for text in answer.records if isinstance(text, str)][:_MOST_RECORDS]
    if not texts:
        reason = because("dane.no-record", name=name, status=answer.status)
        return Finding(Result.NONE, host, reasons=(reason,), trace=(answer,))
    reasons: list[Reason] = []
    usable: list[Tlsa] = []
    for text in texts:
        record = read(text)
        if record is None:
            reasons.append(because("dane.unreadable", name=name, record=text))
            continue
        shown = str(record)
        reasons.append(
            because("dane.record", name=name, record=shown, usage=_USAGES.get(record.usage, "?"))
        )
        if record.usable:
            usable.append(record)
        elif record.usage in (0, 1):
            reasons.append(because("dane.pkix", record=shown, usage=record.usage))
        else:
            reasons.append(because("dane.unusable", record=shown))
    if not usable:
        result = Result.PERMERROR
    elif not answer.authentic:
        result = Result.INSECURE
        reasons.append(because("dane.insecure", name=name))
    else:
        result = Result.PUBLISHED
    return Finding(result, host, tuple(usable), tuple(reasons), (answer,))


def read(text: str) -> Tlsa | None:
    """Read a record in presentation (RFC 6698 §2.2); None where it is none."""
    if len(text) > _LONGEST:
        return None
    fields = text.split()
    if len(fields) < _FIELDS or not all(
        f.isascii() and f.isdigit() and len(f) < _FIELDS for f in fields[:3]
    ):
        return None
    usage, selector, matching = (int(field) for field in fields[:3])
    try:
        data = bytes.fromhex("".join(fields[3:]))
    except ValueError:
        return None
    return Tlsa(usage, selector, matching, data)


def match(records: Sequence[Tlsa], chain: Sequence[bytes], names_fit: bool) -> Tlsa | None:  # noqa: FBT001 -- what the caller found of the same chain
    """Give the record that a chain of certificates (DER, the server's first) fits, or None.

    DANE-EE looks at the server's certificate alone, whatever its name and dates (RFC 7672 §3.1.1);
    DANE-TA wants the name to fit, too, and a certificate above that has signed those below.
    """
    read_ = _certificates(chain)
    if not read_:
        return None
    for record in records:
        if record.usage == END_ENTITY and fits(record, read_[0]):
            return record
    if not names_fit:
        return None
    for record in records:
        if record.usage != TRUST_ANCHOR:
            continue
        for at, certificate in enumerate(read_[1:], 1):
            if fits(record, certificate) and _signed(read_[: at + 1]):
                return record
    return None


def fits(record: Tlsa, certificate: x509.Certificate) -> bool:
    """Whether a record is about a certificate (RFC 6698 §2.1)."""
    octets = certificate.public_bytes(Encoding.DER)
    if record.selector == 1:
        try:
            octets = certificate.public_key().public_bytes(
                Encoding.DER, PublicFormat.SubjectPublicKeyInfo
            )
        except (ValueError, UnsupportedAlgorithm):
            return False
    if record.matching:
        octets = hashlib.new(_HASHES[record.matching][0], octets).digest()
    return octets == record.data


def record_of(certificate: bytes) -> Tlsa:
    """Make the record that outlives a renewal with the same key: 3 1 1 (RFC 7671 §5.1).

    ValueError where the octets are no certificate.
    """
    key = x509.load_der_x509_certificate(certificate).public_key()
    octets = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Tlsa(END_ENTITY, 1, 1, hashlib.sha256(octets).digest())


def _certificates(chain: Sequence[bytes]) -> list[x509.Certificate]:
    read_: list[x509.Certificate] = []
    for octets in chain[:_MOST_CERTIFICATES]:
        try:
            read_.append(x509.load_der_x509_certificate(octets))
        except ValueError:
            break
    return read_


def _signed(chain: Sequence[x509.Certificate]) -> bool:
    """Whether each has been signed by the next."""
    try:
        for below, above in pairwise(chain):
            below.verify_directly_issued_by(above)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
