"""A message that was changed on its way: the reasons say what was, where it can be told."""

from __future__ import annotations

import base64
import binascii

import pytest
from tests.checks.dkim.wiring import (
    BODY,
    ED,
    HEADER,
    NOW,
    RSA,
    ZONE,
    drive,
    judged,
    keys,
    results,
    rsa_key,
    signed,
    zone_of,
)

from ulak.checks.dkim import Finding, Key, Limits, Reading, Signer
from ulak.checks.dkim.canonical import Form
from ulak.mail.message import split

SIMPLE = Signer((RSA, ED), header_form=Form.SIMPLE, body_form=Form.SIMPLE)
RELAXED = Signer((RSA, ED))
MULTIPART = (
    b"--b1\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
    b"--b1\r\nContent-Type: text/html\r\n\r\n<p>hello\r\n--b1--\r\n"
)
FOOTER = b"_______\r\nlist mailing list\r\nhttps://lists.example/\r\n"
UMLAUTS = "Grüße,\r\n\r\n  aus Köln = schön\r\n".encode() * 30


def why(message: bytes, *, limits: Limits | None = None) -> list[tuple[str, ...]]:
    """Give what is said of each signature beyond that something differs."""
    findings = judged(message, limits=limits)
    assert set(results(findings)) == {"fail"}
    said = {"signed", "body-fits", "body-differs", "header-fits", "header-differs"}
    return [tuple(key for key in keys(finding) if key not in said) for finding in findings]


def body_changed(was: bytes, now: bytes, signer: Signer, header: bytes = HEADER) -> bytes:
    head = signer.sign(header, was, NOW) + header
    return head + b"\r\n" + now


@pytest.mark.parametrize("signer", [SIMPLE, RELAXED])
@pytest.mark.parametrize(
    ("was", "now", "key"),
    [
        (BODY, BODY + FOOTER, "footer"),
        (BODY, BODY + b"\r\n\r\n" + FOOTER * 100, "footer"),
        (b"", FOOTER, "banner"),
        (BODY, b"CAUTION: this came from outside.\r\n\r\n" + BODY, "banner"),
        (
            MULTIPART,
            MULTIPART.replace(b"--b1--", b"--b1\r\n\r\n" + FOOTER + b"--b1--"),
            "part-added",
        ),
        (MULTIPART, MULTIPART + FOOTER, "footer"),
        (b".hidden\r\n.two\r\n" + BODY, b".hidden\r\n..two\r\n" + BODY, "dots"),
        (b"a\r\nFrom here\r\n" + BODY, b"a\r\n>From here\r\n" + BODY, "from-mangled"),
        (BODY.replace(b"\r\n", b"\n"), BODY, "line-ends"),
        (BODY, BODY.replace(b"\r\n", b"\n", 2), "bare-line-ends"),
        (BODY, BODY.replace(b"Grace", b"Charles"), ""),
    ],
)
def test_a_change_of_the_body_is_told(was: bytes, now: bytes, key: str, signer: Signer) -> None:
    expected = (key,) if key else ()
    assert why(body_changed(was, now, signer)) == [expected, expected]


@pytest.mark.parametrize(
    ("was", "now", "key"),
    [
        (b"a b\r\nc\r\n", b"a b  \r\nc\t\r\n", "white-space"),
        (b"a  b\r\nc\r\n", b"a  b  \r\nc\t\r\n", "white-space"),
        (b"a b\r\nc\r\n", b"a\t b\r\nc\r\n", "white-space"),
    ],
)
def test_white_space_is_told_from_text(was: bytes, now: bytes, key: str) -> None:
    assert why(body_changed(was, now, SIMPLE)) == [(key,), (key,)]
    relaxed = body_changed(was, now, RELAXED)
    assert results(judged(relaxed)) == ["pass", "pass"]


@pytest.mark.parametrize("signer", [SIMPLE, RELAXED])
@pytest.mark.parametrize("times", [1, 60])
def test_another_encoding_is_undone(signer: Signer, times: int) -> None:
    was = UMLAUTS * times
    header = HEADER + b"Content-Transfer-Encoding: 8bit\r\n"
    plain = Signer(signer.keys, ["from"], [], signer.header_form, signer.body_form)
    made = plain.sign(header, was, NOW)
    for encoding, now in (
        (
            b"quoted-printable",
            binascii.b2a_qp(was, istext=True).replace(b"\n", b"\r\n").replace(b"\r\r\n", b"\r\n"),
        ),
        (b"BASE64", base64.encodebytes(was).replace(b"\n", b"\r\n")),
    ):
        message = made + header.replace(b"8bit", encoding) + b"\r\n" + now
        findings = judged(message, limits=Limits(compared=10**6))
        for finding in findings:
            assert keys(finding) == ["signed", "body-differs", "header-fits", "re-encoded"]
            assert finding.reasons[-1].facts["encoding"] == encoding.decode().lower()


def test_a_header_that_says_so_is_believed_for_want_of_better() -> None:
    said = b"X-MIME-Autoconverted: from 8bit to quoted-printable by mx.example\r\n"
    signature = RELAXED.sign(HEADER, BODY, NOW)
    found = judged(signature + said + HEADER + b"\r\n" + BODY.replace(b"it", b"=69t"))
    assert keys(found[0])[-1] == "autoconverted"


