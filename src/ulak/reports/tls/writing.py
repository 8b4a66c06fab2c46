"""Reports about TLS: made of what was counted, as JSON, and their mail (RFC 8460)."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime
from email.utils import formatdate

from ulak.reports.counting import DAY
from ulak.reports.making import Author, report_id
from ulak.reports.tls.counting import Counted, Policy, Row
from ulak.reports.tlsrpt import Failure, TlsPolicy, TlsReport

_LINE = 76
_TEXT = (
    "This is a report about TLS (RFC 8460) with the mail servers of {domain}.\r\n"
    "It counts {sessions} sessions that {hostname} began with them on {day} (UTC), and tells\r\n"
    "how many of them failed, at which host and why. It is for programs: the attached file is\r\n"
    "JSON packed with gzip.\r\n\r\n"
    "It is sent because the record at _smtp._tls.{domain} asks for it. Whoever does not want it\r\n"
    "takes the address out of there.\r\n"
)


def report_of(counted: Counted, author: Author) -> TlsReport:
    """Make the report of one day and one policy domain."""
    begin = counted.day * DAY
    by_policy: dict[Policy, list[tuple[Row, int]]] = {}
    for row, count in counted.rows.items():
        by_policy.setdefault(row.policy, []).append((row, count))
    return TlsReport(
        author.organization,
        author.email,
        "tls-" + report_id(begin, counted.domain, author.hostname),
        begin,
        begin + DAY - 1,
        tuple(_policy(counted.domain, policy, rows) for policy, rows in by_policy.items()),
    )


def _policy(domain: str, policy: Policy, rows: list[tuple[Row, int]]) -> TlsPolicy:
    failed = sorted((each for each in rows if each[0].result), key=lambda each: -each[1])
    return TlsPolicy(
        policy.kind,
        policy.domain or domain,
        sum(count for row, count in rows if not row.result),
        sum(count for _, count in failed),
        policy.hosts,
        tuple(
            Failure(row.result, count, row.own_ip, row.host, row.ip, row.comment)
            for row, count in failed
        ),
        policy.strings,
    )


def write(report: TlsReport) -> bytes:
    """Write a report as JSON (§4.4): the same report is the same octets."""
    document = {
        "organization-name": report.organization,
        "date-range": {
            "start-datetime": _moment(report.begin),
            "end-datetime": _moment(report.end),
        },
        "contact-info": report.contact,
        "report-id": report.report_id,
        "policies": [_written(policy) for policy in report.policies],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def packed(report: TlsReport) -> bytes:
    """Write a report and pack it."""
    return gzip.compress(write(report), mtime=0)


def _written(policy: TlsPolicy) -> dict[str, object]:
    said: dict[str, object] = {"policy-type": policy.kind, "policy-domain": policy.domain}
    if policy.strings:
        said["policy-string"] = list(policy.strings)
    if policy.hosts:
        said["mx-host"] = list(policy.hosts)
    written: dict[str, object] = {
        "policy": said,
        "summary": {
            "total-successful-session-count": policy.succeeded,
            "total-failure-session-count": policy.failed,
        },
    }
    if policy.failures:
        written["failure-details"] = [_failure(each) for each in policy.failures]
    return written


def _failure(failure: Failure) -> dict[str, object]:
    fields = {
        "result-type": failure.kind,
        "sending-mta-ip": failure.sending_ip,
        "receiving-mx-hostname": failure.receiving_host,
        "receiving-ip": failure.receiving_ip,
        "failed-session-count": failure.sessions,
        "failure-reason-code": failure.comment,
    }
    return {name: value for name, value in fields.items() if value != ""}


def letter(domain: str, day: int, octets: bytes, author: Author, to: str, now: float) -> bytes:
    """Write the mail with a report, which is packed in `octets`, to one address (§5.3).

    It says that it may go without TLS, or with a host that is not proven (RFC 8689 §3): what it
    is about is that TLS with that domain fails.
    """
    begin, end = day * DAY, day * DAY + DAY - 1
    document = json.loads(gzip.decompress(octets))
    sessions = sum(count for policy in document["policies"] for count in policy["summary"].values())
    identifier = document["report-id"]
    boundary = f"=_{begin}_ulak_tls_report"
    text = _TEXT.format(
        domain=domain,
        sessions=sessions,
        hostname=author.hostname,
        day=formatdate(begin).removesuffix(" 00:00:00 -0000"),
    )
    encoded = base64.b64encode(octets)
    lines = [encoded[at : at + _LINE] for at in range(0, len(encoded), _LINE)]
    name = f"{author.domain}!{domain}!{begin}!{end}.json.gz"  # §5.1
    date = formatdate(now).replace("-0000", "+0000")
    head = (
        f"From: TLS reports <{author.sender}>\r\n"
        f"To: <{to}>\r\n"
        f"Subject: Report Domain: {domain}\r\n"
        f" Submitter: {author.domain}\r\n"
        f" Report-ID: <{identifier}>\r\n"
        f"Date: {date}\r\n"
        f"Message-ID: <{identifier}>\r\n"
        f"TLS-Report-Domain: {domain}\r\n"
        f"TLS-Report-Submitter: {author.domain}\r\n"
        "TLS-Required: No\r\n"
        "Auto-Submitted: auto-generated\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type="tlsrpt";\r\n'
        f' boundary="{boundary}"\r\n'
        "\r\n"
        f"--{boundary}\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Language: en\r\n"
        "\r\n"
        f"{text}"
        f"\r\n--{boundary}\r\n"
        f'Content-Type: application/tlsrpt+gzip;\r\n name="{name}"\r\n'
        f'Content-Disposition: attachment;\r\n filename="{name}"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        "\r\n"
    )
    return b"".join((head.encode(), b"\r\n".join(lines), f"\r\n--{boundary}--\r\n".encode()))


def _moment(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
