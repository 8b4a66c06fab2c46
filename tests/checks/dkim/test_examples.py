"""The examples of the RFCs verify (RFC 6376 appendix A, RFC 8463 appendix A)."""

from __future__ import annotations

import pytest
from tests.checks.dkim.wiring import drive, results

from ulak.checks.dkim import Key, Signer, verify, with_crlf
from ulak.dns import Zone
from ulak.mail.message import split

# RFC 6376 appendix C and RFC 8463 appendix A.2: the keys of the examples.
RSA_6376 = (
    "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt"
    "IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhi"
    "tdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
)
RSA_8463 = (
    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR"
    "6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5Qj"
    "vHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
)
ED_8463 = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
ED_8463_PRIVATE = b"nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="

MESSAGE = """\
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
"""

# As it was signed with simple/simple: six spaces before each continued line and one between the
# sentences. The pages of the RFC have five and two; the hash of the body and the signature, which
# are printed there, fit only this.
SIGNED_6376 = """\
DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;
      c=simple/simple; q=dns/txt; i=joe@football.example.com;
      h=Received : From : To : Subject : Date : Message-ID;
      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB
      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut
      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV
      4bmp/YzhwvcubU4=;
Received: from client1.football.example.com  [192.0.2.1]
      by submitserver.example.com with SUBMISSION;
      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)
""" + MESSAGE.replace("game.  Are", "game. Are")

SIGNED_8463 = (
    """\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
"""
    + MESSAGE
)

ZONE = Zone(
    {
        ("brisbane._domainkey.example.com", "TXT"): [RSA_6376],
        ("brisbane._domainkey.football.example.com", "TXT"): [ED_8463],
        ("test._domainkey.football.example.com", "TXT"): [RSA_8463],
    }
)
NOW = 1_528_637_909.0


@pytest.mark.parametrize(
    ("text", "expected"), [(SIGNED_6376, ["pass"]), (SIGNED_8463, ["pass", "pass"])]
)
def test_the_examples_verify(text: str, expected: list[str]) -> None:
    findings = drive(verify(ZONE, with_crlf(text.encode()), now=NOW))
    assert results(findings) == expected, [str(r) for f in findings for r in f.reasons]


def test_the_examples_do_not_verify_with_one_letter_changed() -> None:
    for text in (SIGNED_6376, SIGNED_8463):
        for old, new in (("hungry", "angry"), ("dinner", "Dinner")):
            findings = drive(verify(ZONE, with_crlf(text.replace(old, new).encode()), now=NOW))
            assert set(results(findings)) == {"fail"}


def test_the_hash_of_the_example_is_the_one_in_the_rfc() -> None:
    key = Key.read("football.example.com", "brisbane", ED_8463_PRIVATE)
    header, body = split(with_crlf(MESSAGE.encode()))
    made = Signer([key]).sign(header, body, NOW)
    assert b"bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;" in made.replace(b"\r\n\t", b" ")
    assert results(drive(verify(ZONE, made + header + b"\r\n" + body, now=NOW))) == ["pass"]
