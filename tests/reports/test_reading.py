"""Reports of others are read, whatever they come in, and nothing in a hostile one does harm."""

from __future__ import annotations

import base64
import gzip
import random
import tracemalloc
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reports.samples import NAMESPACE, OLD, RECORD, aggregate, mail, packed, tls, zipped

from ulak.reports.aggregate import Aggregate, Note, Published, Row
from ulak.reports.observation import Sender, Signature
from ulak.reports.reading import Trouble, Unreadable, elements, read_file, read_mail, unpack
from ulak.reports.reading.aggregate import read
from ulak.reports.tlsrpt import Failure, TlsPolicy, TlsReport

REPORT = Aggregate(
    organization="Example Net",
    email="dmarc@example.net",
    report_id="2026-11-26.example.org@mx.example.net",
    begin=1764115200,
    end=1764201599,
    published=Published(
        "example.org", "quarantine", "none", "reject", testing="n", discovery="treewalk"
    ),
    rows=(
        Row(
            ip="192.0.2.7",
            count=12,
            disposition="quarantine",
            dkim="fail",
            spf="fail",
            from_domain="example.org",
            envelope_from="bounce.example.net",
            notes=(Note("local_policy", "a list"),),
            signatures=(Signature("example.org", "s1", "fail", "body hash"),),
            senders=(Sender("bounce.example.net", "pass"),),
        ),
    ),
)


def trouble(found: object) -> Trouble:
    assert isinstance(found, Unreadable), found
    return found.trouble


def test_a_report_of_rfc_9990_is_read_with_everything_in_it() -> None:
    assert read_file(aggregate()) == (REPORT,)


def test_a_report_of_rfc_7489_is_read_too() -> None:
    (report,) = found = read_file(OLD)  # type: ignore[misc] # a report, as is asserted
    assert isinstance(found, tuple)
    assert isinstance(report, Aggregate)
    assert report.errors == ("two records", "a bad rua")
    assert report.published == Published("example.org", "none", adkim="r", aspf="s", percent="50")
    (row,) = report.rows
    assert row.passed
    assert row.envelope_from is None
    assert [sender.result for sender in row.senders] == ["none", "softfail"]
    assert row.notes == (Note("forwarded"),)


@pytest.mark.parametrize(
    ("octets", "kind", "name"),
    [
        (packed(aggregate()), "application/gzip", "a.xml.gz"),
        (packed(aggregate()), "application/octet-stream", "a.xml.gz"),
        (zipped(("a.xml", aggregate())), "application/zip", "a.zip"),
        (zipped(("a.xml", aggregate())), "application/x-zip-compressed", "a.zip"),
        # What it is called is a claim; what it is, its octets say.
        (zipped(("a.xml", aggregate())), "application/gzip", "a.xml.gz"),
        (packed(aggregate()), "application/zip", "a.zip"),
        (aggregate(), "text/xml", "a.xml"),
        (zipped(("a.xml", aggregate()), ("__MACOSX/._a.xml", b"")), "application/zip", "a.zip"),
        (zipped(("a.xml", aggregate()), method=zipfile.ZIP_STORED), "application/zip", "a.zip"),
    ],
)
def test_a_report_is_found_in_whatever_it_is_packed(octets: bytes, kind: str, name: str) -> None:
    assert read_mail(mail(octets, kind=kind, name=name)) == (REPORT,)
    assert read_file(octets) == (REPORT,)


def test_a_mail_that_is_nothing_but_the_attachment_is_read() -> None:
    body = base64.encodebytes(packed(aggregate())).replace(b"\n", b"\r\n")
    octets = (
        b"From: a@example.net\r\nContent-Type: application/gzip;\r\n name=a.xml.gz\r\n"
        b"Content-Transfer-Encoding: BASE64\r\n\r\n" + body
    )
    assert read_mail(octets) == (REPORT,)
    assert read_file(octets.replace(b"\r\n", b"\n")) == (REPORT,), "a mail saved on a disk"


def test_a_report_that_somebody_has_passed_on_is_found() -> None:
    octets = (
        b"Subject: Fwd\r\nContent-Type: multipart/mixed; boundary=outer\r\n\r\n"
        b"--outer\r\nContent-Type: message/rfc822\r\n\r\n" + mail(packed(aggregate())) + b"\r\n"
        b"--outer--\r\n"
    )
    assert read_mail(octets) == (REPORT,)


