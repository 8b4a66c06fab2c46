"""Complaints of readers, as mailbox providers pass them on (RFC 5965)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.replies.bounces.complaint import complaint

# The example of RFC 5965, Appendix B.2.
REPORT = b"""From: <abusedesk@example.com>\r
Date: Thu, 8 Mar 2005 17:40:36 EDT\r
Subject: FW: Earn money\r
To: <abuse@example.net>\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=feedback-report;\r
     boundary="part1_13d.2e68ed54_boundary"\r
\r
--part1_13d.2e68ed54_boundary\r
Content-Type: text/plain; charset="US-ASCII"\r
Content-Transfer-Encoding: 7bit\r
\r
This is an email abuse report for an email message received from IP\r
192.0.2.1 on Thu, 8 Mar 2005 14:00:00 EDT.\r
\r
--part1_13d.2e68ed54_boundary\r
Content-Type: message/feedback-report\r
\r
Feedback-Type: Abuse\r
User-Agent: SomeGenerator/1.0\r
Version: 1\r
Original-Mail-From: <somespammer@example.net>\r
Original-Rcpt-To: <user@example.com>\r
Received-Date: Thu, 8 Mar 2005 14:00:00 EDT\r
Source-IP: 192.0.2.1\r
\r
--part1_13d.2e68ed54_boundary\r
Content-Type: message/rfc822\r
Content-Disposition: inline\r
\r
Return-Path: <return@example.net>\r
From: <somespammer@example.net>\r
To: <Undisclosed Recipients>\r
Subject: Earn money\r
Message-ID: 8787KJKJ3K4J3K4J3K4J3.mail@example.net\r
\r
Spam Spam Spam\r
\r
--part1_13d.2e68ed54_boundary--\r
"""


def test_a_complaint_is_read_as_the_rfc_has_it() -> None:
    found = complaint(REPORT)
    assert found is not None
    assert (found.feedback, found.agent) == ("abuse", "SomeGenerator/1.0")
    assert (found.sender, found.recipient) == ("somespammer@example.net", "user@example.com")
    assert found.return_path == "return@example.net"
    assert found.message_id == "8787KJKJ3K4J3K4J3K4J3.mail@example.net"
    assert found.source_ip == "192.0.2.1"
    assert found.unwanted


@pytest.mark.parametrize(
    ("kind", "unwanted"),
    [("abuse", True), ("fraud", True), ("virus", True), ("other", True), ("not-spam", False),
     ("auth-failure", False), ("something-new", False)],
)  # fmt: skip
def test_not_every_feedback_says_that_mail_is_unwanted(kind: str, unwanted: bool) -> None:  # noqa: FBT001 -- a parameter of a test
    found = complaint(REPORT.replace(b"Feedback-Type: Abuse", b"Feedback-Type: " + kind.encode()))
    assert found is not None
    assert found.unwanted is unwanted


def test_providers_leave_out_what_they_like() -> None:
    text = REPORT.replace(b"Original-Mail-From: <somespammer@example.net>\r\n", b"")
    text = text.replace(b"Content-Type: message/rfc822", b"Content-Type: text/rfc822-headers")
    found = complaint(text)
    assert found is not None
    assert (found.sender, found.return_path) == ("", "return@example.net")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"Subject: spam\r\n\r\nFeedback-Type: abuse\r\n",
        REPORT.replace(b"Feedback-Type: Abuse\r\n", b""),
        REPORT.replace(b"message/feedback-report", b"text/plain"),
    ],
)
def test_what_is_no_complaint_is_none(text: bytes) -> None:
    assert complaint(text) is None


@given(st.binary(max_size=2000), st.integers(0, len(REPORT)))
def test_whatever_a_stranger_writes_there_is_an_answer(octets: bytes, at: int) -> None:
    complaint(octets)
    complaint(REPORT[:at] + octets + REPORT[at:])
    complaint(REPORT[:at])
