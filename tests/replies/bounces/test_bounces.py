"""Whole bounces are read, whoever wrote them, and nothing else is taken for one."""

from __future__ import annotations

import base64
import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.replies.bounces.negatives import NEGATIVES
from tests.replies.bounces.samples import (
    FAILED,
    FINAL,
    GRACE,
    MTA,
    RETURNED,
    SAMPLES,
    Sample,
    report,
)

from ulak.replies.bounces import Returned, bounce, failures

SAMPLE = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)


@SAMPLE
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_each_recipient_is_found_with_the_reply(sample: Sample, end: bytes) -> None:
    found = bounce(sample.mail.encode().replace(b"\n", end))
    told = {f.recipient: (f.reply.code, f.reply.enhanced, f.action) for f in found.failures}
    assert told == sample.told
    assert found.source == sample.source
    assert {failure.source for failure in found.failures} == {sample.source}


@SAMPLE
def test_a_bounce_is_read_where_it_is_attached_to_a_mail(sample: Sample) -> None:
    forwarded = (
        b"From: Ada <ada@example.org>\nSubject: What is this?\n"
        b'Content-Type: multipart/mixed; boundary="outer"\n\n--outer\nContent-Type: text/plain\n\n'
        b"Look.\n--outer\nContent-Type: message/rfc822\n\n%b\n--outer--\n" % sample.mail.encode()
    )
    assert failures(forwarded) == failures(sample.mail.encode())


@SAMPLE
def test_a_line_of_an_mbox_before_it_does_not_matter(sample: Sample) -> None:
    mail = sample.mail.encode()
    assert bounce(b"From MAILER-DAEMON Thu Nov 26 09:00:00 2026\n" + mail) == bounce(mail)


@SAMPLE
def test_a_bounce_that_somebody_sends_on_by_hand_is_his_mail(sample: Sample) -> None:
    text = sample.mail.partition("\n\n")[2]
    for body in (text, "\n".join("> " + line for line in text.split("\n"))):
        mail = f"From: grace@example.net\nTo: ada@example.org\nSubject: Look\n\nLook:\n{body}"
        assert failures(mail.encode()) == ()


@pytest.mark.parametrize("name", NEGATIVES)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_other_mail_is_no_bounce(name: str, end: bytes) -> None:
    assert failures(NEGATIVES[name].encode().replace(b"\n", end)) == ()


ABOUT = Returned(
    "<one@example.org>", "The engine", "Ada <ada@example.org>", "Thu, 26 Nov 2026 08:59:58 +0000"
)


@pytest.mark.parametrize("name", ["a report", "qmail", "Exim", "sendmail", "Yahoo", "OpenSMTPD"])
def test_the_message_that_it_is_about_is_known(name: str) -> None:
    sample = next(sample for sample in SAMPLES if sample.name == name)
    found = bounce(sample.mail.encode())
    assert found.returned == ABOUT
    assert found.reporting_mta == "mx.example.org"


def test_a_report_has_its_time_and_the_servers() -> None:
    found = bounce(SAMPLES[0].mail.encode())
    assert found.time == "Thu, 26 Nov 2026 09:00:00 +0000"
    assert (found.failures[0].reporting_mta, found.failures[0].remote_mta) == (
        "mx.example.org",
        "mx.example.net",
    )


def test_a_subject_in_encoded_words_is_read() -> None:
    header = RETURNED.replace("The engine", "=?utf-8?q?=C3=87ark?=\n =?utf-8?b?w6c=?=")
    mail = report("x", MTA + FINAL + "Action: failed\nStatus: 5.1.1\n", returned=header)
    assert bounce(mail.encode()).returned.subject == "Çarkç"


def test_a_header_alone_may_be_returned() -> None:
    mail = report("x", MTA + FINAL + "Action: failed\nStatus: 5.1.1\n")
    mail = mail.replace("message/rfc822", "text/rfc822-headers")
    assert bounce(mail.encode()).returned == ABOUT


@pytest.mark.parametrize("coding", ["base64", "quoted-printable"])
def test_encoded_parts_are_read(coding: str) -> None:
    def encoded(text: str) -> str:
        octets = text.encode()
        write = base64.encodebytes if coding == "base64" else binascii.b2a_qp
        return write(octets).decode()

    status = MTA + FINAL + "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 ğ\n"
    clear = report("Hello", status)
    hidden = report("Hello", encoded(status), more=f"Content-Transfer-Encoding: {coding}\n")
    assert failures(hidden.encode()) == failures(clear.encode())


def test_people_s_words_in_another_character_set_are_read() -> None:
    sample = next(sample for sample in SAMPLES if sample.name == "Exchange in German")
    header, _, body = sample.mail.partition("\n\n")
    mail = f"{header}\nContent-Type: text/plain; charset=iso-8859-1\n\n".encode()
    assert failures(mail + body.encode("iso-8859-1")) == failures(sample.mail.encode())


def test_what_a_report_returns_is_not_read_as_one() -> None:
    returned = SAMPLES[9].mail
    mail = report("It is on its way.", MTA.rstrip() + "\n", returned=returned)
    assert failures(mail.encode()) == ()


def test_an_international_address_is_read() -> None:
    status = "Final-Recipient: utf-8; \\x{11F}race@example.net\nAction: failed\nStatus: 5.1.1\n"
    (only,) = failures(report("x", MTA + status).encode())
    assert only.recipient == "ğrace@example.net"
    assert only.action == FAILED


PIECES = st.sampled_from(
    ["--=_b", "--=_b--", "", "Content-Type: message/rfc822", "Content-Type: text/plain", " fold",
     "Content-Type: message/delivery-status", "Content-Transfer-Encoding: base64", GRACE,
     'Content-Type: multipart/mixed; boundary="=_b"', FINAL.strip(), "Status: 5.1.1", "From: <>",
     "Transcript of session follows", "<grace@example.net>:", "--- Below this line is",
     "550 5.1.1 x",
     "=?utf-8?q?=41?=", "Return-Path: <>", "X-Failed-Recipients: grace@example.net", "> x",
     "Subject: failure notice", "\x1b[1m"]
)  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=40).map(lambda t: t.replace("\r", "")), max_size=40))
def test_the_three_line_ends_are_one(lines: list[str]) -> None:
    mail = "\n".join(lines).encode("utf-8", "replace")
    found = bounce(mail)
    assert bounce(mail.replace(b"\n", b"\r\n")) == found
    assert bounce(mail.replace(b"\n", b"\r")) == found


@given(st.binary(max_size=2_000))
def test_whatever_the_mail_is_it_is_read(octets: bytes) -> None:
    bounce(octets)
    bounce(SAMPLES[0].mail.encode().replace(b"5.1.1", octets))
