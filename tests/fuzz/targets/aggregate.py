"""An aggregate report of a stranger (RFC 9990): read or refused, and what is read can be kept."""

from __future__ import annotations

import gzip

from tests.fuzz.octets import Octets

from ulak.reports.aggregate import Aggregate
from ulak.reports.plain import report_of, table_of
from ulak.reports.reading import Unreadable, read_file, read_mail
from ulak.reports.sources import sources
from ulak.reports.writing import write

_HEAD = b"<feedback><report_metadata><org_name>o</org_name><report_id>i</report_id><date_range>"
_MIDDLE = b"<begin>1</begin><end>2</end></date_range></report_metadata><policy_published>"
_END = b"<domain>d.example</domain><p>none</p></policy_published>%s</feedback>"
_ROW = b"<record><row><source_ip>192.0.2.1</source_ip><count>1</count>%s</row></record>"
_MAIL = b"Content-Type: %s\r\nContent-Disposition: attachment; filename=a.xml\r\n\r\n"


def one(data: bytes) -> None:
    given = Octets(data)
    way = given.choice(("as it is", "records", "row", "packed", "mail", "multipart"))
    octets = given.rest()
    whole = _HEAD + _MIDDLE + _END
    match way:
        case "records":
            octets = whole % octets
        case "row":
            octets = whole % (_ROW % octets)
        case "packed":
            octets = gzip.compress(octets, 1)
        case "mail":
            octets = _MAIL % b"text/xml" + octets
        case "multipart":
            octets = _MAIL % b"multipart/mixed; boundary=a" + octets
        case _:
            pass
    found = read_mail(octets) if way in ("mail", "multipart") else read_file(octets)
    if isinstance(found, Unreadable):
        assert len(found.detail) <= 100
        return
    for report in found:
        assert report_of(table_of(report)) == report
        if not isinstance(report, Aggregate):
            continue
        for text in (report.organization, report.report_id, report.email, *report.errors):
            assert text.isprintable() or "\xa0" in text or not text.isascii()
            assert len(text) <= 300
        assert sum(source.messages for source in sources([report])) == report.messages
        assert not isinstance(read_file(write(report)), Unreadable)
