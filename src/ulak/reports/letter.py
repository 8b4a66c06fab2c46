"""The mail that brings an aggregate report to who asked for it (RFC 9990 §3.5.2)."""

from __future__ import annotations

import base64
import gzip
from email.utils import formatdate

from ulak.reports.aggregate import Aggregate
from ulak.reports.making import Author
from ulak.reports.writing import write

_LINE = 76
_TEXT = (
    "This is a DMARC aggregate report (RFC 9990) about mail that claimed to be from {domain}.\r\n"
    "It counts {messages} messages that {hostname} judged on {day} (UTC), and tells how SPF,\r\n"
    "DKIM and DMARC came out for each address they came from. It is for programs: the attached\r\n"
    "file is XML packed with gzip.\r\n\r\n"
    "It is sent because the DMARC record of {domain} asks for it with its tag rua. Whoever does\r\n"
    "not want it takes the address out of there, or takes away the record\r\n"
    "{domain}._report._dmarc that lets it be sent here.\r\n"
)


def packed(report: Aggregate) -> bytes:
    """Write a report and pack it: the same report is the same octets."""
    return gzip.compress(write(report), mtime=0)


def filename(report: Aggregate, author: Author) -> str:
    """Name the attached file; the name is the same whenever the report is sent again."""
    return f"{author.hostname}!{report.published.domain}!{report.begin}!{report.end}.xml.gz"


def subject(domain: str, submitter: str, report_id: str) -> str:
    """Give the subject, folded, as the grammar of §3.5.2 has it."""
    return f"Report Domain: {domain}\r\n Submitter: {submitter}\r\n Report-ID: <{report_id}>"


def letter(report: Aggregate, octets: bytes, author: Author, to: str, now: float) -> bytes:
    """Write the mail with a report, which is packed in `octets`, to one address."""
    domain = report.published.domain
    boundary = f"=_{report.begin}_ulak_report"
    text = _TEXT.format(
        domain=domain,
        messages=report.messages,
        hostname=author.hostname,
        day=formatdate(report.begin).removesuffix(" 00:00:00 -0000"),
    )
    encoded = base64.b64encode(octets)
    lines = [encoded[at : at + _LINE] for at in range(0, len(encoded), _LINE)]
    name = filename(report, author)
    date = formatdate(now).replace("-0000", "+0000")
    head = (
        f"From: DMARC reports <{author.sender}>\r\n"
        f"To: <{to}>\r\n"
        f"Subject: {subject(domain, author.hostname, report.report_id)}\r\n"
        f"Date: {date}\r\n"
        f"Message-ID: <{report.report_id}>\r\n"
        "Auto-Submitted: auto-generated\r\n"
        "MIME-Version: 1.0\r\n"
        f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n'
        "\r\n"
        f"--{boundary}\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Language: en\r\n"
        "\r\n"
        f"{text}"
        f"\r\n--{boundary}\r\n"
        f'Content-Type: application/gzip;\r\n name="{name}"\r\n'
        f'Content-Disposition: attachment;\r\n filename="{name}"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        "\r\n"
    )
    return b"".join((head.encode(), b"\r\n".join(lines), f"\r\n--{boundary}--\r\n".encode()))
