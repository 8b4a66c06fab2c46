"""What a handshake with an MX host shows is named by the cause that mail to it waits for."""

from __future__ import annotations

import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ulak.checks import dane
from ulak.diagnose.domain.starttls import Shaken, judged
from ulak.lab.certificate import Certificate, certificate

HOST = "mx.example.net"
SHOWN = certificate(HOST)


def der(one: Certificate) -> bytes:
    return x509.load_pem_x509_certificate(one.certificate).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("records", "reference"),
    [
        ((), "tls-unproven"),
        ((dane.record_of(der(SHOWN)),), ""),
        ((dane.record_of(der(certificate(HOST))),), "dane-failed"),
    ],
    ids=["none", "fits", "another's"],
)
def test_a_certificate_that_fits_no_record_is_what_dane_fails_by(
    records: tuple[dane.Tlsa, ...], reference: str
) -> None:
    seen = Shaken("192.0.2.1", offered=True, chain=(der(SHOWN),), distrust="self-signed")
    (check,) = judged(HOST, seen, records, time.time()).checks
    assert check.reference == reference