def test_a_tls_report_is_read() -> None:
    report = TlsReport(
        organization="Company-X",
        contact="sts-reporting@company-x.example",
        report_id="5065427c-23d3-47ca-b6e0-946ea0e8c4be",
        begin=1795651200,
        end=1795737599,
        policies=(
            TlsPolicy(
                "sts",
                "company-y.example",
                5326,
                303,
                ("*.mail.company-y.example",),
                (
                    Failure(
                        "certificate-expired",
                        100,
                        "2001:db8:abcd:0012::1",
                        "mx1.mail.company-y.example",
                    ),
                    Failure(
                        "starttls-not-supported",
                        203,
                        receiving_ip="2001:db8:abcd:0013::1",
                        comment="X509",
                    ),
                ),
            ),
        ),
    )
    assert read_file(tls()) == (report,)
    octets = mail(packed(tls()), kind="application/tlsrpt+gzip", name="a.json.gz")
    assert read_mail(octets) == (report,)
    assert report.domain == "company-y.example"


def test_extensions_are_passed_over() -> None:
    inside = '<extension xmlns:x="urn:x"><x:record><count>9</count></x:record></extension>'
    records = RECORD.replace(
        "</record>", '<x:row xmlns:x="urn:x"><x:count>99</x:count></x:row></record>'
    )
    assert read_file(aggregate(inside=inside, records=records)) == (REPORT,)


def test_a_report_without_a_namespace_is_read_alike() -> None:
    assert read_file(aggregate(namespace="")) == (REPORT,)


ENTITIES = (
    '<!DOCTYPE lolz [<!ENTITY lol "lol">'
    + "".join(f'<!ENTITY lol{n} "{f"&lol{n - 1 or str()};" * 10}">' for n in range(1, 10))
    + "]>"
)


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (aggregate(before=ENTITIES, records=RECORD.replace("12", "&lol9;")), Trouble.DECLARES),
        (
            aggregate(before='<!DOCTYPE a SYSTEM "file:///etc/passwd">'),
            Trouble.DECLARES,
        ),
        (
            aggregate(before='<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>'),
            Trouble.DECLARES,
        ),
        (aggregate(before="<!DOCTYPE feedback>"), Trouble.DECLARES),
        (aggregate(records=RECORD.replace("12", "&unknown;")), Trouble.NOT_XML),
        (aggregate(inside="<a>" * 100_000 + "</a>" * 100_000), Trouble.TOO_DEEP),
        (b"<feedback>" + b"<x/>" * (elements.ELEMENTS + 1), Trouble.TOO_MANY),
        (
            aggregate(inside="<x " + " ".join(f'a{n}="1"' for n in range(100)) + "/>"),
            Trouble.TOO_MANY,
        ),
        (aggregate()[:-20], Trouble.NOT_XML),
        (b"<html><body>Hello</body></html>", Trouble.OTHER_FORMAT),
        (b"<", Trouble.NOT_XML),
        (b'<?xml version="1.0" encoding="nonsense"?><feedback/>', Trouble.NOT_XML),
        (aggregate(records=""), Trouble.MISSING),
        (aggregate(report_id=""), Trouble.MISSING),
        (aggregate(records=RECORD.replace("12", "-1")), Trouble.WRONG_VALUE),
        (aggregate(records=RECORD.replace("12", "1_2")), Trouble.WRONG_VALUE),
        (aggregate(records=RECORD.replace("12", "٣")), Trouble.WRONG_VALUE),
        (aggregate(records=RECORD.replace("12", "9" * 5000)), Trouble.WRONG_VALUE),
        (aggregate(records=RECORD.replace("192.0.2.7", "localhost")), Trouble.WRONG_VALUE),
        (b"{", Trouble.NOT_JSON),
        (b'{"a": 1}', Trouble.OTHER_FORMAT),
        (b'{"policies":' + b"[" * 100_000, Trouble.TOO_DEEP),
        (b'{"policies":' + b"[" * 600_000, Trouble.TOO_MANY),
        (tls(policies=[]), Trouble.MISSING),
        (tls(policies=[1]), Trouble.WRONG_VALUE),
        (tls(policies={}), Trouble.WRONG_VALUE),
        (tls(**{"date-range": None}), Trouble.MISSING),
        (tls(**{"date-range": {"start-datetime": "yesterday"}}), Trouble.WRONG_VALUE),
        (tls().replace(b"5326", b"9" * 5000), Trouble.WRONG_VALUE),
        (tls().replace(b"5326", b"NaN"), Trouble.NOT_JSON),
        (tls().replace(b"5326", b"true"), Trouble.WRONG_VALUE),
        (b"\x1f\x8b" + b"\0" * 50, Trouble.ARCHIVE),
        (packed(aggregate())[:-9], Trouble.ARCHIVE),
        (packed(aggregate()) * 20, Trouble.MANY_FILES),
        (b"PK\x03\x04" + b"\0" * 100, Trouble.ARCHIVE),
        (zipped(("a.txt", b"")), Trouble.NO_REPORT),
        (zipped(("a.xml", aggregate()), ("b.xml", aggregate())), Trouble.MANY_FILES),
        (zipped(*((f"{n}.xml", b"") for n in range(1000))), Trouble.MANY_FILES),
        (zipped(("a.xml", aggregate()), method=zipfile.ZIP_LZMA), Trouble.ARCHIVE),
        (b"", Trouble.OTHER_FORMAT),
        (b"\0\1\2", Trouble.OTHER_FORMAT),
    ],
)
def test_what_is_no_report_is_a_value_that_says_why(octets: bytes, expected: Trouble) -> None:
    assert trouble(read_file(octets)) is expected


