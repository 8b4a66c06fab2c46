"""The messages and keys of dkimpy and authheaders: what verifies there, verifies here."""

from __future__ import annotations

import itertools

import pytest
from tests.checks.dkim.wiring import NOW, drive, keys, results
from tests.vectors.archive import read

from ulak.checks.dkim import Key, Signer, verify, with_crlf
from ulak.checks.dkim.canonical import Form
from ulak.dns import Zone
from ulak.mail.message import split

_DATA = "dkim/tests/data/"
# tests/test_dkim.py of dkimpy has these in its answers.
_GMAIL = (
    b"k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA1Kd87/UeJjenpabgbFwh+eBCsSTrqmwIYYvyw"
    b"lbhbqoo2DymndFkbjOVIPIldNs/m40KF+yzMn1skyoxcTUGCQs8g3FgD2Ap3ZB5DekAo5wMmk4wimDO+U8QzI3SD07y"
    b"2+07wlNWwIt8svnxgdxGkVbbhzY8i+RQ9DpSVpPbF7ykQxtKXkv/ahW3KjViiAH+ghvvIhkx4xYSIc9oSwVmAl5OctM"
    b"EeWUwg8Istjqz8BZeTWbf41fbNhte7Y+YqZOwq1Sd0DbvYAD9NOZK9vlfuac0598HY+vtSBczUiKERHv1yRbcaQtZFh"
    b"5wtiRrN04BLUTD21MycBX5jYchHjPY/wIDAQAB"
)
_RFC_ED = b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
_BROKEN = (
    b"k=rsa; p=MFwwDQYJKoZIhvNAQEBBQADSwAwSAJBANmBe10IgY+u7h3enWTukkqtUD5PR52Tb/mPfjC0QJTocVBq6Za"
    b"/PlzfV+Py92VaCak19F4WrbVTK5Gg5tW220MCAwEAAQ=="
)


def data(name: str) -> bytes:
    return read("dkimpy", _DATA + name)


def zone(**names: bytes) -> Zone:
    """Make a zone; `__` in a name stands for the dot, `_domainkey` is put in."""
    table = {}
    for name, record in names.items():
        selector, _, domain = name.partition("__")
        table[f"{selector.strip('_')}._domainkey.{domain.replace('__', '.')}", "TXT"] = [record]
    return Zone(table)


FOOTBALL = zone(
    test__football__example__com=data("test.txt"), brisbane__football__example__com=_RFC_ED
)


@pytest.mark.parametrize(
    ("message", "answers", "expected"),
    [
        (data("rfc6376.signed.msg"), FOOTBALL, ["pass", "pass"]),
        (data("rfc6376.signed.rsa.msg"), FOOTBALL, ["pass"]),
        (data("rfc6376.signed.rsa.msg"), zone(test__football__example__com=_BROKEN), ["permerror"]),
        (data("rfc6376.signed.no_t.msg"), FOOTBALL, ["fail"]),
        (data("test.message.baddomain"), FOOTBALL, ["neutral"]),
        (data("ed25519test2.msg"), zone(sed__test__ex=data("eximtest.dns")), ["pass"]),
        (data("test2.message"), zone(_20120113__gmail__com=_GMAIL), ["pass"]),
        (data("test.message"), FOOTBALL, []),
        (
            read("authheaders", "authheaders/test/test.message_signed"),
            zone(test__example__com=read("authheaders", "authheaders/test/test.txt")),
            ["pass"],
        ),
    ],
)
def test_a_message_fares_as_its_archive_says(
    message: bytes, answers: Zone, expected: list[str]
) -> None:
    findings = drive(verify(answers, with_crlf(message), now=NOW))
    assert results(findings) == expected, [str(r) for f in findings for r in f.reasons]


@pytest.mark.parametrize("forms", list(itertools.product(Form, Form)))
@pytest.mark.parametrize(
    ("private", "record", "expected"),
    [
        ("test.private", "test.txt", "pass"),
        ("test.private", "test2.txt", "pass"),  # without k=
        ("test.private", "1024_testkey_wo_markers.pub.txt", "fail"),
        ("test.private", "badversion.txt", "permerror"),
        ("test.private", "badk.txt", "permerror"),
        ("test.private", "test_bad.txt", "permerror"),
        ("test.private", "test_tlsrpt.txt", "permerror"),  # s=tlsrpt: not for mail (RFC 8460 §3)
        ("1024_testkey.key", "1024_testkey_wo_markers.pub.txt", "pass"),
        ("1024_testkey.key", "1024_testkey_wo_markers.pub.rsa.txt", "pass"),
        ("2048_testkey.key", "2048_testkey_wo_markers.pub.txt", "pass"),
        ("2048_testkey.key", "2048_testkey_wo_markers.pub.rsa.txt", "pass"),
        ("2048_testkey_PKCS8.key", "2048_testkey_PKCS8.key.pub.txt", "pass"),
        ("ed25519test.key", "ed25519test.dns", "pass"),
    ],
)
@pytest.mark.parametrize(
    "message",
    ["test.message", "rfc6376.msg", "rfc6376.w1258.msg", "message.mbox", "ed25519test.msg"],
)
def test_every_key_signs_every_message(
    private: str, record: str, expected: str, message: str, forms: tuple[Form, Form]
) -> None:
    signer = Signer(
        [Key.read("example.com", "test", data(private))], header_form=forms[0], body_form=forms[1]
    )
    header, body = split(with_crlf(data(message)))
    signed = signer.sign(header, body, NOW) + header + b"\r\n" + body
    # One of the messages has a signature already.
    finding, *_ = drive(verify(zone(test__example__com=data(record)), signed, now=NOW))
    assert finding.result == expected, list(map(str, finding.reasons))


def test_a_message_without_from_is_never_vouched_for() -> None:
    header, body = split(with_crlf(data("test_nofrom.message")))
    signer = Signer([Key.read("example.com", "test", data("test.private"))])
    message = signer.sign(header, body, NOW) + header + b"\r\n" + body
    (finding,) = drive(verify(zone(test__example__com=data("test.txt")), message, now=NOW))
    assert finding.result == "permerror"
    assert keys(finding)[-1] == "no-from"
