"""A TLS report of a stranger (RFC 8460): read or refused, and what is read can be kept."""

from __future__ import annotations

import json

from tests.fuzz.octets import Octets

from ulak.reports.plain import report_of, table_of, totals
from ulak.reports.reading import Unreadable, read_file
from ulak.reports.tlsrpt import TlsReport

_REPORT = (
    b'{"organization-name":"o","report-id":"i","contact-info":"c","date-range":{"start-datetime":'
    b'"2026-11-26T00:00:00Z","end-datetime":"2026-11-26T23:59:59Z"},"policies":[%s]}'
)
_POLICY = (
    b'{"policy":{"policy-type":"sts","policy-domain":"d.example"},"summary":{"total-successful-'
    b'session-count":1,"total-failure-session-count":2},"failure-details":[%s]}'
)


def one(data: bytes) -> None:
    given = Octets(data)
    way = given.choice(("as it is", "policies", "failures"))
    octets = given.rest()
    if way == "policies":
        octets = _REPORT % octets
    elif way == "failures":
        octets = _REPORT % (_POLICY % octets)
    else:
        octets = b"{" + octets
    found = read_file(octets)
    if isinstance(found, Unreadable):
        assert len(found.detail) <= 100
        return
    for report in found:
        assert isinstance(report, TlsReport)
        messages, passed = totals(report)
        assert 0 <= passed <= messages
        assert report_of(table_of(report)) == report
        assert report_of(json.loads(json.dumps(table_of(report)))) == report
