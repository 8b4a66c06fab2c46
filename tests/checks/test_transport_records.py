"""TLS-RPT, DANE and BIMI: their records are read, and what is wrong with them is named."""

from __future__ import annotations

import asyncio
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ulak.checks import bimi, dane, tls_rpt
from ulak.dns import Status, Zone
from ulak.lab.certificate import Certificate, authority, certificate

HASH = "ab" * 32


@pytest.mark.parametrize(
    ("records", "result", "key", "rua"),
    [
        (["v=TLSRPTv1; rua=mailto:a@b.example"], "published", "record", 1),
        (["v=TLSRPTv1;rua=mailto:a@b.example,https://b.example/r;"], "published", "record", 2),
        (["v=TLSRPTv1; rua=a@b.example"], "permerror", "bad-uri", 0),
        (["v=TLSRPTv1; rua=mailto:a@b.example,ftp://x"], "published", "bad-uri", 1),
        (["v=TLSRPTv1"], "permerror", "no-rua", 0),
        (["v=TLSRPTv1; rua=mailto:a@b.example; \x07"], "published", "bad-field", 1),
        (["v=TLSRPTv1; rua=mailto:a@b.example"] * 1 + ["v=TLSRPTv1;"], "permerror", "several", 0),
        (["v=spf1 -all"], "none", "no-record", 0),
        (Status.SERVFAIL, "temperror", "", 0),
    ],
)
def test_a_record_of_tls_rpt(records: list[str] | Status, result: str, key: str, rua: int) -> None:
    dns = Zone({("_smtp._tls.d.example", "TXT"): records})
    found = asyncio.run(tls_rpt.check(dns, domain="d.example"))
    assert (found.result, len(found.rua)) == (result, rua)
    assert found.reasons[-1].key == (f"tls_rpt.{key}" if key else "dns.failed")


@pytest.mark.parametrize(
    ("records", "result", "key"),
    [
        (["v=BIMI1; l=https://d.example/l.svg; a=https://d.example/l.pem"], "published", "record"),
        (["v=BIMI1; l=https://d.example/l.svg;"], "published", "no-evidence"),
        (["v=BIMI1; l=https://d.example/l.png; a=https://d.example/a"], "published", "no-svg"),
        (["v=BIMI1; l=; a=;"], "declined", "declined"),
        (["v=BIMI1; l=http://d.example/l.svg"], "permerror", "no-https"),
        (["v=BIMI1; a=https://d.example/l.pem"], "permerror", "no-logo"),
        (["v=BIMI1; l=", "v=BIMI1; l="], "declined", "declined"),
        (["v=BIMI1; l=", "v=BIMI1; a="], "permerror", "several"),
        ([], "none", "no-record"),
        (Status.TIMEOUT, "temperror", ""),
    ],
)
def test_a_record_of_bimi(records: list[str] | Status, result: str, key: str) -> None:
    rows = records if isinstance(records, Status) else list(dict.fromkeys(records))
    dns = Zone({("default._bimi.d.example", "TXT"): rows})
    found = asyncio.run(bimi.check(dns, domain="d.example"))
    assert found.result == result
    assert found.reasons[-1].key == (f"bimi.{key}" if key else "dns.failed")


@pytest.mark.parametrize(
    ("records", "authentic", "result", "key"),
    [
        ([f"3 1 1 {HASH}"], True, "published", "record"),
        ([f"2 0 1 {HASH}"], True, "published", "record"),
        ([f"3 1 1 {HASH[:32]} {HASH[32:]}"], True, "published", "record"),
        ([f"3 1 1 {HASH}"], False, "insecure", "insecure"),
        ([f"1 1 1 {HASH}"], True, "permerror", "pkix"),
        ([f"3 1 2 {HASH}"], True, "permerror", "unusable"),
        ([f"3 2 1 {HASH}"], True, "permerror", "unusable"),
        (["3 1 1 xyz"], True, "permerror", "unreadable"),
        (["3 1"], True, "permerror", "unreadable"),
        (["3 1 ١ ab"], True, "permerror", "unreadable"),
        ([], True, "none", "no-record"),
        (Status.SERVFAIL, True, "temperror", ""),
    ],
)
def test_a_tlsa_record(
    records: list[str] | Status,
    authentic: bool,  # noqa: FBT001 -- a table's column
    result: str,
    key: str,
) -> None:
    dns = Zone({("_25._tcp.mx.example", "TLSA"): records}, authentic=authentic)
    found = asyncio.run(dane.check(dns, host="mx.example"))
    assert found.result == result
    assert found.reasons[-1].key == (f"dane.{key}" if key else "dns.failed")


CA = authority()
SERVER = certificate("mx.example", issuer=CA)


def der(one: Certificate) -> bytes:
    return x509.load_pem_x509_certificate(one.certificate).public_bytes(Encoding.DER)


def key_of(one: Certificate) -> bytes:
    key = x509.load_pem_x509_certificate(one.certificate).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def test_the_advised_record_fits_the_certificate_whatever_its_name() -> None:
    record = dane.record_of(der(SERVER))
    assert str(record) == f"3 1 1 {hashlib.sha256(key_of(SERVER)).hexdigest()}"
    assert dane.match([record], [der(SERVER)], names_fit=False) == record
    assert dane.match([record], [der(certificate("mx.example", issuer=CA))], names_fit=True) is None
    assert dane.match([record], [b"no certificate"], names_fit=True) is None
    assert dane.match([record], [], names_fit=True) is None


@pytest.mark.parametrize(
    ("selector", "matching", "data"),
    [
        (0, 0, der(CA)),
        (0, 1, hashlib.sha256(der(CA)).digest()),
        (1, 2, hashlib.sha512(key_of(CA)).digest()),
        (1, 0, key_of(CA)),
    ],
    ids=["certificate", "its hash", "the hash of its key", "its key"],
)
def test_an_anchor_has_to_have_signed_and_the_name_has_to_fit(
    selector: int, matching: int, data: bytes
) -> None:
    record = dane.Tlsa(dane.TRUST_ANCHOR, selector, matching, data)
    assert record.usable
    chain = [der(SERVER), der(CA)]
    assert dane.match([record], chain, names_fit=True) == record
    assert dane.match([record], chain, names_fit=False) is None
    stranger = der(certificate("mx.example"))
    assert dane.match([record], [stranger, der(CA)], names_fit=True) is None
