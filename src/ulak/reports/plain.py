"""Reports as plain tables and back: how they are kept, and what `--json` shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ulak.reports.aggregate import Aggregate, Note, Published, Row
from ulak.reports.observation import Sender, Signature
from ulak.reports.reading import Report
from ulak.reports.tlsrpt import Failure, TlsPolicy, TlsReport

DMARC, TLS = "dmarc", "tls"


def kind_of(report: Report) -> str:
    """Name the kind of a report."""
    return DMARC if isinstance(report, Aggregate) else TLS


def domain_of(report: Report) -> str:
    """Give the domain that a report is about."""
    return report.published.domain if isinstance(report, Aggregate) else report.domain


def totals(report: Report) -> tuple[int, int]:
    """Give how many messages, or sessions, a report counts, and with how many all was well."""
    if isinstance(report, Aggregate):
        return report.messages, sum(row.count for row in report.rows if row.passed)
    passed = sum(policy.succeeded for policy in report.policies)
    return passed + sum(policy.failed for policy in report.policies), passed


def table_of(report: Report) -> dict[str, Any]:
    """Give a report as a table."""
    return {"kind": kind_of(report), **asdict(report)}


def report_of(table: Mapping[str, Any]) -> Report:
    """Read what `table_of` gave."""
    fields = {name: value for name, value in table.items() if name != "kind"}
    if table["kind"] == DMARC:
        fields["published"] = Published(**fields["published"])
        fields["rows"] = tuple(map(row_of, fields["rows"]))
        fields["errors"] = tuple(fields["errors"])
        return Aggregate(**fields)
    fields["policies"] = tuple(map(_policy, fields["policies"]))
    return TlsReport(**fields)


def row_text(row: Row) -> str:
    """Write a row as text: equal rows are equal texts."""
    return json.dumps(asdict(row), ensure_ascii=False, separators=(",", ":"))


def row_of(table: Mapping[str, Any]) -> Row:
    """Read a row."""
    lists = {
        "notes": tuple(Note(**each) for each in table["notes"]),
        "signatures": tuple(Signature(**each) for each in table["signatures"]),
        "senders": tuple(Sender(**each) for each in table["senders"]),
    }
    return Row(**{**table, **lists})


def _policy(table: Mapping[str, Any]) -> TlsPolicy:
    failures = tuple(Failure(**each) for each in table["failures"])
    lists = {"hosts": tuple(table["hosts"]), "strings": tuple(table.get("strings", ()))}
    return TlsPolicy(**{**table, **lists, "failures": failures})
