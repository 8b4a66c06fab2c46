"""One failure report as a mail (RFC 9991 §4, on top of RFC 6591 §3 and RFC 5965 §3)."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import formatdate

from ulak import __version__
from ulak.reports.failure.redaction import redacted
from ulak.reports.fields import one_line
from ulak.reports.making import Author
from ulak.reports.observation import Disposition, Observation, Signature

_RESULT = {
    Disposition.NONE: "delivered",
    Disposition.PASS: "delivered",
    Disposition.QUARANTINE: "spam",
    Disposition.REJECT: "reject",
}
_TEXT = (
    "A message that says to be from {domain} came from {ip} on {date} and failed DMARC.\r\n"
    "Its DMARC record asks with its tag ruf for reports like this one (RFC 9991). What follows\r\n"
    "is for programs, and then the header of the message; names before the @ are made\r\n"
    "unrecognisable, and its subject and its text are not sent.\r\n"
)


@dataclass(frozen=True, slots=True)
class Failure:
    """What is told. `spf_record` is the SPF record that was found, `""` for none."""

    observation: Observation
    incidents: int = 1
    spf_record: str = ""


def write(
    failure: Failure, author: Author, to: str, *, identifier: str, secret: bytes, now: float
) -> bytes:
    """Write the mail."""
    seen = failure.observation
    boundary = f"=_{identifier}"
    date = formatdate(now).replace("-0000", "+0000")
    text = _TEXT.format(domain=_safe(seen.from_domain), ip=_safe(seen.ip), date=date)
    parts = (
        ("text/plain; charset=utf-8", text),
        ("message/feedback-report", _fields(failure, author, now)),
        ("text/rfc822-headers", redacted(seen.header, secret)),
    )
    body = "".join(
        f"--{boundary}\r\nContent-Type: {kind}\r\n\r\n{part}\r\n" for kind, part in parts
    )
    return (
        f"From: DMARC reports <{author.sender}>\r\n"
        f"To: <{to}>\r\n"
        f"Subject: DMARC failure report about {_safe(seen.from_domain)}\r\n"
        f"Date: {date}\r\n"
        f"Message-ID: <{identifier}@{author.hostname}>\r\n"
        "Auto-Submitted: auto-generated\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=feedback-report;\r\n"
        f' boundary="{boundary}"\r\n\r\n'
        f"{body}--{boundary}--\r\n"
    ).encode()


def _fields(failure: Failure, author: Author, now: float) -> str:
    seen = failure.observation
    failed = [
        method
        for method, aligned in (("dkim", seen.dkim_aligned), ("spf", seen.spf_aligned))
        if not aligned
    ]
    told = [
        ("Feedback-Type", "auth-failure"),
        ("User-Agent", f"Ulak/{__version__}"),
        ("Version", "1"),
        ("Auth-Failure", "dmarc"),
        ("Authentication-Results", _results(seen, author.hostname)),
        ("Identity-Alignment", ", ".join(failed) or "none"),
        ("Delivery-Result", _RESULT[seen.disposition]),
        ("Arrival-Date", formatdate(seen.time).replace("-0000", "+0000")),
        ("Source-IP", seen.ip),
        ("Reported-Domain", seen.from_domain),
    ]
    if failure.incidents > 1:
        told.append(("Incidents", str(failure.incidents)))
    signature = _own(seen)
    if signature is not None:
        told += [
            ("DKIM-Domain", signature.domain),
            ("DKIM-Identity", f"@{signature.domain}"),
            ("DKIM-Selector", signature.selector),
        ]
    if not seen.spf_aligned and seen.sender is not None and failure.spf_record:
        record = failure.spf_record.replace('"', "")
        told.append(("SPF-DNS", f'txt : {seen.sender.domain} : "{record}"'))
    del now
    return "".join(f"{name}: {_safe(value)}\r\n" for name, value in told)


def _results(seen: Observation, hostname: str) -> str:
    found = [hostname, f"dmarc={'pass' if seen.passed else 'fail'} header.from={seen.from_domain}"]
    if seen.sender is not None:
        found.append(f"spf={seen.sender.result} smtp.mailfrom={seen.sender.domain}")
    found += [
        f"dkim={each.result} header.d={each.domain} header.s={each.selector}"
        for each in seen.signatures[:4]
    ]
    return "; ".join(found)


def _own(seen: Observation) -> Signature | None:
    """Give a signature of the author's own domain that failed."""
    author = seen.from_domain
    for each in seen.signatures:
        related = each.domain == author or author.endswith(f".{each.domain}")
        if each.result != "pass" and (related or each.domain.endswith(f".{author}")):
            return each
    return None


def _safe(text: str) -> str:
    return one_line("".join(c if c.isascii() else "?" for c in text), 800)
