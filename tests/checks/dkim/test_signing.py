"""What we sign, we verify: every key, every form, in pieces and whole."""

from __future__ import annotations

import re

import pytest
from tests.checks.dkim.wiring import (
    BODY,
    DOMAIN,
    ED,
    HEADER,
    NOW,
    RSA,
    ZONE,
    drive,
    judged,
    keys,
    results,
    signed,
)

from ulak.checks.dkim import Finding, Reading, Signer
from ulak.checks.dkim.canonical import Form

FORMS = list(Form)


@pytest.mark.parametrize("header_form", FORMS)
@pytest.mark.parametrize("body_form", FORMS)
def test_a_message_verifies_after_it_was_signed(header_form: Form, body_form: Form) -> None:
    signer = Signer((RSA, ED), header_form=header_form, body_form=body_form)
    findings = judged(signed(signer=signer))
    assert results(findings) == ["pass", "pass"], [str(r) for f in findings for r in f.reasons]
    assert [f.algorithm for f in findings] == ["rsa-sha256", "ed25519-sha256"]
    assert [f.key_bits for f in findings] == [2048, 256]
    for finding in findings:
        assert finding.domain == DOMAIN
        assert finding.identity == "@" + DOMAIN
        assert finding.passed
        assert keys(finding) == ["signed", "body-fits", "header-fits"]


def test_a_field_is_folded_and_has_the_tags() -> None:
    made = Signer((RSA,), lifetime=3600, identity="ada@example.org").sign(HEADER, BODY, NOW)
    assert max(map(len, made.split(b"\r\n"))) <= 78
    assert made.endswith(b"\r\n")
    text = re.sub(rb"\s+", b"", made)
    assert text.startswith(
        b"DKIM-Signature:v=1;a=rsa-sha256;c=relaxed/relaxed;d=example.org;s=rsa;"
    )
    assert (
        b";t=1790000000;x=1790003600;i=ada@example.org;h=from:to:subject:date:message-id:from:reply-to:to:"
        in text
    )
    assert b";l=" not in text
    assert b"received" not in text


def test_pieces_do_not_matter() -> None:
    message = signed()
    whole = judged(message)
    header, _, body = message.partition(b"\r\n\r\n")
    reading = Reading(header + b"\r\n", now=NOW)
    for at in range(len(body)):
        reading.feed(body[at : at + 1])
    found: tuple[Finding, ...] = drive(reading.judge(ZONE))
    assert found == whole
    signing = Signer((ED,)).begin(HEADER)
    for at in range(len(BODY)):
        signing.feed(BODY[at : at + 1])
    assert signing.finish(NOW) == Signer((ED,)).sign(HEADER, BODY, NOW)


def test_the_same_key_is_asked_for_once() -> None:
    ZONE.asked.clear()
    judged(signed(signer=Signer((RSA, RSA, ED, RSA))))
    assert list(ZONE.asked) == [
        ("rsa._domainkey.example.org", "TXT"),
        ("ed._domainkey.example.org", "TXT"),
    ]


def test_every_field_of_a_name_is_signed_and_none_can_be_added() -> None:
    header = HEADER + b"To: ada@example.org\r\nList-Id: <a>\r\nList-Id: <b>\r\n"
    message = signed(header)
    assert results(judged(message)) == ["pass", "pass"]
    for changed in (
        message.replace(b"List-Id: <a>", b"List-Id: <c>"),
        message.replace(b"List-Id: <b>", b"List-Id: <c>"),
        message.replace(b"To: ada@", b"To: all@"),
        message.replace(b"Date:", b"To: more@example.org\r\nDate:", 1),
    ):
        assert results(judged(changed)) == ["fail", "fail"]
