"""A bounce mail is read for what its report says about each recipient."""

from __future__ import annotations

import base64
import binascii

from hypothesis import given
from hypothesis import strategies as st

from ulak.replies.bounces import failures
from ulak.replies.parse import ParsedReply

STATUS = b"""Reporting-MTA: dns; mx.example.org
Arrival-Date: Thu, 1 Jan 2026 00:00:00 +0000

Final-Recipient: rfc822; ada@example.net
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.example.net
Diagnostic-Code: smtp; 550 5.1.1 <ada@example.net>: there is no
 such mailbox here
X-Ulak-Cause: no-such-mailbox

Original-Recipient: rfc822;grace@example.net
Final-Recipient: rfc822;grace@example.net
Action: delayed
Status: 4.2.2
Diagnostic-Code: smtp; 452 no room

"""
MAIL = b"""From: MAILER-DAEMON@example.org
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It failed. Diagnostic-Code: smtp; 999 not this one
--b
Content-Description: report
Content-Type: message/delivery-status
%b
%b
--b--
"""


def mail(status: bytes = STATUS, header: bytes = b"") -> bytes:
    return (MAIL % (header, status)).replace(b"\n", b"\r\n")


def test_each_recipient_has_its_reply() -> None:
    first, second = failures(mail())
    assert (first.recipient, first.action) == ("ada@example.net", "failed")
    words = "<ada@example.net>: there is no such mailbox here"
    assert first.reply == ParsedReply(550, "5.1.1", words)
    assert first.cause == "no-such-mailbox"
    assert (second.recipient, second.action) == ("grace@example.net", "delayed")
    assert second.quoted == "smtp; 452 no room"


def test_the_report_s_own_status_stands_in_for_a_missing_one() -> None:
    assert failures(mail())[1].reply == ParsedReply(452, "4.2.2", "no room")
    only = b"Final-Recipient: rfc822; a@b.c\nAction: failed\nStatus: 5.2.1\n"
    assert failures(mail(only))[0].reply == ParsedReply(None, "5.2.1", "")
    empty = only.replace(b"5.2.1", b"5.0.0 (nothing known)")
    assert failures(mail(empty))[0].reply.enhanced == "5.0.0"


def test_only_the_part_for_programs_is_read() -> None:
    returned = b"--b\nContent-Type: message/rfc822\n\nFinal-Recipient: x;y\nStatus: 5.0.0\n\n"
    assert failures(mail(STATUS + returned)) == failures(mail())


def test_a_report_in_base64_is_read() -> None:
    encoded = base64.encodebytes(STATUS.replace(b"\n", b"\r\n"))
    header = b"Content-Transfer-Encoding: base64\n"
    assert failures(mail(encoded, header)) == failures(mail())


def test_a_report_in_quoted_printable_is_read() -> None:
    status = STATUS.replace(b"no room", b"no room " * 9).replace(b"ada@", "ağ@".encode())
    encoded = binascii.b2a_qp(status)
    assert b"=\n" in encoded
    assert b"=C4=9F" in encoded
    header = b"Content-Transfer-Encoding: Quoted-Printable\n"
    assert failures(mail(encoded, header)) == failures(mail(status))


def test_a_line_of_hyphens_ends_no_part() -> None:
    status = STATUS.replace(b"no room", b"no room\n ok\n---- more\nX-Ulak-Cause: mailbox-full")
    assert failures(mail(status))[1].cause == "mailbox-full"


def test_an_international_report_is_read() -> None:
    utf8 = mail("Final-Recipient: utf-8; ağ@örnek.example\nStatus: 5.1.1\n".encode())
    (only,) = failures(utf8.replace(b"message/delivery", b"message/global-delivery"))
    assert only.recipient == "ağ@örnek.example"


def test_a_mail_without_a_report_has_no_failures() -> None:
    assert failures(b"Subject: hello\r\n\r\nbye\r\n") == ()
    assert failures(b"") == ()


@given(st.binary())
def test_whatever_the_mail_holds_is_read_or_left(octets: bytes) -> None:
    failures(octets)
    failures(mail(octets))
    for coding in (b"base64", b"quoted-printable"):
        failures(mail(octets, b"Content-Transfer-Encoding: " + coding + b"\n"))