def test_a_large_body_is_only_tried_for_what_was_added() -> None:
    was = b"x" * 70 + b"\r\n"
    few = Limits(compared=1000)
    assert why(body_changed(was * 100, was * 100 + FOOTER, SIMPLE), limits=few) == [("footer",)] * 2
    now = (was * 100).replace(b"\r\n", b" \r\n")
    assert why(body_changed(was * 100, now, SIMPLE), limits=few) == [(), ()]
    assert why(body_changed(was * 100, now, SIMPLE)) == [("white-space",)] * 2
    # What stands further from the end than is kept is not found, and nothing falls.
    assert why(body_changed(BODY, BODY + was * 5000, SIMPLE)) == [(), ()]


def test_a_second_look_in_pieces_finds_the_same() -> None:
    body = (BODY + b".a\r\n") * 3000
    message = body_changed(body, body.replace(b"\r\n.", b"\r\n.."), SIMPLE)
    limits = Limits(compared=10**6)
    whole = judged(message, limits=limits)
    header, rest = split(message)
    for size in (1, 7, 4096, 10**6):
        reading = Reading(header, now=NOW, limits=limits)
        pieces = [rest[at : at + size] for at in range(0, len(rest), size)]
        for piece in pieces:
            reading.feed(piece)
        findings: tuple[Finding, ...] = drive(reading.judge(ZONE))
        again = reading.again()
        assert again is not None
        for piece in pieces:
            again.feed(piece)
        assert again.explain(findings) == whole
        assert keys(whole[0])[-1] == "dots"


def test_there_is_no_second_look_where_the_bodies_fit() -> None:
    header, rest = split(signed())
    reading = Reading(header, now=NOW)
    reading.feed(rest)
    drive(reading.judge(ZONE))
    assert reading.again() is None


ALL = Signer((RSA, ED))


@pytest.mark.parametrize("signer", [SIMPLE, RELAXED])
@pytest.mark.parametrize(
    ("old", "new", "key", "facts"),
    [
        (b"Subject: Notes", b"Subject: [notes] Notes", "prefix", {"prefix": "[notes]"}),
        (b"Subject: Notes", b"Subject: [EXTERNAL] Notes", "prefix", {"prefix": "[EXTERNAL]"}),
        (b"Subject: Notes", b"Subject: ***SPAM*** Notes", "prefix", {"prefix": "***SPAM***"}),
        (b"To: ", b"Reply-To: list@example.net\r\nTo: ", "field-added", {"field": "Reply-To"}),
        (
            b"From: Ada <ada@example.org>",
            b"From: Ada via list <list@example.net>\r\nX-Original-From: Ada <ada@example.org>",
            "field-rewritten",
            {"field": "From", "value": "Ada <ada@example.org>"},
        ),
        (
            b"Content-Transfer-Encoding: 8bit",
            b"Content-Transfer-Encoding: quoted-printable",
            "field-rewritten",
            {"field": "Content-Transfer-Encoding", "value": "8bit"},
        ),
        (b"Subject: Notes", b"Subject: Votes", "", {}),
    ],
)
def test_a_changed_field_is_named(
    old: bytes, new: bytes, key: str, facts: dict[str, str], signer: Signer
) -> None:
    header = HEADER + b"Content-Transfer-Encoding: 8bit\r\n"
    message = signed(header, signer=signer)
    for finding in judged(message.replace(old, new)):
        assert keys(finding)[:3] == ["signed", "body-fits", "header-differs"]
        assert keys(finding)[3:] == ([key] if key else [])
        if key:
            assert dict(finding.reasons[-1].facts) == facts


def test_a_prefix_behind_re_is_found() -> None:
    header = HEADER.replace(b"Notes on\r\n the", b"Re: Notes on the")
    message = signed(header).replace(b"Subject: Re: Notes", b"Subject: Re: [list-l] Notes")
    assert [keys(finding)[-1] for finding in judged(message)] == ["prefix", "prefix"]


def test_folded_lines_are_told() -> None:
    header = HEADER.replace(b"Notes on\r\n the", b"Notes on the")
    message = signed(header, signer=SIMPLE).replace(b"Notes on the", b"Notes on\r\n the")
    assert [keys(finding)[-1] for finding in judged(message)] == ["folding", "folding"]


def test_a_key_that_was_replaced_is_told_from_a_changed_header() -> None:
    message = signed(signer=Signer((RSA,)))
    other = zone_of(Key(RSA.domain, RSA.selector, rsa_key(3072)))
    (finding,) = judged(message, zone=other)
    assert keys(finding) == ["signed", "body-fits", "header-differs", "other-signer"]


def test_copied_fields_tell_what_was_there() -> None:
    field = b"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=rsa; h=from:subject; bh=AAAA;\r\n"
    field += (
        b" z=From:Ada=20<ada@example.org>|Subject:Other=3B=20notes|\r\n  To:grace@example.net;\r\n"
    )
    (finding,) = judged(field + b" b=BBBB\r\n" + HEADER + b"\r\n" + BODY)
    copied = [reason for reason in finding.reasons if reason.key == "dkim.copied"]
    assert [dict(reason.facts) for reason in copied] == [
        {"field": "Subject", "value": "Other; notes"}
    ]


def test_trials_are_bounded() -> None:
    message = signed(signer=Signer((ED,) * 6)).replace(b"Subject: Notes", b"Subject: [n] Notes")
    found = judged(message, limits=Limits(trials=4))
    assert [key for finding in found for key in keys(finding)].count("prefix") < 6
    assert "prefix" in keys(found[0])
