"""Strangers' input: the work is bounded, the finding is named, and nothing is raised."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from tests.checks.dkim.wiring import (
    BODY,
    ED,
    HEADER,
    RSA,
    ZONE,
    judged,
    keys,
    published,
    results,
    signed,
)

from ulak.checks.dkim import Limits, Result, Signer
from ulak.dns import Zone

FIELD = "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s={}; h={}; bh=AAAA; b=AAAA\r\n"
REST = HEADER + b"\r\n" + BODY


def field(selector: str = "rsa", names: str = "from", more: str = "") -> bytes:
    return (FIELD.format(selector, names).removesuffix("\r\n") + more + "\r\n").encode()


def record_of(bits: int, exponent: int) -> Zone:
    """Publish a key of so many bits, which nobody has the other half of."""
    numbers = rsa.RSAPublicNumbers((1 << exponent - 1) | 1, (1 << bits - 1) | 1)
    octets = numbers.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text = f"v=DKIM1; k=rsa; p={base64.b64encode(octets).decode()}"
    return Zone({("rsa._domainkey.example.org", "TXT"): [text]})


def test_a_thousand_signatures_are_not_looked_at() -> None:
    ZONE.asked.clear()
    findings = judged(b"".join(field(f"s{number}") for number in range(1000)) + REST)
    assert len(findings) == 17
    assert results(findings[:16]) == ["permerror"] * 16
    assert findings[-1].result is Result.NEUTRAL
    assert keys(findings[-1]) == ["not-looked-at"]
    assert findings[-1].reasons[0].facts == {"count": "984", "most": "16"}
    assert len(ZONE.asked) == 16


def test_a_thousand_equal_signatures_are_asked_for_once() -> None:
    ZONE.asked.clear()
    message = signed(signer=Signer([ED] * 20))
    assert results(judged(message)) == ["pass"] * 16 + ["neutral"]
    assert list(ZONE.asked) == [("ed._domainkey.example.org", "TXT")]


@pytest.mark.parametrize(
    "octets",
    [
        field(more="; x-long=" + "a" * 100_000),
        field(names="from" + ":x" * 50_000),
        field(more="; t1=" * 20_000),
        field(more=" " * 100_000),
        field("s" * 100_000),
        field(more="\r\n " * 40_000),
    ],
)
def test_a_field_of_a_hundred_kilobytes_is_not_read(octets: bytes) -> None:
    (finding,) = judged(octets + REST)
    assert (finding.result, keys(finding)) == ("neutral", ["field-too-long"])


def test_ten_thousand_names_in_a_list_that_is_read() -> None:
    (finding,) = judged(field(names="from" + ":x" * 10_000) + REST)
    assert (finding.result, len(finding.header)) == ("fail", 10_001)
    many = b"X: y\r\n" * 10_000
    (finding,) = judged(field(names="from" + ":x" * 10_000) + many + REST)
    assert finding.result == "fail"


def test_a_key_record_of_64_kilobytes_is_not_read() -> None:
    for text in ("n=" + "x" * 65_000, "t;" * 32_000, "p=" + "A" * 65_000, "\t" * 65_000):
        zone = Zone({("rsa._domainkey.example.org", "TXT"): [text]})
        (finding,) = judged(field() + REST, zone=zone)
        assert (finding.result, keys(finding)) == ("permerror", ["record-too-long"])


def test_a_thousand_records_at_a_name_are_not_read() -> None:
    zone = Zone({("rsa._domainkey.example.org", "TXT"): [f"n={n}" for n in range(999)]})
    (finding,) = judged(field() + REST, zone=zone)
    assert (finding.result, keys(finding)) == ("permerror", ["no-key-record"])


@pytest.mark.parametrize(
    ("bits", "exponent", "key"),
    [
        (16_384, 17, "key-too-long"),
        (32_768, 17, "key-too-long"),
        (4096, 4001, "exponent-too-long"),
        (2048, 65, "exponent-too-long"),
        (1023, 2, "key-too-short"),
        (512, 17, "key-too-short"),
    ],
)
def test_a_key_that_would_take_long_is_not_used(bits: int, exponent: int, key: str) -> None:
    (finding,) = judged(field() + REST, zone=record_of(bits, exponent))
    assert (finding.result, keys(finding)) == ("policy", [key])


def test_a_key_of_eight_kilobits_is_still_used() -> None:
    (finding,) = judged(field() + REST, zone=record_of(8192, 2))
    assert (finding.result, finding.key_bits) == ("fail", 8192)


def test_parts_nested_ten_thousand_deep_are_octets_as_others() -> None:
    body = b"".join(
        b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (n, n + 1)
        for n in range(10_000)
    )
    message = signed(body=body)
    assert results(judged(message)) == ["pass", "pass"]
    for finding in judged(message.replace(b"--b7\r", b"--c7\r")):
        assert keys(finding) == ["signed", "body-differs", "header-fits"]


def test_a_header_without_an_end_is_judged() -> None:
    (finding,) = judged(field() + b"From: a@example.org\r\n" + b"X: " + b"y" * 10**6)
    assert finding.result == "fail"


RECORD = published(RSA).encode()
OCTETS = st.sampled_from(
    [
        b"",
        b";",
        b"=",
        b" ",
        b"\t",
        b"\r\n ",
        b"\0",
        b"\xff",
        b":",
        b"@",
        b"A",
        b"v=",
        b"p=",
        b"\xc3\xbc",
    ]
)


@given(st.integers(0, 300), OCTETS, st.integers(0, 3))
def test_any_damage_to_a_field_is_answered(at: int, what: bytes, cut: int) -> None:
    message = signed(signer=Signer([RSA]))
    damaged = message[: 16 + at] + what + message[16 + at + cut :]
    for finding in judged(damaged):
        assert finding.reasons
        assert all(reason.text("tr") for reason in finding.reasons)


@given(st.integers(0, len(RECORD)), OCTETS, st.integers(0, 3))
def test_any_damage_to_a_key_record_is_answered(at: int, what: bytes, cut: int) -> None:
    damaged = RECORD[:at] + what + RECORD[at + cut :]
    zone = Zone({("rsa._domainkey.example.org", "TXT"): [damaged]})
    (finding,) = judged(signed(signer=Signer([RSA])), zone=zone)
    assert finding.reasons
    assert all(reason.text("tr") for reason in finding.reasons)


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_any_octets_are_answered(header: bytes, record: bytes) -> None:
    zone = Zone({("rsa._domainkey.example.org", "TXT"): [record]})
    for finding in judged(field() + header + REST, zone=zone, limits=Limits(trials=2)):
        assert finding.result is not Result.PASS