@pytest.mark.parametrize("pack", [packed, lambda octets: zipped(("a.xml", octets))])
@pytest.mark.parametrize("size", [unpack.UNPACKED // 2, 4 * unpack.UNPACKED])
def test_a_bomb_is_let_out_only_until_it_is_known_for_one(pack: object, size: int) -> None:
    bomb = pack(b" " * size)  # type: ignore[operator] # a function, as above
    tracemalloc.start()
    try:
        assert trouble(read_file(bomb)) is Trouble.BOMB
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


def test_a_report_that_unpacks_to_more_than_is_read_is_too_large() -> None:
    octets = random.Random(1).randbytes(unpack.UNPACKED // 8).hex().encode() * 8
    assert trouble(read_file(gzip.compress(octets, 1))) is Trouble.TOO_LARGE


def test_a_file_that_is_too_large_is_not_unpacked() -> None:
    octets = b"\x1f\x8b" + bytes(unpack.PACKED)
    assert trouble(read_file(octets)) is Trouble.TOO_LARGE


def test_a_zip_file_with_a_password_is_refused() -> None:
    octets = bytearray(zipped(("a.xml", aggregate())))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        octets[octets.index(mark) + place] |= 1  # the flag of encryption
    assert trouble(read_file(bytes(octets))) is Trouble.ARCHIVE


SMALL = "<record><row><source_ip>::1</source_ip><count>1</count></row></record>"


def test_more_records_than_can_be_are_too_many() -> None:
    assert trouble(read_file(aggregate(records=SMALL * 25_001))) is Trouble.TOO_MANY


def test_only_so_much_of_a_text_is_kept_and_nothing_of_it_acts_on_a_screen() -> None:
    text = "x" * 100_000 + "\u202e"
    report = read(aggregate().replace(b"Example Net", text.encode()))
    assert report.organization == "x" * 299 + "…"
    report = read(aggregate().replace(b"Example Net", "a\u202eb\u0085\nc".encode()))
    assert report.organization == "a b c"


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\r\n",
        b"Subject: hello\r\n\r\nhello\r\n",
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a",
        b"Content-Type: multipart/mixed\r\n\r\n--a\r\n",
        mail(b"", kind="text/plain", name="a.txt"),
        # MIME without end
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n"
        + b"--a\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n" * 10_000,
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n\r\n" * 100_000,
    ],
)
def test_a_mail_without_a_report_says_so(octets: bytes) -> None:
    assert trouble(read_mail(octets)) is Trouble.NO_REPORT


def test_a_mail_with_one_bad_report_among_good_ones_is_not_read_by_half() -> None:
    good = mail(packed(aggregate())).removesuffix(b"--=_cut--\r\n")
    second = b"--=_cut\r\nContent-Type: text/xml\r\n\r\n<feedback/>\r\n--=_cut--\r\n"
    assert trouble(read_mail(good + second)) is Trouble.MISSING


def test_a_mail_with_many_reports_is_too_much() -> None:
    parts = b"".join(
        b"--=_cut\r\nContent-Type: text/xml\r\n\r\n" + aggregate() + b"\r\n" for _ in range(5)
    )
    octets = b'Content-Type: multipart/mixed; boundary="=_cut"\r\n\r\n' + parts
    assert trouble(read_mail(octets)) is Trouble.MANY_FILES


@given(st.binary(max_size=300), st.integers(0, 2))
def test_whatever_comes_is_read_or_has_a_trouble(octets: bytes, how: int) -> None:
    made = (octets, gzip.compress(octets), zipped(("a.xml", octets)))[how]
    assert isinstance(read_file(made), (tuple, Unreadable))
    assert isinstance(read_mail(mail(made)), (tuple, Unreadable))


@given(st.data())
def test_a_report_with_an_octet_changed_is_read_or_has_a_trouble(data: st.DataObject) -> None:
    source = data.draw(st.sampled_from([aggregate(), OLD, tls(), packed(aggregate())]))
    octets = bytearray(source)
    octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    assert isinstance(read_file(bytes(octets)), (tuple, Unreadable))


def test_the_namespace_is_that_of_the_rfc() -> None:
    assert NAMESPACE.encode() in aggregate()
