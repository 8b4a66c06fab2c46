"""An aggregate report as XML (RFC 9990 §3.1.1 and Appendix A).

The schema is known from the last draft of the RFC (draft-ietf-dmarc-aggregate-reporting-32), and
the section numbers, too. Where its text and its schema leave an order open, the text's is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape

from ulak.reports.aggregate import Aggregate, Published, Row

NAMESPACE = "urn:ietf:params:xml:ns:dmarc-2.0"

# XML 1.0 §2.2 has no place for these, not even as a reference.
_NO_CHARACTER = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(report: Aggregate) -> bytes:
    """Write a report."""
    return "".join(_document(report)).encode()


def _document(report: Aggregate) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<feedback xmlns="{NAMESPACE}">\n'
    yield _leaf(1, "version", "1.0")
    yield " <report_metadata>\n"
    yield _leaf(2, "org_name", report.organization)
    yield _leaf(2, "email", report.email)
    yield _some(2, "extra_contact_info", report.contact)
    yield _leaf(2, "report_id", report.report_id)
    yield "  <date_range>\n"
    yield _leaf(3, "begin", str(report.begin))
    yield _leaf(3, "end", str(report.end))
    yield "  </date_range>\n"
    yield _some(2, "error", " ".join(report.errors))  # the schema has room for one
    yield _some(2, "generator", report.generator)
    yield " </report_metadata>\n"
    yield from _policy(report.published)
    for row in report.rows:
        yield from _record(row)
    yield "</feedback>\n"


def _policy(published: Published) -> Iterator[str]:
    yield " <policy_published>\n"
    yield _leaf(2, "domain", published.domain)
    yield _some(2, "discovery_method", published.discovery)
    yield _leaf(2, "p", published.p)
    for name, value in (
        ("sp", published.sp),
        ("np", published.np),
        ("fo", published.fo),
        ("adkim", published.adkim),
        ("aspf", published.aspf),
        ("testing", published.testing),
    ):
        yield _some(2, name, value)
    yield " </policy_published>\n"


def _record(row: Row) -> Iterator[str]:
    yield " <record>\n  <row>\n"
    yield _leaf(3, "source_ip", row.ip)
    yield _leaf(3, "count", str(row.count))
    yield "   <policy_evaluated>\n"
    yield _leaf(4, "disposition", row.disposition)
    yield _leaf(4, "dkim", row.dkim)
    yield _leaf(4, "spf", row.spf)
    for note in row.notes:
        yield "    <reason>\n"
        yield _leaf(5, "type", note.why)
        yield _some(5, "comment", note.comment)
        yield "    </reason>\n"
    yield "   </policy_evaluated>\n  </row>\n  <identifiers>\n"
    yield _leaf(3, "header_from", row.from_domain)
    if row.envelope_from is not None:
        yield _leaf(3, "envelope_from", row.envelope_from)
    yield _some(3, "envelope_to", row.envelope_to)
    yield "  </identifiers>\n  <auth_results>\n"
    for signature in row.signatures:
        yield "   <dkim>\n"
        yield _leaf(4, "domain", signature.domain)
        yield _leaf(4, "selector", signature.selector)
        yield _leaf(4, "result", signature.result)
        yield _some(4, "human_result", signature.comment)
        yield "   </dkim>\n"
    for sender in row.senders[:1]:  # of the one identity that counts (§3.1.1.12)
        yield "   <spf>\n"
        yield _leaf(4, "domain", sender.domain)
        yield _leaf(4, "scope", "mfrom")
        yield _leaf(4, "result", sender.result)
        yield _some(4, "human_result", sender.comment)
        yield "   </spf>\n"
    yield "  </auth_results>\n </record>\n"


def _leaf(depth: int, name: str, text: str) -> str:
    return f"{' ' * depth}<{name}>{escape(_NO_CHARACTER.sub('?', text))}</{name}>\n"


def _some(depth: int, name: str, text: str) -> str:
    return _leaf(depth, name, text) if text else ""
